"""Rules and event buses, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.services.events.naming import bus_arn, rule_arn
from kumoi.services.events.records import buses, rules
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Rules and event buses, in a place."""
    found = [Tagged(bus_arn(tx.account, tx.region, one.name), one.tags) for one in await buses.list(tx)]
    return found + [
        Tagged(rule_arn(tx.account, tx.region, one.bus, one.name), one.tags) for one in await rules.list(tx)
    ]


retag = Retagging("events", resource="ResourceARN", pair=KEY_VALUE)
