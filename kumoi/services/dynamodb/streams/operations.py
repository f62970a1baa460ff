"""ListStreams, DescribeStream, GetShardIterator, GetRecords, and AwaitRecords for event source mappings.

A stream has one shard. AwaitRecords is the platform's own: GetRecords that waits until there is something to tell.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.dynamodb import dynamodbstreams
from kumoi.services.dynamodb.describe import key_schema, table_arn
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.records import Stream, streams
from kumoi.services.dynamodb.streams.iterators import ITERATOR_SECONDS, sequence_number, stream_position
from kumoi.services.dynamodb.streams.iterators import ShardIterator as Iterator
from kumoi.services.dynamodb.streams.records import RETENTION, Change, image_of, stream_key, stream_topic
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MOST_RECORDS, MOST_BYTES = 1000, 1 << 20
MOST_LISTED = 100
LONGEST_WAIT = 20.0
_decode = msgspec.msgpack.Decoder(Change).decode

Stored = list[tuple[int, float, bytes]]


@dynamodbstreams.operation
async def list_streams(
    call: Call, TableName: str | None = None, Limit: int = MOST_LISTED, ExclusiveStartStreamArn: str | None = None
) -> dict[str, Any]:
    """The streams that tables have or had within a day, of all tables or one, oldest first per table."""
    after = None if ExclusiveStartStreamArn is None else _stream_names(call, ExclusiveStartStreamArn)
    page = min(Limit, MOST_LISTED)
    found = await _list(call.state, TableName, after, page + 1)
    told = [
        {"StreamArn": _stream_arn(call, stream), "TableName": stream.table, "StreamLabel": stream.label}
        for stream in found[:page]
    ]
    answer: dict[str, Any] = {"Streams": told}
    if len(found) > page:
        answer["LastEvaluatedStreamArn"] = told[-1]["StreamArn"]
    return answer


@transactional
async def _list(tx: Transaction, table: str | None, after: tuple[str, str] | None, limit: int) -> list[Stream]:
    return await streams.list(tx, *([table] if table else []), after=after, limit=limit)


@dynamodbstreams.operation
async def describe_stream(
    call: Call,
    StreamArn: str,
    Limit: int = MOST_LISTED,
    ExclusiveStartShardId: str | None = None,
    ShardFilter: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A stream and its shard."""
    stream = await _find(call.state, call, StreamArn)
    first, last = await _bounds(call.state, stream)
    numbers = {"StartingSequenceNumber": sequence_number(first)}
    if stream.ended:
        numbers["EndingSequenceNumber"] = sequence_number(max(last, first))
    shard = {"ShardId": shard_id(stream), "SequenceNumberRange": numbers}
    listed = ShardFilter is None and (ExclusiveStartShardId is None or ExclusiveStartShardId < shard_id(stream))
    return {
        "StreamDescription": {
            "StreamArn": StreamArn,
            "StreamLabel": stream.label,
            "StreamStatus": "DISABLED" if stream.ended else "ENABLED",
            "StreamViewType": stream.view,
            "CreationRequestDateTime": stream.created,
            "TableName": stream.table,
            "KeySchema": key_schema(stream.keys),
            "Shards": [shard] if listed else [],
        }
    }


@dynamodbstreams.operation
async def get_shard_iterator(
    call: Call,
    StreamArn: str,
    ShardId: str,
    ShardIteratorType: str,
    SequenceNumber: str | None = None,
    Timestamp: datetime | None = None,
) -> dict[str, Any]:
    """Where to begin to read a shard; good for fifteen minutes."""
    stream = await _find(call.state, call, StreamArn)
    if ShardId != shard_id(stream):
        raise aws_error(
            "ResourceNotFoundException",
            f"Requested resource not found: Shard does not exist: {ShardId} in stream {StreamArn}",
        )
    stated = None if SequenceNumber is None else stream_position(SequenceNumber)
    if ShardIteratorType.endswith("SEQUENCE_NUMBER") and stated is None:
        raise invalid(f"Invalid SequenceNumber for ShardIteratorType {ShardIteratorType}")
    since = None if Timestamp is None else Timestamp.timestamp()
    if ShardIteratorType == "AT_TIMESTAMP" and since is None:
        raise invalid("Timestamp is required for ShardIteratorType AT_TIMESTAMP")
    position = await _position(call.state, stream, ShardIteratorType, stated or 0, since or 0.0)
    return {"ShardIterator": Iterator(StreamArn, position, call.now).text()}


@dynamodbstreams.operation
async def get_records(call: Call, ShardIterator: str, Limit: int = MOST_RECORDS) -> dict[str, Any]:
    """The next records of a shard, up to a thousand or a megabyte."""
    if Limit > MOST_RECORDS:
        raise invalid(
            f"1 validation error detected: Value '{Limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value less than or equal to {MOST_RECORDS}"
        )
    return await _records(call, _iterator(call, ShardIterator), Limit)


@dynamodbstreams.operation(name="AwaitRecords")
async def await_records(
    call: Call, ShardIterator: str, Limit: int = MOST_RECORDS, WaitUntil: float | None = None
) -> dict[str, Any]:
    """GetRecords that waits for a record or the stream's end, until `WaitUntil` on the platform's clock at most.

    For event source mappings: not in AWS's API. Its iterators do not expire, so that the clock may be advanced.
    """
    iterator = Iterator.parse(ShardIterator)
    table, label = _stream_names(call, iterator.stream)
    async with call.state.watch(stream_topic(table, label)) as watch:
        answer = await _records(call, iterator, Limit)
        if answer["Records"] or "NextShardIterator" not in answer:
            return answer
        until = call.now + LONGEST_WAIT if WaitUntil is None else WaitUntil
        if not await call.doorway.clock.happens_by(watch.wait(), until):
            return answer
        return await _records(call, iterator, Limit)


