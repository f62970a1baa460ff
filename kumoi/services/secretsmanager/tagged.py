"""Secrets that are not deleted, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.services.secretsmanager.records import secrets
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Secrets that are not deleted, in a place."""
    return [Tagged(one.arn, one.tags) for one in await secrets.list(tx) if one.deleted is None]


retag = Retagging("secretsmanager", resource="SecretId", pair=KEY_VALUE)
