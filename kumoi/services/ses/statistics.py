"""What was sent, by quarters of an hour: the points of GetSendStatistics, and how much of the quota is used."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from kumoi.state import Transaction, transactional
from kumoi.state.space import Space

QUARTER = 900.0
DAY, FORTNIGHT = 86_400.0, 14 * 86_400.0
MOST_A_DAY = 50_000.0
MOST_A_SECOND = 14.0
"""The quotas that an account with production access begins with. Kumoi tells them and does not count anybody out."""


class Quarter(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a quarter of an hour that begins at `start` (epoch seconds)."""

    start: int
    attempts: int = 0
    bounces: int = 0
    complaints: int = 0
    rejects: int = 0


quarters: Space[Quarter] = Space("ses.quarter", Quarter, lambda one: (one.start,))


async def count(tx: Transaction, *, attempts: int = 0, bounces: int = 0, complaints: int = 0, rejects: int = 0) -> None:
    """Add to the quarter that is now, and forget those of more than a fortnight ago."""
    start = int(tx.now // QUARTER * QUARTER)
    found = await quarters.get(tx, start)
    if found is None:
        found = Quarter(start=start)
        for old in await quarters.list(tx, limit=2):
            if old.start < tx.now - FORTNIGHT:
                await quarters.delete(tx, old.start)
    added = replace(
        found,
        attempts=found.attempts + attempts,
        bounces=found.bounces + bounces,
        complaints=found.complaints + complaints,
        rejects=found.rejects + rejects,
    )
    await quarters.put(tx, added)


@transactional
async def since(tx: Transaction, start: float) -> list[Quarter]:
    """The quarters from a moment (epoch seconds) on, in order."""
    return [one for one in await quarters.list(tx) if one.start >= start]


@transactional
async def sent_in_a_day(tx: Transaction) -> float:
    """Recipients that mails were sent to in the last 24 hours."""
    return float(sum(one.attempts for one in await since(tx, tx.now - DAY)))
