"""Tables, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.services.dynamodb.describe import table_arn
from kumoi.services.dynamodb.records import tables
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Tables, in a place."""
    return [Tagged(table_arn(tx.account, tx.region, one.name), one.tags) for one in await tables.list(tx)]


retag = Retagging("dynamodb", pair=KEY_VALUE)
