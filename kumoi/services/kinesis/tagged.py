"""Streams, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.services.kinesis.records import streams
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """Streams, in a place."""
    return [Tagged(one.arn, one.tags) for one in await streams.list(tx)]


retag = Retagging("kinesis", resource="ResourceARN")
