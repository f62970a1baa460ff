"""What runs for load balancers while the platform does: health checks, and whose turn it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.services.elbv2.choosing import Turns
from kumoi.services.elbv2.health import TOPIC, Health
from kumoi.services.elbv2.invoking import Invoker
from kumoi.services.elbv2.records import places
from kumoi.state import State, Transaction, transactional
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts."""
    health = parts.add(Health, Health(parts[Doorway]))
    parts.add(Turns, Turns())
    invoker = parts.add(Invoker, Invoker())
    parts[TimerRunner].on(TOPIC, health.fire)
    try:
        yield
    finally:
        await invoker.stop()


async def forget(parts: Parts, state: State, account: str | None) -> None:
    """Free the names of an account's load balancers, or all."""
    await _free(state.at("", ""), account)


@transactional
async def _free(tx: Transaction, account: str | None) -> None:
    for place in await places.list(tx):
        if account in (None, place.account):
            await places.delete(tx, place.label)
