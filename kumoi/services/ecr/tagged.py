"""Repositories, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.names import arn
from kumoi.services.ecr.records import repositories
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Repositories, in a place."""
    found = await repositories.list(tx)
    return [Tagged(arn("ecr", tx.region, tx.account, f"repository/{one.name}"), one.tags) for one in found]


retag = Retagging("ecr", resource="resourceArn", tags="tags", keys="tagKeys", pair=KEY_VALUE)
