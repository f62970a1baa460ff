"""The catalog's transactions: what operations and resource types share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from kumoi.services.glue.errors import exists, invalid, no_database, no_entity, no_table
from kumoi.services.glue.records import (
    Database,
    Partition,
    Table,
    TableVersion,
    databases,
    partition_indexes,
    partitions,
    tables,
    versions,
)
from kumoi.state import Transaction, transactional

MOST_VERSIONS = 100
"""Older versions of a table that are kept."""


@transactional
async def database_of(tx: Transaction, name: str) -> Database:
    """A database; EntityNotFoundException."""
    found = await databases.get(tx, name.lower())
    if found is None:
        raise no_database(name.lower())
    return found


@transactional
async def table_of(tx: Transaction, database: str, name: str) -> Table:
    """A table; EntityNotFoundException for it or its database."""
    await database_of(tx, database)
    found = await tables.get(tx, database.lower(), name.lower())
    if found is None:
        raise no_table(name.lower())
    return found


@transactional
async def tables_in(tx: Transaction, database: str) -> list[Table]:
    """The tables of a database, by name; EntityNotFoundException."""
    await database_of(tx, database)
    return await tables.list(tx, database.lower())


@transactional
async def every_table(tx: Transaction) -> list[Table]:
    """The tables of all databases, by database and name."""
    return await tables.list(tx)


@transactional
async def add_table(tx: Transaction, table: Table) -> None:
    """Store a new table; EntityNotFoundException, AlreadyExistsException."""
    await database_of(tx, table.database)
    if await tables.get(tx, table.database, table.name) is not None:
        raise exists("Table already exists.")
    await tables.put(tx, table)


@transactional
async def change_table(tx: Transaction, database: str, name: str, given: dict[str, Any], *, archive: bool) -> None:
    """Give a table another definition; what it was is kept as a version."""
    before = await table_of(tx, database, name)
    if archive:
        kept = TableVersion(database=before.database, table=before.name, version=before.version, record=before)
        await versions.put(tx, kept)
        if before.version >= MOST_VERSIONS:
            await versions.delete(tx, before.database, before.name, before.version - MOST_VERSIONS)
    await tables.put(tx, msgspec.structs.replace(before, given=given, updated=tx.now, version=before.version + 1))


@transactional
async def drop_table(tx: Transaction, database: str, name: str) -> None:
    """Forget a table with its partitions, their indexes and its versions; EntityNotFoundException."""
    found = await table_of(tx, database, name)
    for space in (partitions, partition_indexes, versions):
        await space.delete_all(tx, found.database, found.name)
    await tables.delete(tx, found.database, found.name)


@transactional
async def drop_database(tx: Transaction, name: str) -> None:
    """Forget a database with all that is in it; EntityNotFoundException."""
    found = await database_of(tx, name)
    for space in (tables, partitions, partition_indexes, versions):
        await space.delete_all(tx, found.name)
    await databases.delete(tx, found.name)


@transactional
async def partition_of(tx: Transaction, table: Table, values: tuple[str, ...]) -> Partition:
    """A partition; EntityNotFoundException."""
    found = await partitions.get(tx, table.database, table.name, "\0".join(values))
    if found is None:
        raise no_entity("Cannot find partition.")
    return found


@transactional
async def add_partition(tx: Transaction, table: Table, given: dict[str, Any]) -> None:
    """Store a new partition; InvalidInputException, AlreadyExistsException."""
    values = tuple(given.get("Values") or ())
    if len(values) != len(table.given.get("PartitionKeys") or ()):
        raise invalid("The number of partition keys do not match the number of partition values")
    if await partitions.get(tx, table.database, table.name, "\0".join(values)) is not None:
        raise exists("Partition already exists.")
    made = Partition(database=table.database, table=table.name, values=values, created=tx.now, given=given)
    await partitions.put(tx, made)


@transactional
async def partitions_of(tx: Transaction, table: Table, after: str | None, most: int) -> list[Partition]:
    """At most so many of a table's partitions, those behind a key, the values with NULs between them."""
    bound = None if after is None else (table.database, table.name, after)
    return await partitions.list(tx, table.database, table.name, after=bound, limit=most)


@transactional
async def partitions_with(tx: Transaction, table: Table, wanted: Iterable[tuple[str, ...]]) -> list[Partition]:
    """The partitions of a table that have these values, as far as they are there."""
    found = [await partitions.get(tx, table.database, table.name, "\0".join(values)) for values in wanted]
    return [one for one in found if one is not None]
