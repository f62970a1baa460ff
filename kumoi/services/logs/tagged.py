"""Log groups, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.services.logs.records import groups
from kumoi.services.logs.rules import group_arn
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Log groups, in a place."""
    return [Tagged(group_arn(tx.account, tx.region, one.name), one.tags) for one in await groups.list(tx)]


retag = Retagging("logs", resource="resourceArn", tags="tags", keys="tagKeys")