def _iterator(call: Call, text: str) -> Iterator:
    iterator = Iterator.parse(text)
    if call.now - iterator.issued > ITERATOR_SECONDS:
        raise aws_error(
            "ExpiredIteratorException",
            "Iterator expired. The iterator was created at time "
            f"{iterator.issued:.0f} while right now it is {call.now:.0f} which is further in the future than the "
            "tolerated delay of 900000 milliseconds.",
        )
    return iterator


async def _records(call: Call, iterator: Iterator, limit: int) -> dict[str, Any]:
    stream = await _find(call.state, call, iterator.stream)
    found = await _read(call.state, stream, iterator.position, limit)
    records: list[dict[str, Any]] = []
    size, position = 0, iterator.position
    for sequence, at, raw in found:
        size += len(raw)
        if records and size > MOST_BYTES:
            break
        records.append(_record(stream, iterator.stream, call.region, sequence, at, raw))
        position = sequence
    answer: dict[str, Any] = {"Records": records}
    if not stream.ended or len(records) < len(found) or len(found) == limit:
        answer["NextShardIterator"] = Iterator(iterator.stream, position, call.now).text()
    return answer


def _record(stream: Stream, arn: str, region: str, sequence: int, at: float, raw: bytes) -> dict[str, Any]:
    """A record as GetRecords answers it."""
    change = _decode(raw)
    told: dict[str, Any] = {"ApproximateCreationDateTime": int(at), "Keys": change.keys}
    if (image := image_of(change.new)) is not None:
        told["NewImage"] = image
    if (image := image_of(change.old)) is not None:
        told["OldImage"] = image
    told |= {
        "SequenceNumber": sequence_number(sequence),
        "SizeBytes": change.size,
        "StreamViewType": stream.view,
    }
    record = {
        "eventID": hashlib.md5(f"{arn}/{sequence}".encode(), usedforsecurity=False).hexdigest(),
        "eventName": change.event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": told,
    }
    if change.expired:
        record["userIdentity"] = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    return record


def shard_id(stream: Stream) -> str:
    """The name of a stream's one shard."""
    milliseconds = int(stream.created * 1000)
    digest = hashlib.md5(f"{stream.table}/{stream.label}".encode(), usedforsecurity=False).hexdigest()
    return f"shardId-{milliseconds:020d}-{digest[:8]}"


def _stream_arn(call: Call, stream: Stream) -> str:
    return f"{table_arn(call.account, call.region, stream.table)}/stream/{stream.label}"


def _stream_names(call: Call, StreamArn: str) -> tuple[str, str]:
    """(table, label) of a stream's ARN, which must be of the call's account and region."""
    try:
        arn = Arn.parse(StreamArn)
    except ValueError:
        raise invalid(f"Invalid StreamArn: Invalid ResourceArn provided as input {StreamArn}") from None
    parts = arn.resource.split("/")
    if arn.service != "dynamodb" or len(parts) != 4 or parts[0] != "table" or parts[2] != "stream":
        raise invalid(f"Invalid StreamArn: Invalid ResourceArn provided as input {StreamArn}")
    if (arn.account, arn.region) != (call.account, call.region):
        raise _not_there(StreamArn)
    return parts[1], parts[3]


def _not_there(StreamArn: str) -> AwsError:
    return aws_error("ResourceNotFoundException", f"Requested resource not found: Stream: {StreamArn} not found")


@transactional
async def _find(tx: Transaction, call: Call, StreamArn: str) -> Stream:
    stream = await streams.get(tx, *_stream_names(call, StreamArn))
    if stream is None or (stream.ended and stream.ended <= tx.now - RETENTION):
        raise _not_there(StreamArn)
    return stream


@transactional
async def _read(tx: Transaction, stream: Stream, position: int, limit: int) -> Stored:
    """Records behind a position that are not a day old; TrimmedDataAccessException where some are gone already."""
    key = stream_key(stream.table, stream.label)
    oldest = tx.now - RETENTION
    found = await tx.read_stream(key, after=position, limit=limit)
    while found and found[-1][1] < oldest:
        found = await tx.read_stream(key, after=found[-1][0], limit=limit)
    return [record for record in found if record[1] >= oldest]


@transactional
async def _bounds(tx: Transaction, stream: Stream) -> tuple[int, int]:
    """The numbers of the first record kept (or the next to come) and of the last."""
    return await tx.stream_bounds(stream_key(stream.table, stream.label))


async def _position(state: State, stream: Stream, kind: str, stated: int, since: float) -> int:
    """The record behind which an iterator reads."""
    first, last = await _bounds(state, stream)
    if kind.endswith("SEQUENCE_NUMBER"):
        if stated < first and stated < last:
            raise aws_error(
                "TrimmedDataAccessException",
                "The operation attempted to read past the oldest stream record in a shard.",
            )
        return stated - (kind == "AT_SEQUENCE_NUMBER")
    if kind == "LATEST":
        return last
    position = first - 1
    while kind == "AT_TIMESTAMP" and (found := await _read(state, stream, position, MOST_RECORDS)):
        later = next((sequence for sequence, at, _ in found if at >= since), None)
        if later is not None:
            return later - 1
        position = found[-1][0]
    return position
