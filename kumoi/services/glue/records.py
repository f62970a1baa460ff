"""What the catalog stores. Names are lower-case; times are epoch seconds; `given` is as the client gave it."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """A database."""

    name: str
    created: float
    given: dict[str, Any]
    tags: dict[str, str] = {}


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table or a view; `version` counts its changes."""

    database: str
    name: str
    created: float
    updated: float
    given: dict[str, Any]
    creator: str
    version: int = 0
    tags: dict[str, str] = {}


class TableVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A table as it was."""

    database: str
    table: str
    version: int
    record: Table


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """A partition: a value for each of the table's partition keys."""

    database: str
    table: str
    values: tuple[str, ...]
    created: float
    given: dict[str, Any]


class PartitionIndex(msgspec.Struct, frozen=True, kw_only=True):
    """An index of some of a table's partition keys."""

    database: str
    table: str
    name: str
    keys: tuple[str, ...]


partition_indexes: Space[PartitionIndex] = Space(
    "glue.partition_index", PartitionIndex, lambda one: (one.database, one.table, one.name)
)
databases: Space[Database] = Space("glue.database", Database, lambda one: (one.name,))
tables: Space[Table] = Space("glue.table", Table, lambda one: (one.database, one.name))
versions: Space[TableVersion] = Space("glue.version", TableVersion, lambda one: (one.database, one.table, one.version))
partitions: Space[Partition] = Space(
    "glue.partition", Partition, lambda one: (one.database, one.table, "\0".join(one.values))
)
