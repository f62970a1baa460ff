"""SubscribeToShard: a shard's records as they come, as a stream of events, for five minutes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from kumoi.doorway import Call
from kumoi.services.kinesis import kinesis
from kumoi.services.kinesis.lookup import StreamName as Name
from kumoi.services.kinesis.lookup import consumer_of, named_shard
from kumoi.services.kinesis.operations.reads import starting_position, told_children, told_record
from kumoi.services.kinesis.records import Consumer, Shard, Stream, consumers, shard_topic, streams
from kumoi.services.kinesis.sequence import sequence_number
from kumoi.services.kinesis.store import Read, read
from kumoi.services.kinesis.subscribers import Subscribers, Subscription
from kumoi.state import State, Transaction, Watch, transactional

LIFE_SECONDS = 300.0
HEARTBEAT = 5.0
"""Real seconds until an event without records says that nothing has come."""
MOST_RECORDS, MOST_BYTES = 10_000, 2 << 20


@kinesis.operation
async def subscribe_to_shard(
    call: Call, ConsumerARN: str, ShardId: str, StartingPosition: dict[str, Any]
) -> dict[str, Any]:
    """Follow a shard from a position; a later subscription of the same consumer takes over."""
    state = Name.of_arn(ConsumerARN).state(call)
    stream, consumer, shard, position = await _begin(state, ConsumerARN, ShardId, StartingPosition)
    subscription = call.part(Subscribers).begin(consumer.arn(stream), shard.id, call.now)
    return {"EventStream": _events(call, state, (stream, consumer, shard), position, subscription)}


@transactional
async def _begin(
    tx: Transaction, arn: str, shard_name: str, where: dict[str, Any]
) -> tuple[Stream, Consumer, Shard, int]:
    stream, consumer = await consumer_of(tx, None, None, arn)
    shard = named_shard(stream, shard_name, reading=True)
    kind, number, when = where["Type"], where.get("SequenceNumber"), where.get("Timestamp")
    return stream, consumer, shard, await starting_position(tx, stream, shard, kind, number, when)


async def _events(
    call: Call, state: State, what: tuple[Stream, Consumer, Shard], position: int, subscription: Subscription
) -> AsyncIterator[dict[str, Any]]:
    stream, consumer, shard = what
    arn, clock = consumer.arn(stream), call.doorway.clock
    try:
        async with state.watch(shard_topic(stream.id, shard.number)) as watch:
            while not subscription.over.is_set() and clock.now() < subscription.since + LIFE_SECONDS:
                current = await _read(state, stream, consumer, shard.number, position)
                if current is None:
                    return
                now, found = current
                position = found.position
                told = _event(now, shard, found, int(clock.now() * 1000))
                yield {"SubscribeToShardEvent": told}
                if found.drained:
                    return
                if not found.behind:
                    await _change(watch, subscription)
    finally:
        call.part(Subscribers).end(arn, shard.id, subscription)


def _event(stream: Stream, shard: Shard, found: Read, now: int) -> dict[str, Any]:
    arrived = found.records[-1][1] if found.records else now
    told: dict[str, Any] = {
        "Records": [told_record(shard, *one) for one in found.records],
        "ContinuationSequenceNumber": sequence_number(shard, found.position, arrived),
        "MillisBehindLatest": found.behind,
    }
    if found.drained:
        told["ChildShards"] = told_children(stream, shard)
    return told


async def _change(watch: Watch, subscription: Subscription) -> None:
    """Wait for records, for the subscription to be over, or for the next heartbeat."""
    waits = (asyncio.ensure_future(watch.wait(HEARTBEAT)), asyncio.ensure_future(subscription.over.wait()))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


@transactional
async def _read(
    tx: Transaction, stream: Stream, consumer: Consumer, shard: int, position: int
) -> tuple[Stream, Read] | None:
    """What follows, with the stream as it is now; None once stream or consumer are gone."""
    now = await streams.get(tx, stream.name)
    if now is None or now.id != stream.id:
        return None
    found = now.shard(shard)
    registered = await consumers.get(tx, stream.id, consumer.name)
    if found is None or registered is None or registered.created != consumer.created:
        return None
    return now, await read(tx, now, found, position, MOST_RECORDS, MOST_BYTES)
