"""What runs for ACM while the platform does: certificates are presented, and renewed when it is time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.services.acm.issuing import RENEWAL, renew
from kumoi.services.acm.presenting import all_issued, present, withdraw
from kumoi.services.acm.records import places
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Present what was issued before, and take it back at the end: a snapshot may come next."""
    root = parts[Doorway].state.at("", "")

    async def due(timer: Timer) -> None:
        await renew(parts, timer)

    parts[TimerRunner].on(RENEWAL, due)
    for one in await all_issued(root):
        await present(parts, one)
    try:
        yield
    finally:
        for one in await all_issued(root):
            withdraw(parts, one)


async def forget(parts: Parts, state: State, account: str | None) -> None:
    """Present the certificates of an account, or all, no longer."""
    root = state.at("", "")
    for one in await all_issued(root, account):
        withdraw(parts, one)
    await _free(root, account)


@transactional
async def _free(tx: Transaction, account: str | None) -> None:
    for place in await places.list(tx):
        if account in (None, place.account):
            await places.delete(tx, place.id)
