"""State machines and activities, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.names import arn
from kumoi.services.stepfunctions.records import activities, machines
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """State machines and activities, in a place."""
    found = [(f"stateMachine:{one.name}", one.tags) for one in await machines.list(tx)]
    found += [(f"activity:{one.name}", one.tags) for one in await activities.list(tx)]
    return [Tagged(arn("states", tx.region, tx.account, resource), tags) for resource, tags in found]


retag = Retagging("stepfunctions", resource="resourceArn", tags="tags", keys="tagKeys", pair=("key", "value"))
