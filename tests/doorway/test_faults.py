from __future__ import annotations

import asyncio

import pytest

from kumoi.clock import Clock
from kumoi.doorway.faults import CallDropped, Fault, Faults
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
