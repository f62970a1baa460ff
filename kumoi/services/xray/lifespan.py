"""What runs for X-Ray while the platform does: the daemon, the sampler, and the segments made of hops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.services.xray.daemon import Daemon
from kumoi.services.xray.intake import Intake
from kumoi.services.xray.platform_segments.emitter import Emitter
from kumoi.services.xray.sampler import Sampler
from kumoi.services.xray.storage import DAY, KEPT_DAYS, TABLE


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; segments that are too old are dropped."""
    doorway = parts[Doorway]
    intake = parts.add(Intake, Intake(doorway.lake, doorway.clock))
    too_old = int(doorway.clock.now() * 1000) - KEPT_DAYS * DAY
    await doorway.lake.retain(TABLE.name, account=None, region=None, before=too_old)
    doorway.tracing.decide = Sampler().decide
    emitter = parts.add(Emitter, Emitter(doorway.hops, intake))
    daemon = parts.add(Daemon, Daemon(intake, doorway.tracing))
    daemon.start()
    try:
        yield
    finally:
        daemon.stop()
        emitter.stop()
