"""What runs for SES while the platform does: events on their way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.services.ses.publisher import Publisher
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the part; what a crash left behind is told once the platform is up."""
    publisher = parts.add(Publisher, Publisher(parts[Doorway], parts[TimerRunner]))
    await publisher.outbox.resume()
    try:
        yield
    finally:
        await publisher.outbox.stop()
