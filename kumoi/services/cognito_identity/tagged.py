"""Identity pools, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.names import arn
from kumoi.services.cognito_identity.records import pools
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Identity pools, in a place."""
    found = await pools.list(tx)
    return [Tagged(arn("cognito-identity", tx.region, tx.account, f"identitypool/{one.id}"), one.tags) for one in found]


retag = Retagging("cognito-identity")
