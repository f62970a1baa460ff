"""Partitions: create, get, find, update, delete, one or many at a time."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.glue import glue
from kumoi.services.glue.catalog import add_partition, partition_of, partitions_of, partitions_with, table_of
from kumoi.services.glue.errors import exists, invalid
from kumoi.services.glue.expressions import compiled
from kumoi.services.glue.paging import key_of, token_of
from kumoi.services.glue.records import Partition, Table, partitions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

_PAGE = 1000


@glue.operation
async def create_partition(
    call: Call, DatabaseName: str, TableName: str, PartitionInput: dict[str, Any], CatalogId: str | None = None
) -> dict[str, Any]:
    """Add a partition."""
    await add_partition(call.state, await table_of(call.state, DatabaseName, TableName), PartitionInput)
    return {}


@glue.operation
async def batch_create_partition(
    call: Call,
    DatabaseName: str,
    TableName: str,
    PartitionInputList: list[dict[str, Any]],
    CatalogId: str | None = None,
) -> dict[str, Any]:
    """Add partitions; what could not be is told."""
    table = await table_of(call.state, DatabaseName, TableName)
    return await _each(
        [(one.get("Values") or [], partial(add_partition, call.state, table, one)) for one in PartitionInputList]
    )


@glue.operation
async def get_partition(
    call: Call,
    DatabaseName: str,
    TableName: str,
    PartitionValues: list[str],
    CatalogId: str | None = None,
    AuditContext: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A partition."""
    table = await table_of(call.state, DatabaseName, TableName)
    return {"Partition": _shown(call, await partition_of(call.state, table, tuple(PartitionValues)))}


@glue.operation
async def get_partitions(
    call: Call,
    DatabaseName: str,
    TableName: str,
    Expression: str | None = None,
    NextToken: str | None = None,
    MaxResults: int | None = None,
    Segment: dict[str, int] | None = None,
    CatalogId: str | None = None,
    ExcludeColumnSchema: bool = False,
    TransactionId: str | None = None,
    QueryAsOfTime: float | None = None,
    AuditContext: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The partitions of a table, those that an expression chooses."""
    table = await table_of(call.state, DatabaseName, TableName)
    test = _test(table, Expression or "", Segment)
    after, most = key_of(NextToken) if NextToken else None, MaxResults or _PAGE
    found: list[Partition] = []
    while len(found) <= most:
        read = await partitions_of(call.state, table, after, _PAGE)
        found += filter(test, read)
        if len(read) < _PAGE:
            break
        after = _key(read[-1])
    more = {"NextToken": token_of(_key(found[most - 1]))} if len(found) > most else {}
    return {"Partitions": [_shown(call, one) for one in found[:most]], **more}


@glue.operation
async def batch_get_partition(
    call: Call,
    DatabaseName: str,
    TableName: str,
    PartitionsToGet: list[dict[str, Any]],
    CatalogId: str | None = None,
    AuditContext: dict[str, Any] | None = None,
    QuerySessionContext: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Partitions by their values, those that are there."""
    table = await table_of(call.state, DatabaseName, TableName)
    found = await partitions_with(call.state, table, sorted({tuple(one["Values"]) for one in PartitionsToGet}))
    return {"Partitions": [_shown(call, one) for one in found], "UnprocessedKeys": []}


@glue.operation
async def update_partition(
    call: Call,
    DatabaseName: str,
    TableName: str,
    PartitionValueList: list[str],
    PartitionInput: dict[str, Any],
    CatalogId: str | None = None,
) -> dict[str, Any]:
    """Give a partition another definition, or other values."""
    table = await table_of(call.state, DatabaseName, TableName)
    await _update(call.state, table, tuple(PartitionValueList), PartitionInput)
    return {}


@glue.operation
async def delete_partition(
    call: Call, DatabaseName: str, TableName: str, PartitionValues: list[str], CatalogId: str | None = None
) -> dict[str, Any]:
    """Remove a partition; its data stay where they are."""
    await _delete(call.state, await table_of(call.state, DatabaseName, TableName), tuple(PartitionValues))
    return {}


@glue.operation
async def batch_delete_partition(
    call: Call,
    DatabaseName: str,
    TableName: str,
    PartitionsToDelete: list[dict[str, Any]],
    CatalogId: str | None = None,
) -> dict[str, Any]:
    """Remove partitions; what could not be is told."""
    table = await table_of(call.state, DatabaseName, TableName)
    return await _each(
        [(one["Values"], partial(_delete, call.state, table, tuple(one["Values"]))) for one in PartitionsToDelete]
    )


def _key(one: Partition) -> str:
    return "\0".join(one.values)


def _test(table: Table, expression: str, segment: dict[str, int] | None) -> Callable[[Partition], bool]:
    """Whether an expression chooses a partition, and a segment has it."""
    total, number = (1, 0) if segment is None else (segment["TotalSegments"], segment["SegmentNumber"])
    if not 0 <= number < total:
        raise invalid("SegmentNumber is less than TotalSegments.")
    kinds = {key["Name"].lower(): str(key.get("Type") or "string") for key in table.given.get("PartitionKeys") or ()}
    chosen = compiled(expression, kinds) if expression.strip() else None

    def test(one: Partition) -> bool:
        if total > 1 and zlib.crc32(_key(one).encode()) % total != number:
            return False
        return chosen is None or chosen(dict(zip(kinds, one.values, strict=False)))

    return test


async def _each(actions: list[tuple[list[str], Callable[[], Awaitable[None]]]]) -> dict[str, Any]:
    errors = []
    for values, action in actions:
        try:
            await action()
        except AwsError as error:
            detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
            errors.append({"PartitionValues": values, "ErrorDetail": detail})
    return {"Errors": errors} if errors else {}


def _shown(call: Call, one: Partition) -> dict[str, Any]:
    return {
        **one.given,
        "Values": list(one.values),
        "DatabaseName": one.database,
        "TableName": one.table,
        "CreationTime": one.created,
        "CatalogId": call.account,
    }


@transactional
async def _update(tx: Transaction, table: Table, values: tuple[str, ...], given: dict[str, Any]) -> None:
    before = await partition_of(tx, table, values)
    after = tuple(given.get("Values") or values)
    if after != values:
        if await partitions.get(tx, table.database, table.name, "\0".join(after)) is not None:
            raise exists("Partition already exists.")
        await partitions.delete(tx, table.database, table.name, "\0".join(values))
    await partitions.put(tx, msgspec.structs.replace(before, values=after, given=given))


@transactional
async def _delete(tx: Transaction, table: Table, values: tuple[str, ...]) -> None:
    await partition_of(tx, table, values)
    await partitions.delete(tx, table.database, table.name, "\0".join(values))
