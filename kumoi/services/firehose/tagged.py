"""Delivery streams, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.names import Arn
from kumoi.services.firehose.records import streams
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Delivery streams, in a place."""
    return [Tagged(one.arn, one.tags) for one in await streams.list(tx)]


def _named(arn: str) -> dict[str, str]:
    return {"DeliveryStreamName": Arn.parse(arn).resource.partition("/")[2]}


retag = Retagging("firehose", "TagDeliveryStream", "UntagDeliveryStream", pair=KEY_VALUE, named=_named)
