"""What Firehose keeps: delivery streams, their buffers, and what arrived in each. Times are epoch seconds."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kumoi.doorway import Principal
from kumoi.names import arn
from kumoi.state.space import Space

Destination = Literal["S3", "ExtendedS3", "HttpEndpoint"]
DESTINATION_ID = "destinationId-000000000001"
MIB = 1 << 20


class KinesisSource(msgspec.Struct, frozen=True, kw_only=True):
    """A Kinesis stream that is read: from `begins` on, in a role."""

    stream: str
    role: str
    begins: float


class Encryption(msgspec.Struct, frozen=True):
    """With which key what is stored would be encrypted at AWS; `key` is the ARN of a customer's own."""

    key_type: str
    key: str = ""


class DeliveryStream(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery stream. `destination` is its configuration with what was left out filled in.

    `id` sets it apart from one of the same name deleted before; `version` counts the changes of its destination.
    `hint` is the throughput (MB) that its creator expected, `secret` a destination's access key, sealed.
    """

    name: str
    id: str
    account: str
    region: str
    created: float
    updated: float
    kind: Destination
    destination: dict[str, Any]
    version: int = 1
    source: KinesisSource | None = None
    hint: int | None = None
    encryption: Encryption | None = None
    secret: bytes = b""
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """The ARN."""
        return arn("firehose", self.region, self.account, f"deliverystream/{self.name}")

    @property
    def node(self) -> str:
        """The stream on the map."""
        return f"firehose:{self.name}"

    @property
    def interval(self) -> float:
        """Seconds until a buffer is delivered, however little is in it."""
        return float(self.destination["BufferingHints"]["IntervalInSeconds"])

    @property
    def most_bytes(self) -> int:
        """Bytes with which a buffer is full."""
        return int(self.destination["BufferingHints"]["SizeInMBs"]) * MIB

    def acting(self, role: str | None) -> Principal:
        """The stream as it reads, asks and delivers: in a role of its configuration."""
        if not role:
            return Principal.of_service(self.account, "firehose.amazonaws.com", self.node, self.arn)
        return Principal.of_role(self.account, role, "AWSFirehoseToS3", self.node)


class Buffer(msgspec.Struct, frozen=True, kw_only=True):
    """Records that are delivered together. `id` sorts by age.

    `failing` is since when its delivery fails, `attempts` how often it did, `next_try` when it is tried again.
    """

    account: str
    region: str
    stream: str
    stream_id: str
    id: str
    opened: float
    attempts: int = 0
    failing: float | None = None
    next_try: float = 0.0


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where in a Kinesis stream a record was."""

    shard: str
    partition_key: str
    sequence_number: str
    arrived: float


class Arrivals(msgspec.Struct, frozen=True, array_like=True):
    """What one put brought: when, its records, and where they were before, for those of a stream."""

    at: float
    contents: list[bytes]
    places: list[Place] | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """That a delivery stream reads a Kinesis stream: where it is to be found when the platform starts."""

    account: str
    region: str
    stream: str
    stream_id: str


class Due(msgspec.Struct, frozen=True, array_like=True):
    """What a timer says: which buffer is to be delivered."""

    stream: str
    stream_id: str
    buffer: str


streams: Space[DeliveryStream] = Space("firehose.stream", DeliveryStream, lambda one: (one.name,), remembered=True)
buffers: Space[Buffer] = Space(
    "firehose.buffer", Buffer, lambda one: (one.account, one.region, one.stream_id, one.id), scope="global"
)
readings: Space[Reading] = Space("firehose.reading", Reading, lambda one: (one.stream_id,), scope="global")
ARRIVALS = "firehose.arrivals"
FLUSH = "firehose.flush"
encode_arrivals = msgspec.msgpack.Encoder().encode
decode_arrivals = msgspec.msgpack.Decoder(Arrivals).decode
encode_due = msgspec.msgpack.Encoder().encode
decode_due = msgspec.msgpack.Decoder(Due).decode
