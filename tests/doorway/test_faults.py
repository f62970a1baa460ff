from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from kumoi.clock import Clock
from kumoi.doorway.fault import Fault
from kumoi.doorway.faults import CallDropped, Faults
from kumoi.wire.errors import AwsError

INVOKE = ("000000000000", "client", "lambda", "Invoke", "lambda:resize")


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        (Fault(action="fail"), True),
        (Fault(action="fail", service="lambda"), True),
        (Fault(action="fail", service="s3"), False),
        (Fault(action="fail", operation="Inv*"), True),
        (Fault(action="fail", operation="Get*"), False),
        (Fault(action="fail", resource="resize"), True),
        (Fault(action="fail", resource="other"), False),
        (Fault(action="fail", source="lambda:*"), False),
        (Fault(action="fail", account="123456789012"), False),
        (Fault(action="fail", probability=0.0), False),
    ],
)
def test_a_fault_strikes_what_its_patterns_match(fault: Fault, struck: bool) -> None:
    faults = Faults(Clock())
    faults.add(fault)
    assert (faults.choose(*INVOKE) is fault) is struck


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        (Fault(action="fail", source="lambda:resize", times=1), False),
        (Fault(action="drop"), False),
        (Fault(action="fail", source="lambda:resize", service="logs"), True),
        (Fault(action="fail", operation="Write*"), True),
        (Fault(action="fail", resource="/aws/lambda/*"), True),
    ],
)
def test_that_log_lines_are_stored_is_none_of_a_functions_own_calls(fault: Fault, struck: bool) -> None:
    faults = Faults(Clock())
    faults.add(fault)
    stored = ("000000000000", "lambda:resize", "logs", "WriteFunctionLogs", "logs:/aws/lambda/resize")
    assert (faults.choose(*stored) is fault) is struck


@pytest.mark.parametrize("action", ["stale", "truncate", "corrupt", "duplicate"])
def test_what_is_no_call_is_not_struck_by_what_only_calls_can_have(action: Any) -> None:
    faults = Faults(Clock())
    faults.add(Fault(action=action, service="dynamodb"))
    assert faults.choose("000000000000", "dynamodb:t", "dynamodb", "Replicate", "dynamodb:t") is None
    assert len(faults.log) == 0


def test_the_same_seed_strikes_the_same_calls_again() -> None:
    def run(seed: int) -> list[bool]:
        faults = Faults(Clock())
        faults.add(Fault(action="fail", probability=0.3, seed=seed))
        return [faults.choose(*INVOKE) is not None for _ in range(200)]

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert 30 < sum(run(7)) < 90


def test_calls_on_one_edge_do_not_change_what_strikes_another() -> None:
    def struck_on_invoke(noise: bool) -> list[bool]:
        faults = Faults(Clock())
        faults.add(Fault(action="fail", probability=0.5, seed=1))
        found = []
        for _ in range(50):
            if noise:
                faults.choose("000000000000", "client", "s3", "GetObject", "s3:pictures")
            found.append(faults.choose(*INVOKE) is not None)
        return found

    assert struck_on_invoke(noise=True) == struck_on_invoke(noise=False)


def test_times_bounds_how_often_a_fault_strikes() -> None:
    faults = Faults(Clock())
    faults.add(Fault(action="drop", times=2, id="twice"))
    assert [faults.choose(*INVOKE) is not None for _ in range(4)] == [True, True, False, False]
    assert faults.list()[0][1] == 2


def test_a_fault_concerns_the_accounts_that_it_may_still_strike() -> None:
    faults = Faults(Clock())
    assert not faults.concern("000000000000")
    faults.add(Fault(action="drop", account="0000*", times=1))
    assert (faults.concern("000000000000"), faults.concern("100000000000")) == (True, False)
    assert faults.choose(*INVOKE) is not None
    assert not faults.concern("000000000000")


def test_a_delay_counts_platform_time() -> None:
    async def scenario() -> float:
        clock = Clock()
        clock.hold()
        faults = Faults(clock)
        striking = asyncio.create_task(faults.strike(Fault(action="delay", delay_ms=60_000)))
        await asyncio.sleep(0)
        assert not striking.done()
        clock.advance(60)
        await striking
        return clock.now()

    asyncio.run(scenario())


