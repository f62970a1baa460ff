"""Alarms, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.services.cloudwatch.alarm_actions import alarm_arn
from kumoi.services.cloudwatch.records import alarms
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Alarms, in a place."""
    return [Tagged(alarm_arn(tx.account, tx.region, one.name), one.tags) for one in await alarms.list(tx)]


retag = Retagging("cloudwatch", resource="ResourceARN", pair=KEY_VALUE)
