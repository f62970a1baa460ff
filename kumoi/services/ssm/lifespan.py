"""What runs for Parameter Store while the platform does: events on their way out, and policies that fall due."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.services.ssm.enforcement import Enforcement
from kumoi.services.ssm.expiry import TOPIC
from kumoi.services.ssm.notices import Notices
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; events that a crash left behind go out once the platform is up."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    notices = parts.add(Notices, Notices(doorway, timers))
    timers.on(TOPIC, Enforcement(doorway.state, notices).fire)
    await notices.outbox.resume()
    try:
        yield
    finally:
        await notices.outbox.stop()
