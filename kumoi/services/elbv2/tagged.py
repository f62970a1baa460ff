"""Load balancers and target groups, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.services.elbv2.records import balancers, groups
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Load balancers and target groups, in a place."""
    found = [Tagged(one.arn, one.tags) for one in await balancers.list(tx)]
    return found + [Tagged(one.arn, one.tags) for one in await groups.list(tx)]


retag = Retagging("elbv2", "AddTags", "RemoveTags", pair=KEY_VALUE, named=lambda resource: {"ResourceArns": [resource]})
