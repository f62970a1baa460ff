"""PutRecord and PutRecordBatch: durable when they answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.firehose import firehose
from kumoi.services.firehose.errors import invalid, no_stream
from kumoi.services.firehose.intake import Intake
from kumoi.services.firehose.records import MIB, Arrivals, DeliveryStream, streams
from kumoi.services.firehose.stream_source import billed
from kumoi.state import Transaction, transactional

MOST_BATCH = 4 * MIB


@firehose.operation
async def put_record(call: Call, DeliveryStreamName: str, Record: dict[str, Any]) -> dict[str, Any]:
    """Put a record."""
    [told], encrypted = await _take(call, DeliveryStreamName, [Record["Data"]])
    return {**told, "Encrypted": encrypted}


@firehose.operation
async def put_record_batch(call: Call, DeliveryStreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:
    """Put up to 500 records, 4 MiB in all; all of them are taken, or none is."""
    contents = [one["Data"] for one in Records]
    if sum(map(len, contents)) > MOST_BATCH:
        raise invalid("Records size exceeds 4 MB limit")
    told, encrypted = await _take(call, DeliveryStreamName, contents)
    return {"FailedPutCount": 0, "Encrypted": encrypted, "RequestResponses": told}


async def _take(call: Call, name: str, contents: Sequence[bytes]) -> tuple[list[dict[str, str]], bool]:
    stream = await _store(call.state, call.part(Intake), name, list(contents))
    call.meter("ingested_bytes", billed(contents))
    call.meter("records", len(contents))
    call.meter("bytes", sum(map(len, contents)))
    return [{"RecordId": uuid()} for _ in contents], stream.encryption is not None


@transactional
async def _store(tx: Transaction, intake: Intake, name: str, contents: list[bytes]) -> DeliveryStream:
    stream = await streams.get(tx, name)
    if stream is None:
        raise no_stream(name, tx.account)
    if stream.source is not None:
        raise invalid("This operation is not permitted on KinesisStreamAsSource delivery stream type.")
    await intake.take(tx, stream, Arrivals(tx.now, contents))
    return stream
