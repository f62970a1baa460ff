"""Groups, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.services.resource_groups.records import group_arn, groups
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Groups, in a place."""
    return [Tagged(group_arn(tx.account, tx.region, one.name), one.tags) for one in await groups.list(tx)]


retag = Retagging("resource-groups", "Tag", "Untag", resource="Arn", keys="Keys")
