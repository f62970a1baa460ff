"""Groups of schedules, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.services.scheduler.naming import group_arn
from kumoi.services.scheduler.records import groups
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Groups of schedules, in a place."""
    return [Tagged(group_arn(tx.account, tx.region, one.name), one.tags) for one in await groups.list(tx)]


retag = Retagging("scheduler", pair=KEY_VALUE)
