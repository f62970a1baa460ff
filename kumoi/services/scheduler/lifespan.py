"""What runs for Scheduler while the platform does: the timers of schedules and the outbox of invocations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.delivery import Outbox
from kumoi.doorway import Doorway, Parts
from kumoi.services.scheduler import firing
from kumoi.services.scheduler.firing import Firing
from kumoi.services.scheduler.invocation import Invoker
from kumoi.state.timers import TimerRunner
from kumoi.wire import Wire


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; invocations that a crash left behind are made once the platform is up."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    invoker = Invoker(doorway, parts[Wire])
    outbox = Outbox(
        "scheduler.invocation",
        state=doorway.state,
        clock=doorway.clock,
        timers=timers,
        attempt=invoker.attempt,
        give_up=invoker.give_up,
        ended=firing.ended,
    )
    parts.add(Firing, Firing(doorway.state, outbox))
    timers.on(firing.TOPIC, parts[Firing].fire)
    await outbox.resume()
    try:
        yield
    finally:
        await outbox.stop()
