"""What Kinesis stores: streams with their shards, consumers, resource policies, and the records of each shard.

A shard's records are an append-only stream of the key space under (RECORDS, stream id, shard number); their numbers
count from 1. Hash keys have 128 bits and are kept as decimal texts. Times in epoch milliseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

import msgspec

from kumoi.names import arn
from kumoi.state import Key
from kumoi.state.space import Space

RECORDS = "kinesis.records"


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """A range of hash keys. `created` is later than the parents', so that sequence numbers grow from them on.

    `ended` is when it was closed (None while it is open) and `last` the number of its last record then.
    """

    number: int
    start: str
    end: str
    created: int
    parent: int | None = None
    adjacent: int | None = None
    ended: int | None = None
    last: int = 0

    @property
    def id(self) -> str:
        """The shard's name."""
        return shard_id(self.number)


class Stream(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A stream. `id` tells it from an earlier one of the same name; `shards` are in the order of their numbers."""

    name: str
    id: str
    account: str
    region: str
    created: int
    shards: tuple[Shard, ...]
    next_shard: int
    on_demand: bool = False
    retention: int = 24
    key: str | None = None
    metrics: tuple[str, ...] = ()
    largest_kib: int = 1024
    warm_mibps: int | None = None
    distribution: str | None = None
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """The stream's ARN."""
        return arn("kinesis", self.region, self.account, f"stream/{self.name}")

    @cached_property
    def open(self) -> tuple[Shard, ...]:
        """The shards that take records, in the order of their hash keys."""
        return tuple(sorted((one for one in self.shards if one.ended is None), key=lambda one: int(one.start)))

    @cached_property
    def _starts(self) -> list[int]:
        return [int(shard.start) for shard in self.open]

    def shard_of(self, hash_key: int) -> Shard:
        """The open shard whose range holds a hash key."""
        return self.open[bisect_right(self._starts, hash_key) - 1]

    def shard(self, number: int) -> Shard | None:
        """A shard by its number."""
        return next((one for one in self.shards if one.number == number), None)


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """A registered consumer (enhanced fan-out) of the stream with that id."""

    stream: str
    name: str
    created: int
    tags: dict[str, str] = {}

    def arn(self, stream: Stream) -> str:
        """The consumer's ARN, which carries when it was registered."""
        return f"{stream.arn}/consumer/{self.name}:{self.created // 1000}"


class Policy(msgspec.Struct, frozen=True):
    """The resource policy of a stream or a consumer."""

    arn: str
    document: str


class Record(msgspec.Struct, frozen=True, array_like=True):
    """A stored record; `encrypted` where the stream was when it came."""

    partition_key: str
    content: bytes
    encrypted: bool = False


streams: Space[Stream] = Space("kinesis.stream", Stream, lambda one: (one.name,), remembered=True)
consumers: Space[Consumer] = Space("kinesis.consumer", Consumer, lambda one: (one.stream, one.name))
policies: Space[Policy] = Space("kinesis.policy", Policy, lambda one: (one.arn,))


def shard_id(number: int) -> str:
    """The name of the shard with that number."""
    return f"shardId-{number:012d}"


def records_key(stream: str, shard: int) -> Key:
    """Where a shard's records lie."""
    return (RECORDS, stream, shard)


def shard_topic(stream: str, shard: int) -> str:
    """What is notified when a shard grows or ends."""
    return f"kinesis/{stream}/{shard}"
