"""What runs for CloudFormation while the platform does: the engine, the translator of SAM templates, notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.services.cloudformation.engine import Engine
from kumoi.services.cloudformation.notices import TOPIC, Announcer
from kumoi.services.cloudformation.sam import SamTranslator
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the engine; what a crash interrupted is rolled back once the platform is up."""
    engine = parts.add(Engine, Engine(parts[Doorway]))
    parts[TimerRunner].on(TOPIC, Announcer(parts[Doorway]).fire)
    translator = parts.add(SamTranslator, SamTranslator())
    resuming = asyncio.create_task(engine.resume())
    try:
        yield
    finally:
        resuming.cancel()
        await asyncio.gather(resuming, return_exceptions=True)
        await engine.stop()
        await translator.close()
