from __future__ import annotations

import asyncio
import importlib
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from kumoi.cost.hop_cost import hop_cost
from kumoi.doorway import ChargeKey, Hop, HopBatch
from kumoi.doorway.hops import Hops
from kumoi.lake import Lake
from kumoi.studio.traffic import WINDOW, Edge, Traffic, _pricing


def hop(**given: Any) -> Hop:
    plain = Hop(
        0, "1", "us-east-1", "t", "s", "", "client", "lambda:f", "lambda", "Invoke", "ok", 1000, 10, 20, "r", "", {}
    )
    return replace(plain, **{"units": {"requests": 1}, **given})


def add(edge: Edge, hop: Hop, now: float) -> None:
    edge.take(HopBatch([hop]), now)


def test_rates_are_of_now_and_totals_of_ever() -> None:
    edge = Edge("a", "b")
    add(edge, hop(), 1000.0)
    for second in range(30):
        add(edge, hop(outcome="SlowDown" if second % 3 == 0 else "ok", duration_us=second * 1000), 1100.0 + second)
    told = edge.told(1129.5)
    assert (told["calls"], told["errors"], told["recent"], told["recentErrors"]) == (31, 10, 30, 10)
    assert (told["rate"], told["lastError"], told["recentThrottles"]) == (1.0, "SlowDown", 10)
    assert (told["p50"], told["p95"], told["bytes"]) == (14_000, 28_000, 31 * 30)
    later = edge.told(1129.5 + WINDOW)
    assert (later["calls"], later["recent"], later["rate"], later["costHour"], later["p95"]) == (31, 0, 0.0, 0.0, 0)


def test_an_edge_keeps_no_more_than_its_window() -> None:
    edge = Edge("a", "b")
    for second in range(WINDOW * 2):
        add(edge, hop(), float(second))
    assert len(edge.buckets) <= WINDOW + 1


def test_calls_cost_together_what_each_costs_as_long_as_they_count() -> None:
    edge = Edge("client", "lambda:f")
    invoke = hop(units={"lambda:invocations": 1, "lambda:MB-millisecond-x86": 128_000})
    read = {"service": "s3", "operation": "GetObject", "target": "s3:b", "response_bytes": 1_000_000}
    fetch = hop(**read, units={"requests": 2})
    for number in range(120):
        add(edge, (invoke, fetch)[number % 2], 1000.0 + number / 10)
    cost = 60 * (hop_cost(invoke) + hop_cost(fetch))
    assert hop_cost(invoke) > 0 and hop_cost(fetch) > 1.1 * hop_cost(replace(fetch, response_bytes=0)) > 0
    told = edge.told(1011.95)
    assert (told["cost"], told["costHour"]) == (pytest.approx(cost), pytest.approx(cost / 60 * 3600))
    early = sum(hop_cost((invoke, fetch)[number % 2]) for number in range(60))
    later = edge.told(1005.5 + WINDOW)  # when the buckets of 1000 to 1005 are gone
    assert later["costHour"] == pytest.approx((cost - early) / (WINDOW - 0.5) * 3600)
    add(edge, invoke, 5000.0)
    assert edge.told(5000.5)["cost"] == pytest.approx(cost + hop_cost(invoke))


class Charged:
    """The charges of a platform, as far as traffic needs any."""

    def __init__(self) -> None:
        self.listener: Any = None

    def listen(self, listener: Any) -> Any:
        self.listener = listener
        return lambda: None


def recorder() -> Hops:
    return Hops(cast(Lake, SimpleNamespace(define=lambda _table: None, write=lambda *_rows: None)))


def traffic_of(hops: Hops, charges: Charged | None = None) -> Traffic:
    registry = SimpleNamespace(data_plane=lambda name: name == "execute-api" or None)
    identity = SimpleNamespace(mode="audit")
    parts = SimpleNamespace(hops=hops, charges=charges or Charged(), identity=identity, registry=registry)
    return Traffic(cast(Any, parts))


def calls_of(*hops: Hop) -> dict[tuple[str, str], int]:
    async def listened() -> dict[tuple[str, str], int]:
        all_hops = recorder()
        traffic = traffic_of(all_hops)
        for one in hops:
            all_hops.record(one)
        return {ends: int(edge.told(0.0)["calls"]) for ends, edge in traffic.edges("1").items()}

    return asyncio.run(listened())


