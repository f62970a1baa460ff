"""What Cognito holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.cognito_idp.changes import count
from kumoi.services.cognito_idp.records import pools
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Users by the feature plan of their pool: as many as can be active in a month."""
    return [
        Held(
            f"cognito-idp:{pool.id}",
            f"{str(pool.definition.get('UserPoolTier', 'ESSENTIALS')).lower()}_user",
            await count(tx, pool.id),
        )
        for pool in await pools.list(tx)
    ]
