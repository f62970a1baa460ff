"""What CloudWatch Logs holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.logs.records import STORED_BYTES, groups
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Bytes of each group."""
    return [
        Held(f"logs:{one.name}", "bytes", await tx.add((STORED_BYTES, one.name), 0)) for one in await groups.list(tx)
    ]
