"""What runs for RDS while the platform does: the databases in use, and the removal of deleted ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.services.rds.data.transactions import Databases
from kumoi.services.rds.naming import REMOVAL
from kumoi.state import Timer
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; a removal that a crash interrupted is done again."""
    doorway = parts[Doorway]
    databases = parts.add(Databases, Databases(doorway.directory("databases"), doorway.clock))

    async def remove(timer: Timer) -> None:
        await databases.drop(timer.payload.decode())

    parts[TimerRunner].on(REMOVAL, remove)
    try:
        yield
    finally:
        await databases.stop()


async def forget(parts: Parts, account: str | None) -> None:
    """Remove the databases of an account, or all."""
    await parts[Databases].forget(account)
