"""What is bounded ends when its time is over, each by itself."""

from __future__ import annotations

import asyncio

import pytest

from kumoi.time_limit import TimeLimit


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
