"""What takes the batches of a source, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol

from kumoi.doorway import Principal, Trace
from kumoi.event_sources.source import Source
from kumoi.event_sources.stream_events import StreamRecord

ALL = None
"""Every record failed."""


class Outcome(NamedTuple):
    """How a batch went: the identifiers that failed (`ALL` of them, or a set).

    `counts`: whether it was an attempt; what kept the sink from trying is none. `payload` is what a function answered,
    `answer` all that a failure destination is told of it.
    """

    failed: frozenset[str] | None
    counts: bool = True
    payload: bytes = b""
    answer: dict[str, Any] | None = None


class Loss(NamedTuple):
    """Why records were given up: after how many attempts, and with which last answer."""

    condition: Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]
    attempts: int
    answer: dict[str, Any] | None = None


class LostBatch(NamedTuple):
    """Records of a shard that were given up."""

    source: Source
    shard: str
    records: Sequence[StreamRecord]
    loss: Loss

    def told(self) -> dict[str, Any]:
        """Where the records lie in their stream, by the name that failure destinations know it by."""
        first, last = self.records[0], self.records[-1]
        return {
            "KinesisBatchInfo" if self.source.kind == "kinesis" else "DDBStreamBatchInfo": {
                "shardId": self.shard,
                "startSequenceNumber": first.sequence_number,
                "endSequenceNumber": last.sequence_number,
                "approximateArrivalOfFirstRecord": stamp(first.arrived),
                "approximateArrivalOfLastRecord": stamp(last.arrived),
                "batchSize": len(self.records),
                "streamArn": self.source.arn,
            }
        }


class Sink(Protocol):
    """Takes batches. Two sinks that are equal do the same: a poller is not begun anew for the other."""

    @property
    def name(self) -> str:
        """What the log calls it."""
        ...

    async def reader(self) -> Principal:
        """Who reads the source on the sink's behalf: its role."""
        ...

    async def take(self, event: dict[str, Any], identifiers: Sequence[str], trace: Trace | None = None) -> Outcome:
        """Take a batch: `event` holds `Records`, whose `identifiers` are message ids or sequence numbers."""
        ...

    async def lost(self, batch: LostBatch) -> None:
        """Tell whoever wants to know; raises AwsError or CallDropped when that should be tried again."""
        ...


def stamp(when: float) -> str:
    """Epoch seconds as `2026-01-02T03:04:05.678Z`."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
