"""Functions, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.names import arn
from kumoi.services.lambda_.records import heads
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Functions, in a place."""
    return [
        Tagged(arn("lambda", tx.region, tx.account, f"function:{one.name}"), one.tags) for one in await heads.list(tx)
    ]


retag = Retagging("lambda", resource="Resource")
