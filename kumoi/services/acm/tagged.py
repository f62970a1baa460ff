"""Certificates, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.services.acm.records import certificates
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Certificates, in a place."""
    return [Tagged(one.arn, one.tags) for one in await certificates.list(tx)]


retag = Retagging("acm", pair=KEY_VALUE)
