"""Scalable targets, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.services.application_autoscaling.records import targets
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Scalable targets, in a place."""
    return [Tagged(one.arn(tx.account, tx.region), one.tags) for one in await targets.list(tx)]


retag = Retagging("application-autoscaling", resource="ResourceARN")
