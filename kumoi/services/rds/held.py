"""What RDS holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.rds.records import clusters
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """The smallest capacity of clusters that scale by it, in ACUs."""
    return [
        Held(f"rds:{one.name}", "acu", one.capacity[0]) for one in await clusters.list(tx) if one.capacity is not None
    ]
