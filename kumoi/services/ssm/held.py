"""What Parameter Store holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.ssm.records import parameters
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Advanced parameters."""
    return [
        Held(f"ssm:{one.name}", "advanced", 1) for one in await parameters.list(tx) if one.latest.tier == "Advanced"
    ]