def test_fail_raises_the_declared_error_and_drop_loses_the_call() -> None:
    faults = Faults(Clock())
    with pytest.raises(AwsError) as failed:
        asyncio.run(faults.strike(Fault(action="fail", error="SlowDown", message="easy", status=503)))
    assert (failed.value.code, failed.value.message, failed.value.default_status) == ("SlowDown", "easy", 503)
    with pytest.raises(CallDropped):
        asyncio.run(faults.strike(Fault(action="drop")))


@pytest.mark.parametrize("wrong", [{"probability": 1.1}, {"delay_ms": -1}, {"status": 200}, {"times": -1}])
def test_nonsense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Fault(action="fail", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"attributes": {"tenant": "acme"}},
        {"attributes": {"header.": "acme"}},
        {"attributes": {f"header.{number}": "*" for number in range(11)}},
        {"schedule": "rate(0 minutes)"},
        {"schedule": "rate(5 minutes)", "lasts_s": 0},
        {"schedule": "every tuesday"},
        {"application": "shop"},
    ],
)
def test_whose_calls_and_when_is_said_clearly(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="attributes are|rate|lasts_s|is not of the form|nodes are needed"):
        Fault(action="fail", **wrong)


@pytest.mark.parametrize(
    ("given", "source", "attributes", "belongs"),
    [
        ({}, "client", {}, True),
        ({"nodes": ["sqs:q"]}, "client", {}, True),
        ({"nodes": ["client"]}, "client", {}, True),
        ({"nodes": ["sqs:other"]}, "client", {}, False),
        ({"attributes": {"header.x-tenant": "ac*"}}, "client", {"header.x-tenant": "acme"}, True),
        ({"attributes": {"header.x-tenant": "ac*"}}, "client", {"header.x-tenant": "other"}, False),
        ({"attributes": {"header.x-tenant": "ac*"}}, "client", {}, False),
        ({"attributes": {"header.x-tenant": ""}}, "client", {}, True),
        ({"attributes": {"header.x-tenant": "*"}}, "client", {"header.x-tenant": "acme"}, True),
        ({"attributes": {"header.x-tenant": "*"}}, "client", {}, False),
    ],
)
def test_calls_belong_to_an_application_and_to_whoever_began_them(
    given: dict[str, Any], source: str, attributes: dict[str, str], belongs: bool
) -> None:
    fault = msgspec.convert({"action": "fail", **given}, Fault)
    assert fault.belongs(source, "sqs:q", attributes) is belongs


def test_it_strikes_when_its_schedule_is_due() -> None:
    clock = Clock()
    clock.hold()
    faults = Faults(clock)
    faults.add(Fault(action="drop", schedule="rate(10 minutes)", lasts_s=120))
    clock.advance(600 - clock.now() % 600)
    seen = []
    for _ in range(10):
        seen.append(faults.choose(*INVOKE) is not None)
        clock.advance(90)
    assert seen == [True, True, False, False, False, False, False, True, False, False]


def test_a_fault_where_functions_run_strikes_no_call_at_the_doorway() -> None:
    faults = Faults(Clock())
    fault = faults.add(Fault(action="answer", point="run", resource="resize:live", payload="1"))
    assert faults.choose(*INVOKE) is None
    assert faults.choose(*INVOKE[:4], "lambda:resize:live", point="run") is fault
    assert faults.choose(*INVOKE[:4], "lambda:resize:$LATEST", point="run") is None


def test_a_fault_strikes_by_who_calls_and_where() -> None:
    faults = Faults(Clock())
    fault = faults.add(Fault(action="fail", caller="arn:aws:sts::1:assumed-role/r/*", region="us-east-1"))
    role = "arn:aws:sts::1:assumed-role/r/session"
    assert faults.choose(*INVOKE, caller=role, region="us-east-1") is fault
    assert faults.choose(*INVOKE, caller=role, region="eu-west-1") is None
    assert faults.choose(*INVOKE, caller="arn:aws:iam::1:root", region="us-east-1") is None


@pytest.mark.parametrize(("action", "point"), [("answer", "call"), ("drop", "run")])
def test_what_cannot_be_done_at_a_point_is_no_fault(action: str, point: str) -> None:
    with pytest.raises(ValueError, match="at the point"):
        Fault(action=action, point=point)  # type: ignore[arg-type]


