from __future__ import annotations

import asyncio

import pytest

from kumoi.clock import Clock


class Machine:
    """The machine's clock, set by hand."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time


def test_time_runs_with_the_machine_until_someone_takes_hold() -> None:
    machine = Machine()
    clock = Clock(machine)
    machine.time += 5
    assert clock.now() == 1_005
    clock.hold()
    machine.time += 5
    assert clock.now() == 1_005
    clock.advance(3_600)
    assert clock.now() == 4_605
    clock.release()
    machine.time += 1
    assert clock.now() == 4_606
    clock.scale(10)
    machine.time += 2
    assert clock.now() == 4_626
    assert (clock.status().held, clock.status().scale) == (False, 10)


@pytest.mark.parametrize(("method", "value"), [("scale", 0), ("scale", -1), ("advance", -1)])
def test_time_does_not_run_backwards(method: str, value: float) -> None:
    with pytest.raises(ValueError, match="clock"):
        getattr(Clock(), method)(value)


def test_sleepers_wake_in_the_order_they_fall_due() -> None:
    async def scenario() -> list[int]:
        clock = Clock()
        clock.hold()
        woken: list[int] = []

        async def sleeper(seconds: int) -> None:
            await clock.sleep(seconds)
            woken.append(seconds)

        tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (30, 10, 20, 90)]
        await asyncio.sleep(0)
        clock.advance(60)
        await asyncio.sleep(0)
        assert not tasks[3].done()
        clock.advance(30)
        await asyncio.gather(*tasks)
        return woken

    assert asyncio.run(scenario()) == [10, 20, 30, 90]


def test_a_scaled_clock_wakes_its_sleepers_early() -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.scale(36_000)
        async with asyncio.timeout(60):
            await clock.sleep(3_600)

    asyncio.run(scenario())


def test_a_sleep_that_is_over_does_not_wait() -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.hold()
        await clock.sleep(0)
        await clock.sleep(-5)

    asyncio.run(scenario())


def test_sleepers_that_were_cancelled_are_forgotten() -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.hold()
        earliest = asyncio.create_task(clock.sleep(5))
        for _ in range(1_000):
            cancelled = asyncio.create_task(clock.sleep(3_600))
            await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.gather(cancelled, return_exceptions=True)
        assert len(clock._sleepers) < 5
        clock.advance(5)
        await earliest

    asyncio.run(scenario())


def test_whoever_is_cancelled_takes_no_other_sleeper_along() -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.hold()
        tasks = [asyncio.create_task(clock.sleep(seconds)) for seconds in (3, 1, 2)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        clock.advance(3)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]

    asyncio.run(scenario())


def test_what_happens_is_awaited_until_the_platform_s_time_says_no() -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.hold()
        bell = asyncio.Event()
        due = clock.now() + 3_600
        waiting = asyncio.create_task(clock.happens_by(bell.wait(), due))
        await asyncio.sleep(0)
        clock.advance(3_600)
        assert await waiting is False
        assert await clock.happens_by(bell.wait(), due) is False
        waiting = asyncio.create_task(clock.happens_by(bell.wait(), due + 1))
        await asyncio.sleep(0)
        bell.set()
        assert await waiting is True
        with pytest.raises(ZeroDivisionError):
            await clock.happens_by(failing(), due + 1)

    async def failing() -> None:
        raise ZeroDivisionError

    asyncio.run(scenario())
