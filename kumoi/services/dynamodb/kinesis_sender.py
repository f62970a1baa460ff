"""Hands a table's changes to its Kinesis destinations: in order, each at least once.

A stream that does not take them is tried again, with growing pauses; what it did not take within a day is dropped.
Source: "Using Kinesis Data Streams to capture changes to DynamoDB" of the developer guide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.services.dynamodb.describe import table_arn
from kumoi.services.dynamodb.kinesis_log import Destination, Logged, destinations, sent, trim_log, unsent
from kumoi.services.dynamodb.records import Table, tables
from kumoi.services.dynamodb.streams.records import Change, image_of
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

HOST = "dynamodb.amazonaws.com"
MOST_RECORDS, MOST_BYTES = 500, 5_000_000
"""What one PutRecords may hold."""


async def send(doorway: Doorway, timer: Timer) -> None:
    """Send each destination what the table's log has for it; raises the first refusal once all were asked."""
    state = doorway.state.at(timer.account, timer.region)
    name, id = msgspec.json.decode(timer.payload, type=tuple[str, int])
    arn = table_arn(timer.account, timer.region, name)
    caller = Principal.of_service(timer.account, HOST, f"dynamodb:{name}", arn, timer.account)
    refusals: list[Exception] = []
    for target in await _targets(state, name):
        try:
            while await _send_some(doorway, state, caller, id, target, timer.region):
                pass
        except (AwsError, CallDropped) as refusal:
            refusals.append(refusal)
    await _trim(state, name, id)
    if refusals:
        raise refusals[0]


async def _send_some(
    doorway: Doorway, state: State, caller: Principal, id: int, target: Destination, region: str
) -> bool:
    """Send a stream some changes; whether there may be more."""
    table, found = await _next(state, target, id)
    if table is None or not found:
        return False
    meant = [(number, at, one.change) for number, at, one in found if target.stream in one.streams]
    for batch in _batches([_record(table, target, region, *one) for one in meant]):
        params = {"StreamARN": target.stream, "Records": batch}
        answer = await doorway.ask("kinesis", "PutRecords", params, caller, region)
        if answer.get("FailedRecordCount"):
            raise aws_error("ProvisionedThroughputExceededException", f"{target.stream} did not take all records.")
    await _done(state, id, target.stream, found[-1][0])
    return len(found) == MOST_RECORDS


@transactional
async def _targets(tx: Transaction, name: str) -> list[Destination]:
    return await destinations.list(tx, name)


@transactional
async def _next(tx: Transaction, target: Destination, id: int) -> tuple[Table | None, list[tuple[int, float, Logged]]]:
    table = await tables.get(tx, target.table)
    if table is None or table.id != id:
        return None, []
    return table, await unsent(tx, id, target.stream, MOST_RECORDS)


@transactional
async def _done(tx: Transaction, id: int, stream: str, number: int) -> None:
    await sent(tx, id, stream, number)


@transactional
async def _trim(tx: Transaction, name: str, id: int) -> None:
    await trim_log(tx, id, [one.stream for one in await destinations.list(tx, name)])


def _record(
    table: Table, target: Destination, region: str, number: int, at: float, change: Change
) -> dict[str, bytes | str]:
    """One change as a Kinesis record."""
    told: dict[str, Any] = {"ApproximateCreationDateTime": int(at * 1000), "Keys": change.keys}
    if target.precision == "MICROSECOND":
        told["ApproximateCreationDateTime"] = int(at * 1_000_000)
    if target.precision:
        told["ApproximateCreationDateTimePrecision"] = target.precision
    if (image := image_of(change.new)) is not None:
        told["NewImage"] = image
    if (image := image_of(change.old)) is not None:
        told["OldImage"] = image
    event = {
        "awsRegion": region,
        "eventID": str(UUID(int=(table.id << 64) | number)),
        "eventName": change.event,
        "userIdentity": {"principalId": HOST, "type": "Service"} if change.expired else None,
        "recordFormat": "application/json",
        "tableName": table.name,
        "dynamodb": told | {"SizeBytes": change.size},
        "eventSource": "aws:dynamodb",
    }
    key = msgspec.json.encode([change.keys[one] for one in table.keys.names])
    return {"Data": msgspec.json.encode(event), "PartitionKey": hashlib.md5(key, usedforsecurity=False).hexdigest()}


def _batches(records: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for record in records:
        grown = size + len(record["Data"]) + 32
        if batch and grown > MOST_BYTES:
            yield batch
            batch, grown = [], len(record["Data"]) + 32
        batch.append(record)
        size = grown
    if batch:
        yield batch