def test_latencies_are_those_of_their_distribution_and_the_same_again() -> None:
    def delays(distribution: str, seed: int = 1) -> list[float]:
        faults = Faults(Clock())
        faults.add(Fault(action="delay", delay_ms=100, spread_ms=50, distribution=distribution, seed=seed))  # type: ignore[arg-type]
        found = [faults.choose(*INVOKE) for _ in range(300)]
        return sorted(fault.delay_ms for fault in found if fault is not None)

    assert set(delays("fixed")) == {100}
    uniform, lognormal, pareto = (delays(name) for name in ("uniform", "lognormal", "pareto"))
    assert 50 <= uniform[0] < 60 and 140 < uniform[-1] <= 150
    assert 85 < lognormal[150] < 115 and lognormal[-1] > 200
    assert pareto[0] >= 100 and pareto[150] < 150 < 300 < pareto[-1]
    assert delays("pareto") == pareto and delays("pareto", 2) != pareto


@pytest.mark.parametrize(
    ("given", "struck"),
    [
        ({"skip": 3}, [3, 4, 5, 6, 7, 8, 9]),
        ({"every": 4}, [0, 4, 8]),
        ({"skip": 2, "every": 3}, [2, 5, 8]),
        ({"skip": 1, "times": 2}, [1, 2]),
    ],
)
def test_it_strikes_the_calls_that_are_meant(given: dict[str, int], struck: list[int]) -> None:
    faults = Faults(Clock())
    faults.add(Fault(action="drop", **given))  # type: ignore[arg-type]
    assert [number for number in range(10) if faults.choose(*INVOKE)] == struck


def test_it_holds_for_a_while() -> None:
    clock = Clock()
    clock.hold()
    faults = Faults(clock)
    faults.add(Fault(action="drop", begins=clock.now() + 10, ends=clock.now() + 20))
    seen = []
    for _ in range(4):
        seen.append(faults.choose(*INVOKE) is not None)
        clock.advance(8)
    assert seen == [False, False, True, False]


def test_the_log_is_the_same_in_whatever_order_edges_are_called() -> None:
    def log(edges: list[str]) -> list[object]:
        faults = Faults(Clock())
        faults.add(
            Fault(action="delay", delay_ms=5, spread_ms=5, distribution="uniform", probability=0.4, seed=3, id="f")
        )
        for name in edges:
            faults.choose("000000000000", f"lambda:{name}", "sqs", "SendMessage", "sqs:q")
        return list(faults.log)

    first, second = log(["a", "b"] * 40), log(["a"] * 40 + ["b"] * 40)
    assert first == second
    assert 15 < len(first) < 60


def test_a_call_is_overtaken_by_the_next_on_its_edge() -> None:
    async def scenario() -> list[str]:
        faults, order = Faults(Clock()), []
        fault = Fault(action="reorder", delay_ms=60_000)

        async def first() -> None:
            await faults.strike(fault, "sqs", "edge")
            order.append("first")

        waiting = asyncio.create_task(first())
        await asyncio.sleep(0)
        order.append("second")
        faults.passed("edge")
        await waiting
        return order

    assert asyncio.run(scenario()) == ["second", "first"]


def _retried(service: str, kind: str) -> bool:
    """Whether botocore's standard mode tries again after an error."""
    from botocore.awsrequest import AWSResponse
    from botocore.retries.standard import RetryContext, ThrottledRetryableChecker, TransientRetryableChecker

    error = Fault(action="fail", error=kind).error_of(service)
    response = AWSResponse("http://x", error.default_status, {}, None)
    parsed = {"Error": {"Code": error.code}, "ResponseMetadata": {"HTTPStatusCode": error.default_status}}
    context = RetryContext(1, parsed_response=parsed, http_response=response)
    return bool(ThrottledRetryableChecker().is_retryable(context) or TransientRetryableChecker().is_retryable(context))


def test_botocore_tries_again_after_each_error_that_is_passing() -> None:
    from kumoi.wire.catalog import CATALOG

    services = sorted({one.name for one in CATALOG})
    assert len(services) > 20
    for kind in ("throttle", "capacity", "internal", "unavailable", "timeout"):
        assert [service for service in services if not _retried(service, kind)] == []
    for kind in ("expired", "skew", "denied", "too-large"):
        assert [service for service in services if _retried(service, kind)] == []
