"""What is bounded ends when its time is over, each by itself."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

import pytest

from kumoi.time_limit import TimeLimit


class Skipping(selectors.DefaultSelector):
    """Skips the time that a loop would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """A loop on which no time goes by but what it waits for: however busy the machine is, all is due in order."""

    def __init__(self) -> None:
        self._skipping = Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


def run_skipping(main: Any) -> Any:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(main)


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
        assert loop.time() - began == pytest.approx(0.2)
        found = await asyncio.gather(quick, later, last)
        assert loop.time() - began == pytest.approx(0.3)
        assert await bounded(limit, 10) == "timed out", "the timer is set again"
        return found

    assert run_skipping(run()) == ["done", "done", "timed out"]


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
        run_skipping(run())
