"""GraphQL APIs and Event APIs, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.names import arn
from kumoi.services.appsync.event_apis.records import event_apis
from kumoi.services.appsync.records import apis
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """GraphQL APIs and Event APIs, in a place."""
    found = [(one.id, one.tags) for one in await apis.list(tx)]
    found += [(one.id, one.tags) for one in await event_apis.list(tx)]
    return [Tagged(arn("appsync", tx.region, tx.account, f"apis/{name}"), tags) for name, tags in found]


retag = Retagging("appsync", resource="resourceArn", tags="tags", keys="tagKeys")
