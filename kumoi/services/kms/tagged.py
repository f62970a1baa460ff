"""Keys of the customer, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.services.kms.records import keys
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Keys of the customer, in a place."""
    return [Tagged(one.arn, one.tags) for one in await keys.list(tx) if one.manager == "CUSTOMER"]


retag = Retagging("kms", resource="KeyId", pair=("TagKey", "TagValue"))
