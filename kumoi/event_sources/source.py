"""What is read and how, and how far each shard of a stream has come."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kumoi.state.space import Space

Kind = Literal["sqs", "dynamodb", "kinesis"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A queue or a stream as one consumer reads it; `id` is the consumer's, and names its places in the shards.

    `window` and `tumbling_window` are seconds; -1 means without limit for `max_retries` and `max_age` (seconds).
    `flat`: a Kinesis record's members stand beside the others, as pipes have them. Times in epoch seconds.
    """

    id: str
    account: str
    region: str
    arn: str
    kind: Kind
    batch_size: int
    window: int = 0
    filters: tuple[str, ...] = ()
    max_concurrency: int | None = None
    starting_position: str | None = None
    starting_timestamp: float | None = None
    parallelization: int = 1
    max_retries: int = -1
    max_age: int = -1
    bisect: bool = False
    tumbling_window: int = 0
    flat: bool = False

    @property
    def node(self) -> str:
        """The source on the map: `sqs:orders`, `dynamodbstreams:orders`."""
        if self.kind == "sqs":
            return f"sqs:{self.arn.rpartition(':')[2]}"
        parts = self.arn.split("/")
        service = "kinesis" if self.kind == "kinesis" else "dynamodbstreams"
        return f"{service}:{parts[1] if len(parts) > 1 else ''}"


class Checkpoint(msgspec.Struct, frozen=True):
    """How far a shard has come: the last sequence number done with; `window`: the state of an open tumbling window.

    A shard of which nothing is done yet has the `iterator` at which reading begins.
    """

    source: str
    shard: str
    sequence_number: str
    window: dict[str, Any] | None = None
    iterator: str | None = None


checkpoints: Space[Checkpoint] = Space(
    "event_sources.checkpoint", Checkpoint, lambda one: (one.source, one.shard), scope="global"
)
