"""Work groups, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.names import arn
from kumoi.services.athena.records import work_groups
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Work groups, in a place."""
    found = await work_groups.list(tx)
    return [Tagged(arn("athena", tx.region, tx.account, f"workgroup/{one.name}"), one.tags) for one in found]


retag = Retagging("athena", resource="ResourceARN", pair=KEY_VALUE)
