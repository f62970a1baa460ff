"""What runs for Step Functions while the platform does: the engine, its effects, and those who are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.http_client import HttpClient
from kumoi.services.stepfunctions.effects import Effects
from kumoi.services.stepfunctions.engine import Engine
from kumoi.services.stepfunctions.integrations.http_endpoint import HttpEndpoints
from kumoi.services.stepfunctions.map_runs import MapRuns
from kumoi.services.stepfunctions.publishing import Publishing
from kumoi.state.timers import TimerRunner
from kumoi.wire import Wire


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; executions that were under way go on once the platform answers."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    effects = parts.add(Effects, Effects(doorway, parts[Wire]))
    publishing = Publishing(doorway)
    engine = parts.add(Engine, Engine(doorway, timers, effects, publishing))
    effects.http = HttpEndpoints(doorway, parts[HttpClient]).call
    effects.nested.ended = engine.ended
    map_runs = parts.add(MapRuns, MapRuns(doorway, engine))
    effects.map_runs = map_runs.run
    engine.abort_map_run = map_runs.abort
    await engine.prepare()
    try:
        yield
    finally:
        await engine.stop()
        await publishing.stop()
