"""What Secrets Manager holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.secretsmanager.records import secrets
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Secrets that are not waiting for their deletion, replicas included."""
    return [Held(f"secretsmanager:{one.name}", "secret", 1) for one in await secrets.list(tx) if one.deleted is None]