def edges_of(*hops: Hop) -> set[tuple[str, str]]:
    return set(calls_of(*hops))


def test_the_map_has_work_only() -> None:
    s3 = {"service": "s3", "operation": "GetObject", "target": "s3:code", "source": "lambda:f"}
    assert edges_of(
        hop(),
        hop(operation="CreateFunction"),
        hop(source="cloudformation:app", service="s3", operation="PutObject", target="s3:b"),
        hop(source="sqs:q", service="sqs", operation="ReceiveMessages", target="sqs:q"),
        hop(source="lambda:f", target="lambda:f"),
        hop(source="stepfunctions", service="events", operation="PutEvents", target="events"),
        hop(**s3),
        hop(**{**s3, "target": "s3:mine", "principal": "arn:aws:sts::1:assumed-role/r/f"}),
        hop(service="apigatewayv2", operation="execute-api", target="apigatewayv2:a"),
    ) == {
        ("client", "lambda:f"),
        ("lambda:f", "lambda:f"),
        ("lambda:f", "s3:mine"),
        ("client", "apigatewayv2:a"),
    }


def test_a_call_that_names_several_resources_goes_to_each() -> None:
    asked = (
        "dynamodb:PutItem arn:aws:dynamodb:us-east-1:1:table/A\ndynamodb:PutItem arn:aws:dynamodb:us-east-1:1:table/B"
    )
    write = hop(source="lambda:f", service="dynamodb", operation="TransactWriteItems", target="dynamodb", asked=asked)
    assert edges_of(write) == {("lambda:f", "dynamodb:A"), ("lambda:f", "dynamodb:B")}
    other = replace(write, asked="dynamodb:PutItem arn:aws:dynamodb:us-east-1:1:table/C")
    assert calls_of(write, other) == {("lambda:f", f"dynamodb:{table}"): 1 for table in "ABC"}


def test_a_functions_own_calls_count_whatever_fetched_its_code_before_or_since() -> None:
    own = hop(service="s3", operation="GetObject", target="s3:b", source="lambda:f", principal="arn:aws:sts::1:f")
    code = replace(own, principal="")
    assert calls_of(code, own, code, own) == {("lambda:f", "s3:b"): 2}


@pytest.mark.parametrize("account", ["1", None])
def test_what_was_forgotten_is_counted_anew(account: str | None) -> None:
    async def listened() -> None:
        all_hops = recorder()
        traffic = traffic_of(all_hops)
        for _ in range(2):
            all_hops.record(hop())
            assert [edge.told(0.0)["calls"] for edge in traffic.edges("1").values()] == [1]
            before = traffic.revision("1")
            traffic.clear(account)
            assert (traffic.edges("1"), traffic.accounts, traffic.regions) == ({}, [], {})
            assert traffic.revision("1") > before

    asyncio.run(listened())


def test_what_an_account_sets_up_is_news_to_its_own_map_alone() -> None:
    async def listened() -> tuple[int, int]:
        all_hops = recorder()
        traffic = traffic_of(all_hops)
        all_hops.record(hop(operation="CreateFunction"))
        return traffic.revision("1"), traffic.revision("2")

    assert asyncio.run(listened()) == (1, 0)


def test_what_is_no_call_is_charged_to_its_node() -> None:
    async def charged() -> dict[str, float]:
        charges = Charged()
        traffic = traffic_of(recorder(), charges)
        key = ChargeKey("1", "us-east-1", "t", "stepfunctions:m", "stepfunctions", "Execution")
        charges.listener(key, {"transitions": 3})
        return traffic.own_costs("1")

    assert asyncio.run(charged()) == {"stepfunctions:m": pytest.approx(3 * 25e-6 * 60)}


def test_the_price_list_is_read_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, load = [], importlib.import_module

    def loading(name: str) -> Any:
        threads.append(threading.get_ident())
        return load(name)

    async def scenario() -> None:
        all_hops = recorder()
        watched = traffic_of(all_hops)
        all_hops.record(hop(source="client", target="lambda:f", service="lambda", operation="Invoke"))
        assert watched._pricing is not None
        await watched._pricing
        assert [edge.told(1.0)["calls"] for edge in watched.edges(hop().account).values()] == [1]

    monkeypatch.setattr(importlib, "import_module", loading)
    _pricing.cache_clear()
    asyncio.run(scenario())
    assert threads and threading.get_ident() not in threads
