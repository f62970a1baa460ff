"""What runs for IoT while the platform does: rules and the outbox of their actions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.delivery import Outbox
from kumoi.doorway import Doorway, Parts
from kumoi.http_client import HttpClient
from kumoi.services.iot.actions import Actor
from kumoi.services.iot.rule_engine import RuleEngine
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; actions that a crash left behind are done once the platform is up."""
    doorway = parts[Doorway]
    engine = parts.add(RuleEngine, RuleEngine(doorway, Actor(doorway, parts[HttpClient])))
    engine.outbox = Outbox(
        "iot.action",
        state=doorway.state,
        clock=doorway.clock,
        timers=parts[TimerRunner],
        attempt=engine.attempt,
        give_up=engine.give_up,
    )
    await engine.outbox.resume()
    try:
        yield
    finally:
        await engine.outbox.stop()
