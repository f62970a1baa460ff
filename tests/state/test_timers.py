from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.state import Timer, Transaction, transactional
from kumoi.state import timers as timers_module
from kumoi.state.sqlite import SqliteState
from kumoi.state.timers import CONCURRENCY, TimerRunner

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


def test_a_schedule_runs_at_each_of_its_times_while_the_clock_is_advanced(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        began = clock.now()
        fired: list[float] = []

        async def every_minute(timer: Timer) -> None:
            fired.append(round(clock.now() - began, 3))
            await set_timer(state.at(timer.account, timer.region), 60, b"", "every minute")

        timers = TimerRunner(state, clock)
        timers.on("topic", every_minute)
        await timers.start()
        await set_timer(state, 60, b"", "every minute")
        await timers.advance(3600)
        assert fired == [60.0 * n for n in range(1, 61)]
        assert clock.now() == pytest.approx(began + 3600)
        with pytest.raises(ValueError, match="negative"):
            await timers.advance(-1)
        await timers.stop()

    run(scenario)


def test_a_slow_handler_holds_up_no_other(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        release, quick = asyncio.Event(), asyncio.Event()

        async def handler(timer: Timer) -> None:
            if timer.payload == b"slow":
                await release.wait()
            else:
                quick.set()

        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        await timers.start()
        await set_timer(state, 0, b"slow")
        await set_timer(state, 0, b"quick")
        async with asyncio.timeout(60):
            await quick.wait()
        release.set()
        await timers.idle()
        assert await state.next_timer() is None
        await timers.stop()

    run(scenario)


def test_handlers_under_way_are_bounded_and_all_have_their_turn(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        under_way, most, fired = 0, 0, 0

        async def handler(_timer: Timer) -> None:
            nonlocal under_way, most, fired
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            fired += 1

        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        await asyncio.gather(*(set_timer(state, 0, b"") for _ in range(3 * CONCURRENCY)))
        await timers.start()
        await timers.idle()
        assert (fired, most) == (3 * CONCURRENCY, CONCURRENCY)
        await timers.stop()

    run(scenario)


def test_a_timer_completed_with_its_effect_happens_once(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        @transactional
        async def count(tx: Transaction, timer: Timer) -> int:
            tx.complete_timer(timer)
            return await tx.add(("fired",))

        async def handler(timer: Timer) -> None:
            assert await count(state, timer) == 1
            raise OSError("after its effect was recorded")

        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        await timers.start()
        await set_timer(state, 0, b"")
        await timers.advance(3600)
        assert await state.next_timer() is None
        await timers.stop()

    run(scenario)


def test_a_handler_may_set_its_own_timer_anew(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        async def handler(timer: Timer) -> None:
            await set_timer(state, 60, b"again", timer.key)

        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        await timers.start()
        await set_timer(state, 0, b"", "k")
        await timers.idle()
        assert await state.next_timer() == clock.now() + 60
        await timers.stop()

    run(scenario)


def test_a_timer_set_anew_while_its_handler_runs_waits_for_it(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        begun, release, other = asyncio.Event(), asyncio.Event(), asyncio.Event()
        under_way, most, payloads = 0, 0, list[bytes]()

        async def handler(timer: Timer) -> None:
            nonlocal under_way, most
            if timer.key == "other":
                other.set()
                return
            under_way += 1
            most = max(most, under_way)
            payloads.append(timer.payload)
            begun.set()
            await release.wait()
            under_way -= 1

        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        await timers.start()
        await set_timer(state, 0, b"first", "k")
        async with asyncio.timeout(60):
            await begun.wait()
            await set_timer(state, 0, b"second", "k")
            await set_timer(state, 0, b"", "other")
            await other.wait()
        release.set()
        await timers.idle()
        assert (payloads, most) == ([b"first", b"second"], 1)
        assert await state.next_timer() is None
        await timers.stop()

    run(scenario)


def test_a_handler_that_was_stopped_is_called_at_the_next_start(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        started, calls = asyncio.Event(), 0

        async def handler(_timer: Timer) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                started.set()
                await asyncio.Event().wait()

        for _ in range(2):
            timers = TimerRunner(state, clock)
            timers.on("topic", handler)
            await timers.start()
            if calls == 0:
                await set_timer(state, 0, b"")
                await started.wait()
            else:
                await timers.idle()
            await timers.stop()
        assert calls == 2
        assert await state.next_timer() is None

    run(scenario)


def test_timers_outlive_the_process_that_set_them(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.hold()
        state = await SqliteState.open(tmp_path / "kumoi.db", clock=clock)
        await set_timer(state.at("111111111111", "eu-west-1"), 60, b"payload", "k")
        await state.close()
        clock.advance(3600)  # nothing ran meanwhile

        fired: list[tuple[str, str, str, bytes]] = []

        async def handler(timer: Timer) -> None:
            fired.append((timer.account, timer.region, timer.key, timer.payload))

        state = await SqliteState.open(tmp_path / "kumoi.db", clock=clock)
        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        await timers.start()
        await timers.idle()
        assert fired == [("111111111111", "eu-west-1", "k", b"payload")]
        await timers.stop()
        await state.close()

    asyncio.run(scenario())


def test_a_full_disk_does_not_end_the_runner(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(timers_module, "RECOVERY", 0.0)

    async def scenario(state: SqliteState, clock: Clock) -> None:
        calls = 0

        async def handler(_timer: Timer) -> None:
            nonlocal calls
            calls += 1
            # The first time, its removal fails.
            state.engine.connection.execute(f"PRAGMA query_only = {'ON' if calls == 1 else 'OFF'}")

        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        await set_timer(state, 0, b"")
        await timers.start()
        async with asyncio.timeout(60):
            await timers.idle()
        assert calls == 2
        assert await state.next_timer() is None
        await timers.stop()

    run(scenario)
    assert "could not be removed" in caplog.text


def test_timers_nobody_handles_and_cancelled_ones_do_not_fire(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    @transactional
    async def cancel(tx: Transaction) -> None:
        tx.cancel_timer("topic", "k")

    async def scenario(state: SqliteState, clock: Clock) -> None:
        await set_timer(state, 0, b"", "k")
        await set_timer(state, 0, b"", "other")
        await cancel(state)
        timers = TimerRunner(state, clock)
        await timers.start()
        await timers.idle()
        assert await state.next_timer() is None
        await timers.stop()

    run(scenario)
    assert caplog.text.count("nobody handles timers of topic") == 1


def test_a_topic_has_one_handler(run: Run) -> None:
    async def handler(_timer: Timer) -> None: ...

    async def scenario(state: SqliteState, clock: Clock) -> None:
        timers = TimerRunner(state, clock)
        timers.on("topic", handler)
        with pytest.raises(ValueError, match="already has a handler"):
            timers.on("topic", handler)
        await timers.idle()  # not started: nothing to wait for
        await timers.stop()

    run(scenario)


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
        async with asyncio.timeout(60):
            await fired.wait()
        await timers.stop()
        await state.close()

    asyncio.run(scenario())
