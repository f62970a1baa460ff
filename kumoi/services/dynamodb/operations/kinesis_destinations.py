"""Enable-, Disable-, Describe- and UpdateKinesisStreamingDestination: a table's changes go to Kinesis streams.

A destination is ACTIVE (or DISABLED) with the next look. What it gets is sent by `kinesis_sender.py`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.errors import invalid, no_such_table
from kumoi.services.dynamodb.kinesis_log import Destination, begin_log, destinations
from kumoi.services.dynamodb.naming import table_name
from kumoi.services.dynamodb.records import Table, tables
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

PRECISION = "ApproximateCreationDateTimePrecision"
NOT_VALID = "Table is not in a valid state to {verb} Kinesis Streaming Destination: "
MOST_DESTINATIONS = 2


@dynamodb.operation
async def enable_kinesis_streaming_destination(
    call: Call,
    TableName: str,
    StreamArn: str,
    EnableKinesisStreamingConfiguration: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Have a table's changes sent to a stream from now on."""
    name, asked = table_name(call, TableName), EnableKinesisStreamingConfiguration or {}
    _check_stream(call, StreamArn)
    await call.to("kinesis", "DescribeStreamSummary", StreamARN=StreamArn)
    await _enable(call.state, name, StreamArn, asked.get(PRECISION, ""))
    return _told(name, StreamArn, "ENABLING", "EnableKinesisStreamingConfiguration", asked)


@dynamodb.operation
async def disable_kinesis_streaming_destination(
    call: Call,
    TableName: str,
    StreamArn: str,
    EnableKinesisStreamingConfiguration: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Send a stream no more changes; those made before still go to it."""
    name = table_name(call, TableName)
    await _disable(call.state, name, StreamArn)
    asked = EnableKinesisStreamingConfiguration or {}
    return _told(name, StreamArn, "DISABLING", "EnableKinesisStreamingConfiguration", asked)


@dynamodb.operation
async def update_kinesis_streaming_destination(
    call: Call,
    TableName: str,
    StreamArn: str,
    UpdateKinesisStreamingConfiguration: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Change how exactly records tell their time."""
    name, asked = table_name(call, TableName), UpdateKinesisStreamingConfiguration or {}
    if not asked.get(PRECISION):
        raise invalid(
            "Streaming destination cannot be updated with given parameters: "
            "UpdateKinesisStreamingConfiguration cannot be null or contain only null values"
        )
    await _update(call.state, name, StreamArn, asked[PRECISION])
    return _told(name, StreamArn, "UPDATING", "UpdateKinesisStreamingConfiguration", asked)


@dynamodb.operation
async def describe_kinesis_streaming_destination(call: Call, TableName: str) -> dict[str, Any]:
    """The streams that a table's changes go to, or went to."""
    name = table_name(call, TableName)
    found = await _list(call.state, name)
    told = [
        {"StreamArn": one.stream, "DestinationStatus": "ACTIVE" if one.active else "DISABLED"}
        | ({PRECISION: one.precision} if one.precision else {})
        for one in found
    ]
    return {"TableName": name, "KinesisDataStreamDestinations": told}


def _told(name: str, stream: str, status: str, member: str, asked: dict[str, str]) -> dict[str, Any]:
    return {"TableName": name, "StreamArn": stream, "DestinationStatus": status, member: asked}


def _check_stream(call: Call, StreamArn: str) -> None:
    try:
        arn = Arn.parse(StreamArn)
    except ValueError:
        raise invalid(f"Invalid StreamArn: {StreamArn}") from None
    if arn.service != "kinesis" or not arn.resource.startswith("stream/"):
        raise invalid(f"Invalid StreamArn: {StreamArn} is not the ARN of a Kinesis stream")
    if (arn.account, arn.region) != (call.account, call.region):
        raise invalid(f"Invalid StreamArn: {StreamArn} is not in the account and region of the table")


async def _find(tx: Transaction, name: str) -> Table:
    table = await tables.get(tx, name)
    if table is None:
        raise no_such_table(name)
    return table


async def _destination(tx: Transaction, table: Table, stream: str, verb: str) -> Destination:
    found = await destinations.get(tx, table.name, stream)
    if found is None:
        raise aws_error(
            "ResourceNotFoundException",
            f"{NOT_VALID.format(verb=verb)}No streaming destination with streamArn: {stream} "
            f"found for table with tableName: {table.name}",
        )
    if not found.active:
        raise invalid(
            f"{NOT_VALID.format(verb=verb)}KinesisStreamingDestination must be ACTIVE to perform "
            f"{verb.upper()} operation."
        )
    return found


@transactional
async def _enable(tx: Transaction, name: str, stream: str, precision: str) -> None:
    table = await _find(tx, name)
    if stream in table.destinations:
        raise invalid(
            f"{NOT_VALID.format(verb='enable')}EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED "
            "to perform ENABLE operation."
        )
    if len(table.destinations) == MOST_DESTINATIONS:
        raise aws_error("LimitExceededException", f"A table has at most {MOST_DESTINATIONS} streaming destinations.")
    await begin_log(tx, table, stream)
    await destinations.put(tx, Destination(table=name, stream=stream, active=True, precision=precision))
    await tables.put(tx, msgspec.structs.replace(table, destinations=(*table.destinations, stream)))


@transactional
async def _disable(tx: Transaction, name: str, stream: str) -> None:
    table = await _find(tx, name)
    found = await _destination(tx, table, stream, "disable")
    await destinations.put(tx, msgspec.structs.replace(found, active=False))
    left = tuple(one for one in table.destinations if one != stream)
    await tables.put(tx, msgspec.structs.replace(table, destinations=left))


@transactional
async def _update(tx: Transaction, name: str, stream: str, precision: str) -> None:
    table = await _find(tx, name)
    found = await _destination(tx, table, stream, "update")
    if found.precision == precision:
        raise invalid(
            f"Invalid Request: Precision is already set to the desired value of {precision} "
            f"for tableId: {table.uuid}, kdsArn: {stream}"
        )
    await destinations.put(tx, msgspec.structs.replace(found, precision=precision))


@transactional
async def _list(tx: Transaction, name: str) -> list[Destination]:
    await _find(tx, name)
    return await destinations.list(tx, name)
