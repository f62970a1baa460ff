"""Partition indexes: create, list, delete. They are kept; finding partitions takes no index here."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.glue import glue
from kumoi.services.glue.catalog import table_of
from kumoi.services.glue.errors import exists, invalid, no_entity
from kumoi.services.glue.paging import page
from kumoi.services.glue.records import PartitionIndex, Table, partition_indexes
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST = 3
"""Indexes of a table."""

_PAGE = 100


@glue.operation
async def create_partition_index(
    call: Call, DatabaseName: str, TableName: str, PartitionIndex: dict[str, Any], CatalogId: str | None = None
) -> dict[str, Any]:
    """Add an index of some of a table's partition keys; it is active at once."""
    await _create(call.state, DatabaseName, TableName, PartitionIndex)
    return {}


@glue.operation
async def get_partition_indexes(
    call: Call, DatabaseName: str, TableName: str, CatalogId: str | None = None, NextToken: str | None = None
) -> dict[str, Any]:
    """A table's indexes."""
    table, found = await _all(call.state, DatabaseName, TableName)
    types = {key["Name"]: key.get("Type") for key in table.given.get("PartitionKeys") or ()}
    shown, more = page(found, lambda one: one.name, NextToken, None, _PAGE)
    told = [
        {
            "IndexName": one.name,
            "Keys": [{"Name": key, "Type": types.get(key) or "string"} for key in one.keys],
            "IndexStatus": "ACTIVE",
        }
        for one in shown
    ]
    return {"PartitionIndexDescriptorList": told, **more}


@glue.operation
async def delete_partition_index(
    call: Call, DatabaseName: str, TableName: str, IndexName: str, CatalogId: str | None = None
) -> dict[str, Any]:
    """Delete an index."""
    await _delete(call.state, DatabaseName, TableName, IndexName)
    return {}


async def add_index(tx: Transaction, table: Table, given: dict[str, Any]) -> None:
    """Store a new index of a table; AlreadyExistsException, InvalidInputException, the limit of indexes."""
    name, keys = given["IndexName"], tuple(str(key) for key in given["Keys"])
    known = {key["Name"] for key in table.given.get("PartitionKeys") or ()}
    if len(set(keys)) != len(keys) or not known.issuperset(keys):
        raise invalid(f"The keys of the index {name} have to be partition keys of the table, each once.")
    held = await partition_indexes.list(tx, table.database, table.name)
    if any(one.name == name for one in held):
        raise exists(f"Partition index {name} already exists.")
    if len(held) >= MOST:
        raise aws_error("ResourceNumberLimitExceededException", f"A table has at most {MOST} partition indexes.")
    await partition_indexes.put(tx, PartitionIndex(database=table.database, table=table.name, name=name, keys=keys))


@transactional
async def _create(tx: Transaction, database: str, table: str, given: dict[str, Any]) -> None:
    await add_index(tx, await table_of(tx, database, table), given)


@transactional
async def _all(tx: Transaction, database: str, name: str) -> tuple[Table, list[PartitionIndex]]:
    table = await table_of(tx, database, name)
    return table, await partition_indexes.list(tx, table.database, table.name)


@transactional
async def _delete(tx: Transaction, database: str, name: str, index: str) -> None:
    table = await table_of(tx, database, name)
    if await partition_indexes.get(tx, table.database, table.name, index) is None:
        raise no_entity(f"Partition index {index} not found.")
    await partition_indexes.delete(tx, table.database, table.name, index)
