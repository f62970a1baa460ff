"""PutRecord and PutRecords: durable, and told to who waits, when they answer."""

from __future__ import annotations

from math import ceil
from typing import Any

from kumoi.doorway import Call
from kumoi.services.kinesis import kinesis
from kumoi.services.kinesis.errors import invalid, too_large
from kumoi.services.kinesis.hash_keys import hash_key
from kumoi.services.kinesis.lookup import StreamName as Name
from kumoi.services.kinesis.records import Record, Stream
from kumoi.services.kinesis.sequence import place_of
from kumoi.services.kinesis.store import MOST_BYTES, append, wake
from kumoi.state import Transaction, transactional

UNIT_BYTES = 25 * 1024


@kinesis.operation
async def put_record(
    call: Call,
    Data: bytes,
    PartitionKey: str,
    StreamName: str | None = None,
    ExplicitHashKey: str | None = None,
    SequenceNumberForOrdering: str | None = None,
    StreamARN: str | None = None,
) -> dict[str, Any]:
    """Put a record into the shard of its key; SequenceNumberForOrdering is checked and has no effect."""
    name = Name.of(call, StreamName, StreamARN)
    if SequenceNumberForOrdering is not None and place_of(SequenceNumberForOrdering) is None:
        raise invalid(
            f"ExclusiveMinimumSequenceNumber {SequenceNumberForOrdering} used in PutRecord on stream "
            f"{name.name} under account {name.account} is invalid."
        )
    given = {"Data": Data, "PartitionKey": PartitionKey, "ExplicitHashKey": ExplicitHashKey}
    key = hash_key(PartitionKey, ExplicitHashKey)
    [told], encrypted = await _put(name.state(call), name, [(key, given)])
    _meter(call, [given])
    return told | ({"EncryptionType": "KMS"} if encrypted else {})


@kinesis.operation
async def put_records(
    call: Call, Records: list[dict[str, Any]], StreamName: str | None = None, StreamARN: str | None = None
) -> dict[str, Any]:
    """Put up to 500 records, 10 MiB in all with their keys; what is told of each is in their order."""
    name = Name.of(call, StreamName, StreamARN)
    if sum(map(_size, Records)) > MOST_BYTES:
        raise invalid("Records size exceeds 10 MB limit")
    keyed = [(hash_key(one["PartitionKey"], one.get("ExplicitHashKey")), one) for one in Records]
    told, encrypted = await _put(name.state(call), name, keyed, many=True)
    _meter(call, Records)
    answer: dict[str, Any] = {"FailedRecordCount": 0, "Records": told}
    return answer | ({"EncryptionType": "KMS"} if encrypted else {})


@transactional
async def _put(
    tx: Transaction, name: Name, given: list[tuple[int, dict[str, Any]]], *, many: bool = False
) -> tuple[list[dict[str, str]], bool]:
    stream = await name.get(tx)
    _check_sizes(stream, [one for _, one in given], many=many)
    encrypted = stream.key is not None
    told, grown = [], set()
    for key, one in given:
        shard = stream.shard_of(key)
        number = await append(tx, stream, shard, Record(one["PartitionKey"], one["Data"], encrypted))
        told.append({"ShardId": shard.id, "SequenceNumber": number})
        grown.add(shard.number)
    for shard_number in grown:
        wake(tx, stream, shard_number)
    return told, encrypted


def _check_sizes(stream: Stream, given: list[dict[str, Any]], *, many: bool) -> None:
    most = stream.largest_kib * 1024
    for at, one in enumerate(given, 1):
        if _size(one) > most:
            raise too_large(f"records.{at}.member.data" if many else "data", most)


def _size(record: dict[str, Any]) -> int:
    return len(record["Data"]) + len(record["PartitionKey"].encode())


def _meter(call: Call, given: list[dict[str, Any]]) -> None:
    call.meter("put_units", sum(max(1, ceil(_size(one) / UNIT_BYTES)) for one in given))
    call.meter("put_kilobytes", sum(max(1, ceil(_size(one) / 1024)) for one in given))
