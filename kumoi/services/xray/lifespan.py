"""What runs for X-Ray while the platform does: the daemon, the sampler, and the segments made of hops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, History, Parts
from kumoi.services.xray.daemon import Daemon
from kumoi.services.xray.intake import Intake
from kumoi.services.xray.platform_segments.emitter import Emitter
from kumoi.services.xray.sampler import Sampler
from kumoi.services.xray.storage import DAY, KEPT_DAYS, TABLE


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; segments that are too old are dropped, as all history is."""
    doorway = parts[Doorway]
    intake = parts.add(Intake, Intake(doorway.lake, doorway.clock))
    parts[History].keep(TABLE.name, KEPT_DAYS * DAY / 1000)
    doorway.tracing.decide = Sampler().decide
    emitter = parts.add(Emitter, Emitter(doorway.hops, intake))
    daemon = parts.add(Daemon, Daemon(intake, doorway.tracing))
    daemon.start()
    try:
        yield
    finally:
        daemon.stop()
        emitter.stop()
