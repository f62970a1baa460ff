"""GetShardIterator, GetRecords, and AwaitRecords for event source mappings.

AwaitRecords is the platform's own: GetRecords that waits until there is something to tell.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.kinesis import kinesis
from kumoi.services.kinesis.errors import expired, invalid, missing_shard, no_stream
from kumoi.services.kinesis.iterators import SECONDS, read_iterator
from kumoi.services.kinesis.iterators import ShardIterator as Iterator
from kumoi.services.kinesis.lookup import StreamName as Name
from kumoi.services.kinesis.lookup import named_shard
from kumoi.services.kinesis.records import Record, Shard, Stream, shard_topic, streams
from kumoi.services.kinesis.sequence import place_of, sequence_number
from kumoi.services.kinesis.store import MOST_BYTES, Read, before, latest, read
from kumoi.state import Transaction, transactional

MOST_RECORDS = 10_000
LONGEST_WAIT = 20.0


@kinesis.operation
async def get_shard_iterator(
    call: Call,
    ShardId: str,
    ShardIteratorType: str,
    StreamName: str | None = None,
    StartingSequenceNumber: str | None = None,
    Timestamp: datetime | float | None = None,
    StreamARN: str | None = None,
) -> dict[str, Any]:
    """Where to begin to read a shard; good for five minutes."""
    name = Name.of(call, StreamName, StreamARN)
    stream, shard, position = await _begin(
        name.state(call), name, ShardId, ShardIteratorType, StartingSequenceNumber, Timestamp
    )
    return {"ShardIterator": _iterator(stream, shard, position, call.now)}


@transactional
async def _begin(
    tx: Transaction, name: Name, shard_name: str, kind: str, number: str | None, when: datetime | float | None
) -> tuple[Stream, Shard, int]:
    stream = await name.get(tx)
    shard = named_shard(stream, shard_name, reading=True)
    return stream, shard, await starting_position(tx, stream, shard, kind, number, when)


async def starting_position(
    tx: Transaction, stream: Stream, shard: Shard, kind: str, number: str | None, when: datetime | float | None
) -> int:
    """The number of the record behind which a reader begins that asks for `kind`."""
    by_number = kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")
    if by_number != (number is not None):
        told = "no StartingSequenceNumber" if by_number else "also a StartingSequenceNumber"
        raise invalid(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "
            "(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
            f"Request specified {kind} and {told}."
        )
    if number is not None:
        record = _record_of(stream, shard, number)
        return record if kind == "AFTER_SEQUENCE_NUMBER" else max(record - 1, 0)
    if kind == "LATEST":
        return await latest(tx, stream, shard)
    if kind == "AT_TIMESTAMP":
        if when is None:
            raise invalid(
                "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. "
                "Current request has no timestamp parameter."
            )
        seconds = when.timestamp() if isinstance(when, datetime) else when
        return await before(tx, stream, shard, round(seconds * 1000))
    return 0


def _record_of(stream: Stream, shard: Shard, number: str) -> int:
    place = place_of(number)
    used = (
        f"StartingSequenceNumber {number} used in GetShardIterator on shard {shard.id} in stream {stream.name} "
        f"under account {stream.account} is invalid"
    )
    if place is None or place.record >= 1 << 62:
        raise invalid(f"{used}.")
    if place.shard != shard.number:
        raise invalid(
            f"Invalid StartingSequenceNumber. It encodes shardId-{place.shard:012d}, "
            f"while it was used in a call to a shard with {shard.id}"
        )
    if place.created != shard.created:
        raise invalid(f"{used} because it did not come from this stream.")
    return place.record


@kinesis.operation
async def get_records(
    call: Call, ShardIterator: str, Limit: int = MOST_RECORDS, StreamARN: str | None = None
) -> dict[str, Any]:
    """The next records of a shard: up to 10,000 or 10 MiB."""
    iterator = _checked(call, ShardIterator, StreamARN)
    if call.now - iterator.issued > SECONDS:
        raise expired(iterator.issued, call.now)
    return await _records(call, iterator, Limit)


@kinesis.operation(name="AwaitRecords")
async def await_records(
    call: Call,
    ShardIterator: str,
    StreamARN: str | None = None,
    Limit: int = MOST_RECORDS,
    WaitUntil: float | None = None,
    MostBytes: int = MOST_BYTES,
) -> dict[str, Any]:
    """GetRecords that waits for a record or the shard's end, until `WaitUntil` on the platform's clock at most.

    For event source mappings: not in AWS's API. Its iterators do not expire, so that the clock may be advanced, and
    outlive a restart.
    """
    iterator = _checked(call, ShardIterator, StreamARN)
    state = call.doorway.state.at(iterator.account, iterator.region)
    async with state.watch(shard_topic(iterator.id, iterator.shard)) as watch:
        answer = await _records(call, iterator, Limit, MostBytes)
        if answer["Records"] or "NextShardIterator" not in answer:
            return answer
        until = call.now + LONGEST_WAIT if WaitUntil is None else WaitUntil
        if not await call.doorway.clock.happens_by(watch.wait(), until):
            return answer
        return await _records(call, iterator, Limit, MostBytes)


def _checked(call: Call, text: str, stream_arn: str | None) -> Iterator:
    iterator = read_iterator(text)
    account = call.account if stream_arn is None else Name.of_arn(stream_arn).account
    if iterator.account != account:
        raise invalid("Invalid ShardIterator.")
    return iterator


async def _records(call: Call, iterator: Iterator, limit: int, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    state = call.doorway.state.at(iterator.account, iterator.region)
    stream, shard, found = await _read(state, iterator, limit, most_bytes)
    answer: dict[str, Any] = {
        "Records": [told_record(shard, *one) for one in found.records],
        "MillisBehindLatest": found.behind,
    }
    if found.drained:
        answer["ChildShards"] = told_children(stream, shard)
    else:
        answer["NextShardIterator"] = _iterator(stream, shard, found.position, call.now)
    return answer


@transactional
async def _read(tx: Transaction, iterator: Iterator, limit: int, most_bytes: int) -> tuple[Stream, Shard, Read]:
    stream = await streams.get(tx, iterator.stream)
    if stream is None or stream.id != iterator.id:
        raise no_stream(iterator.stream, iterator.account)
    shard = stream.shard(iterator.shard)
    if shard is None:
        raise missing_shard(f"shardId-{iterator.shard:012d}", stream.name, stream.account)
    return stream, shard, await read(tx, stream, shard, iterator.position, limit, most_bytes)


def told_record(shard: Shard, number: int, arrived: int, record: Record) -> dict[str, Any]:
    """A record as readers get it."""
    told: dict[str, Any] = {
        "SequenceNumber": sequence_number(shard, number, arrived),
        "ApproximateArrivalTimestamp": arrived / 1000,
        "Data": record.content,
        "PartitionKey": record.partition_key,
    }
    return told | ({"EncryptionType": "KMS"} if record.encrypted else {})


def told_children(stream: Stream, shard: Shard) -> list[dict[str, Any]]:
    """The shards that a closed shard goes on in, as readers get them."""
    return [
        {
            "ShardId": one.id,
            "ParentShards": [f"shardId-{number:012d}" for number in (one.parent, one.adjacent) if number is not None],
            "HashKeyRange": {"StartingHashKey": one.start, "EndingHashKey": one.end},
        }
        for one in stream.shards
        if shard.number in (one.parent, one.adjacent)
    ]


def _iterator(stream: Stream, shard: Shard, position: int, now: float) -> str:
    return Iterator(stream.account, stream.region, stream.name, stream.id, shard.number, position, now).text()
