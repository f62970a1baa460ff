"""A Kinesis stream as what a delivery stream reads: its records are stored in the open buffer, shard by shard.

The place in a shard is stored once its batch is: what a crash cuts off is read again.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from kumoi.doorway import ChargeKey, Doorway, Principal, Trace
from kumoi.event_sources import LostBatch, Outcome, Source
from kumoi.services.firehose.intake import Intake
from kumoi.services.firehose.records import Arrivals, DeliveryStream, KinesisSource, Place, streams
from kumoi.state import Transaction, transactional

STEP = 5 * 1024
_BATCH = 1000


def source_of(stream: DeliveryStream, read: KinesisSource) -> Source:
    """What is read, and how: from when the delivery stream was made."""
    return Source(
        id=f"firehose/{stream.id}",
        account=stream.account,
        region=read.stream.split(":")[3] or stream.region,
        arn=read.stream,
        kind="kinesis",
        batch_size=_BATCH,
        window=0,
        filters=(),
        starting_position="AT_TIMESTAMP",
        starting_timestamp=read.begins,
        parallelization=1,
        max_retries=-1,
        max_age=-1,
        bisect=False,
    )


@dataclass(frozen=True, slots=True)
class StreamSink:
    """Stores what is read for one delivery stream."""

    doorway: Doorway = field(compare=False)
    intake: Intake = field(compare=False)
    stream: DeliveryStream = field(compare=False)
    role: str

    @property
    def name(self) -> str:
        """The delivery stream's name."""
        return self.stream.name

    async def reader(self) -> Principal:
        """The delivery stream reads in the role of its source."""
        return self.stream.acting(self.role)

    async def take(self, event: dict[str, Any], identifiers: Sequence[str], trace: Trace | None = None) -> Outcome:
        """Store a batch."""
        contents, places = [], []
        for record in event["Records"]:
            told = record["kinesis"]
            contents.append(base64.b64decode(told["data"]))
            shard = record["eventID"].partition(":")[0]
            arrived = float(told["approximateArrivalTimestamp"])
            places.append(Place(shard, told["partitionKey"], told["sequenceNumber"], arrived))
        state = self.doorway.state.at(self.stream.account, self.stream.region)
        if await _stored(state, self.intake, self.stream, contents, places):
            key = ChargeKey(self.stream.account, self.stream.region, "", self.stream.node, "firehose", "Read")
            size = float(sum(map(len, contents)))
            units = {"read_records": float(len(contents)), "read_bytes": size}
            self.doorway.charges.add(key, ingested_bytes=float(billed(contents)), **units)
        return Outcome(frozenset())

    async def lost(self, batch: LostBatch) -> None:
        """Nothing is given up: batches are stored, or read again."""


def billed(contents: Sequence[bytes]) -> int:
    """The bytes that records are billed by: each in steps of 5 KB."""
    return sum(STEP * max(1, ceil(len(one) / STEP)) for one in contents)


@transactional
async def _stored(
    tx: Transaction, intake: Intake, stream: DeliveryStream, contents: list[bytes], places: list[Place]
) -> bool:
    """Store records of a stream that is still there; whether it is."""
    found = await streams.get(tx, stream.name)
    if found is None or found.id != stream.id:
        return False
    await intake.take(tx, found, Arrivals(tx.now, contents, places))
    return True
