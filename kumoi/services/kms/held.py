"""What KMS holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.kms.records import keys, materials
from kumoi.state import Transaction, transactional

_BILLED_ROTATIONS = 2


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Customers' keys that are not waiting for their deletion, with the first two rotations of each."""
    found: list[Held] = []
    for key in await keys.list(tx):
        if key.manager == "CUSTOMER" and key.window is None:
            rotations = sum(bool(one.rotation) for one in await materials.list(tx, key.id))
            found.append(Held(f"kms:{key.id}", "key", 1 + min(rotations, _BILLED_ROTATIONS)))
    return found
