"""Executions end when their time is over, each by itself."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.services.appsync.execution import running
from kumoi.services.appsync.execution.documents import read
from kumoi.services.appsync.execution.time_limit import TimeLimit
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.schema.compiled import compiled


async def bounded(limit: TimeLimit, seconds: float) -> str:
    try:
        with limit.bound():
            await asyncio.sleep(seconds)
    except TimeoutError:
        return "timed out"
    return "done"


def test_what_lasts_too_long_is_ended_and_nothing_else() -> None:
    async def run() -> list[str]:
        limit = TimeLimit(0.2)
        loop = asyncio.get_running_loop()
        began = loop.time()
        quick, slow = asyncio.create_task(bounded(limit, 0)), asyncio.create_task(bounded(limit, 10))
        await asyncio.sleep(0.1)
        later, last = asyncio.create_task(bounded(limit, 0.15)), asyncio.create_task(bounded(limit, 10))
        assert await slow == "timed out"
        assert 0.2 <= loop.time() - began < 9
        found = await asyncio.gather(quick, later, last)
        assert loop.time() - began >= 0.3
        assert await bounded(limit, 10) == "timed out", "the timer is set again"
        return found

    assert asyncio.run(run()) == ["done", "done", "timed out"]


def test_a_cancellation_by_others_is_one() -> None:
    async def run() -> None:
        limit = TimeLimit(10)
        task = asyncio.create_task(bounded(limit, 10))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(0.05):
            with pytest.raises(asyncio.CancelledError):
                await bounded(limit, 10)
            raise TimeoutError

    with pytest.raises(TimeoutError):
        asyncio.run(run())


def test_a_query_is_told_that_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck:
        def __init__(self, *_: object) -> None: ...

        async def run(self, *_: object) -> None:
            await asyncio.Event().wait()

    found = compiled("type Query { hello: String }")
    document = read(found, "{ hello }")
    kept = Kept()
    kept.time_limit = TimeLimit(0.05)
    asked: Any = SimpleNamespace(variables={}, caller=None, api=SimpleNamespace(properties={}))
    bound: Any = SimpleNamespace(schema=found, program=lambda *_: SimpleNamespace(introspection=None))
    monkeypatch.setattr(running, "Execution", Stuck)
    answer = asyncio.run(running.run(asked, bound, kept, document, document.operations[0]))
    assert answer["data"] is None
    assert answer["errors"][0]["errorType"] == "ExecutionTimeout"
