from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.state import Timer, Transaction, transactional
from kumoi.state.sqlite import SqliteState
from kumoi.state.timers import TimerRunner

Run = Callable[[Callable[[SqliteState, Clock], Awaitable[Any]]], Any]


@transactional
async def set_timer(tx: Transaction, seconds: float, payload: bytes, key: str = "") -> None:
    tx.timer(tx.now + seconds, "topic", payload, key=key)


def test_an_hours_timers_run_at_once_when_the_clock_is_advanced(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        fired: list[bytes] = []

        async def handler(timer: Timer) -> None:
            fired.append(timer.payload)
            if timer.payload == b"first":
                await set_timer(state.at(timer.account, timer.region), 0, b"set by the first")

        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        await timers.start()
        await set_timer(state, 3600, b"second")
        await set_timer(state, 60, b"first")
        await set_timer(state, 3601, b"not yet")
        clock.advance(3600)
        await timers.idle()
        assert fired == [b"first", b"second", b"set by the first"]
        await timers.stop()

    run(scenario)


def test_a_timer_of_the_same_key_is_replaced(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        await set_timer(state, 10, b"old", "k")
        await set_timer(state, 20, b"new", "k")
        await set_timer(state, 5, b"other")
        clock.advance(20)
        assert [timer.payload for timer in await state.due_timers(10)] == [b"other", b"new"]

    run(scenario)


def test_a_failing_handler_is_called_again_later(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        attempts: list[int] = []

        async def handler(timer: Timer) -> None:
            attempts.append(timer.attempts)
            if len(attempts) < 3:
                raise OSError("not now")

        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        await timers.start()
        await set_timer(state, 0, b"x")
        for _ in range(3):
            await timers.idle()
            clock.advance(10)
        await timers.idle()
        assert attempts == [0, 1, 2]
        assert await state.next_timer() is None
        await timers.stop()

    run(scenario)
    assert "a timer of topic failed" in caplog.text


def test_a_timer_fires_in_real_time_too() -> None:
    async def scenario() -> None:
        clock = Clock()
        state = await SqliteState.open(None, clock=clock)
        fired = asyncio.Event()

        async def handler(_timer: Timer) -> None:
            fired.set()

        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        await timers.start()
        await set_timer(state, 0.05, b"")
        async with asyncio.timeout(10):
            await fired.wait()
        await timers.stop()
        await state.close()

    asyncio.run(scenario())
