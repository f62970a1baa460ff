from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from msgspec.structs import replace

from kumoi.clock import Clock
from kumoi.doorway import Hop
from kumoi.gateway.internal import Internal, edges
from kumoi.state import Timer, Transaction, transactional
from kumoi.state.sqlite import SqliteState
from kumoi.state.timers import TimerRunner
from kumoi.wire.http import BufferedBody, Headers, Request


def hop(source: str, target: str, outcome: str, duration_us: int) -> Hop:
    return Hop(0, "1", "r", "t", "s", "p", source, target, "svc", "Op", outcome, duration_us, 0, 0, "id", "", {})


def test_edges_count_calls_errors_and_mean_durations() -> None:
    many = replace(hop("a", "b", "ok", 10), units={"requests": 3})
    found = edges([hop("client", "a", "ok", 100), hop("client", "a", "SlowDown", 300), hop("a", "b", "ok", 50), many])
    assert found == [
        {"source": "client", "target": "a", "operation": "Op", "calls": 2, "errors": 1, "mean_us": 200.0},
        {"source": "a", "target": "b", "operation": "Op", "calls": 4, "errors": 0, "mean_us": 20.0},
    ]


@transactional
async def _tick(tx: Transaction, due: float) -> None:
    tx.timer(due, "tick")


def test_advancing_the_clock_stops_at_each_timer_on_the_way() -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.hold()
        state = await SqliteState.open(None, clock=clock)
        timers = TimerRunner(state, clock)
        began, ticks = clock.now(), list[float]()

        async def tick(timer: Timer) -> None:
            ticks.append(clock.now() - began)
            await _tick(state, timer.due + 60)

        timers.on("tick", tick)
        await timers.start()
        await _tick(state, began + 60)

        async def reset(_account: str | None) -> None: ...

        open_to_all: Any = SimpleNamespace(identity=SimpleNamespace(enforces=False))
        internal = Internal(open_to_all, clock, timers, reset, dict)

        async def ask(**body: Any) -> tuple[int, Any]:
            request = Request("POST", "/_kumoi/clock", body=BufferedBody(orjson.dumps(body)))
            answer = await internal(request)
            assert isinstance(answer.body, bytes)
            return answer.status, orjson.loads(answer.body)

        status, shown = await ask(action="advance", seconds=3600)
        assert (status, shown["now"]) == (200, began + 3600)
        assert [round(at) for at in ticks] == list(range(60, 3601, 60))
        assert (await ask(action="advance", seconds=-1))[0] == 400
        assert (await ask(action="scale", factor=0))[0] == 400
        assert (await ask(action="rewind"))[0] == 400
        await timers.stop()
        await state.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("mode", "local", "path", "token", "status"),
    [
        ("enforce", False, "/_kumoi/reset", "", 403),
        ("enforce", False, "/_kumoi/reset", "another", 403),
        ("enforce", False, "/_kumoi/reset", "it", 200),
        ("enforce", False, "/_kumoi/health", "", 200),
        ("enforce", True, "/_kumoi/reset", "", 401),
        ("enforce", True, "/_kumoi/reset", "another", 401),
        ("enforce", True, "/_kumoi/reset", "it", 200),
        ("enforce", True, "/_kumoi/info", "", 200),
        ("audit", False, "/_kumoi/reset", "", 200),
    ],
)
def test_an_enforcing_platform_is_ruled_by_who_has_its_token(
    mode: str, local: bool, path: str, token: str, status: int
) -> None:
    forgotten: list[str | None] = []

    async def reset(account: str | None) -> None:
        forgotten.append(account)

    identity = SimpleNamespace(enforces=mode == "enforce", rules=lambda header: header == "Bearer it")
    doorway: Any = SimpleNamespace(identity=identity, registry=())
    internal = Internal(doorway, cast(Clock, None), cast(TimerRunner, None), reset, dict)
    method = "POST" if path.endswith("reset") else "GET"
    headers = Headers([("Authorization", f"Bearer {token}")] if token else [])
    request = Request(method, path, headers=headers, client=("203.0.113.9", 5), local=local)
    assert asyncio.run(internal(request)).status == status
    assert forgotten == ([None] if path.endswith("reset") and status == 200 else [])


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost:4566", None, 200),
        ("localhost:4566", "http://localhost:4566", 200),
        ("localhost:4566", "http://localhost:3000", 403),
        ("127.0.0.1:4566", "http://localhost:4566", 403),
        ("[::1]:4566", None, 200),
        ("10.0.0.7:4566", "http://10.0.0.7:4566", 200),
        ("kumoi:4566", None, 200),
        ("host.docker.internal:4566", None, 200),
        ("", None, 200),
        ("localhost:4566", "https://example.com", 403),
        ("localhost:4566", "null", 403),
        ("rebound.example.com:4566", "http://rebound.example.com:4566", 403),
        ("rebound.example.com:4566", None, 403),
    ],
)
def test_pages_of_others_rule_nothing(host: str, origin: str | None, status: int) -> None:
    async def reset(_account: str | None) -> None: ...

    doorway: Any = SimpleNamespace(identity=SimpleNamespace(enforces=False))
    internal = Internal(doorway, cast(Clock, None), cast(TimerRunner, None), reset, dict)
    headers = [("Host", host)] + ([("Origin", origin)] if origin else [])
    request = Request("POST", "/_kumoi/reset", headers=Headers(headers))
    assert asyncio.run(internal(request)).status == status


def test_a_picture_of_another_page_asks_for_nothing() -> None:
    async def reset(_account: str | None) -> None: ...

    doorway: Any = SimpleNamespace(identity=SimpleNamespace(enforces=False))
    internal = Internal(doorway, cast(Clock, None), cast(TimerRunner, None), reset, dict)
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        headers = Headers([("Host", "localhost:4566"), ("Sec-Fetch-Site", site)])
        assert asyncio.run(internal(Request("POST", "/_kumoi/reset", headers=headers))).status == status
