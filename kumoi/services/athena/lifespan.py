"""What runs for Athena while the platform does: the runner of executions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.services.athena.history import FORGET, fire
from kumoi.services.athena.runner import Runner, fail_unfinished
from kumoi.state import Timer
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the runner; executions under way are stopped with the platform."""
    doorway, timers = parts[Doorway], parts[TimerRunner]

    async def forgotten(timer: Timer) -> None:
        await fire(doorway.state.at(timer.account, timer.region), timer)

    timers.on(FORGET, forgotten)
    await fail_unfinished(doorway.state, doorway.clock.now())
    runner = parts.add(Runner, Runner(doorway, doorway.directory("athena")))
    try:
        yield
    finally:
        await runner.close()


async def forget(parts: Parts, account: str | None) -> None:
    """Stop the executions of an account, or of all."""
    await parts[Runner].stop(account)
