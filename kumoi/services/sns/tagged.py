"""Topics, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.services.sns.records import topics
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Topics, in a place."""
    return [Tagged(one.arn, one.tags) for one in await topics.list(tx)]


retag = Retagging("sns", pair=KEY_VALUE)
