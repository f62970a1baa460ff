"""Amazon Kinesis Data Streams: shards of records that are kept in order for a day up to a year.

A stream is one record (`records.py`) that lists its shards; each shard's records are an append-only stream of the key
space (`store.py`), so that a put is durable when it is answered and wakes who waits. `hash_keys.py` says which shard
takes a key, `sequence.py` and `iterators.py` what sequence numbers and iterators look like, `resharding.py` how shards
split and merge. `trimming.py` drops what has grown too old.

Rules: the Kinesis Data Streams API reference and developer guide, and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.services.kinesis.iterators import stream_of

kinesis = Service(
    "kinesis",
    __name__,
    modules=(
        "operations.consumers",
        "operations.policies",
        "operations.puts",
        "operations.reads",
        "operations.settings",
        "operations.shards",
        "operations.streams",
        "operations.subscriptions",
        "operations.tags",
    ),
    resource=("StreamName", "StreamARN", "ConsumerARN", "ResourceARN", "ShardIterator"),
    authorization="authorization",
    held="held",
    tagged="tagged",
)


@kinesis.resource_name
def stream_node(value: str) -> str:
    """The stream's name, out of its ARN or a consumer's, or out of a shard iterator."""
    named = value.partition(":stream/")[2].partition("/")[0]
    return named or stream_of(value) or value


@kinesis.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep streams trimmed, and know who subscribes to which shard."""
    from kumoi.services.kinesis.subscribers import Subscribers
    from kumoi.services.kinesis.trimming import register

    register(parts)
    parts.add(Subscribers, Subscribers())
    yield
