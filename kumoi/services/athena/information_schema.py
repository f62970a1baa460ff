"""`information_schema`: what the catalog holds, as tables of any query, with the permissions of whoever asks.

Source: "Query the AWS Glue Data Catalog" of the Athena user guide; Trino's documentation, "Information schema".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from kumoi.presto.column_types import MAP, ColumnTypeError, Type, hive_type
from kumoi.presto.tables import Relation
from kumoi.services.athena.catalog import VIEW, Catalog, view_of
from kumoi.services.athena.errors import StatementFailed
from kumoi.services.athena.formats import DESCRIPTORS, reader_of
from kumoi.services.athena.sources import Loaded, as_parquet, columns_of

NAME = "information_schema"
_CATALOG = "awsdatacatalog"
_TABLES: Mapping[str, Mapping[str, str]] = {
    "schemata": {"catalog_name": "string", "schema_name": "string"},
    "tables": {"table_catalog": "string", "table_schema": "string", "table_name": "string", "table_type": "string"},
    "columns": {
        "table_catalog": "string",
        "table_schema": "string",
        "table_name": "string",
        "column_name": "string",
        "ordinal_position": "bigint",
        "column_default": "string",
        "is_nullable": "string",
        "data_type": "string",
        "comment": "string",
        "extra_info": "string",
    },
    "views": {"table_catalog": "string", "table_schema": "string", "table_name": "string", "view_definition": "string"},
}
_PLAIN = {"FLOAT": "real", "BLOB": "varbinary", "TIMESTAMP": "timestamp(3)"}


def table(name: str) -> dict[str, Any]:
    """One of these tables as the catalog would show it; StatementFailed."""
    if name not in _TABLES:
        raise StatementFailed(f"TABLE_NOT_FOUND: line 1:1: Table '{_CATALOG}.{NAME}.{name}' does not exist")
    columns = [{"Name": column, "Type": kind} for column, kind in _TABLES[name].items()]
    return {"DatabaseName": NAME, "Name": name, "TableType": "BASE TABLE", "StorageDescriptor": {"Columns": columns}}


async def load(catalog: Catalog, name: str, folder: Path) -> Loaded:
    """The rows of one of these tables, as a query reads them; StatementFailed."""
    databases = [one["Name"] for one in await catalog.every("GetDatabases", "DatabaseList")]
    rows: list[dict[str, Any]] = []
    if name == "schemata":
        rows = [{"catalog_name": _CATALOG, "schema_name": one} for one in sorted([*databases, NAME])]
    else:
        for database in databases:
            for one in await catalog.every("GetTables", "TableList", DatabaseName=database):
                own = {"table_catalog": _CATALOG, "table_schema": database, "table_name": one["Name"]}
                rows += [{**own, **row} for row in _told(name, one)]
    columns = columns_of(table(name)["StorageDescriptor"]["Columns"])
    if not rows:
        return Loaded(Relation([], columns), 0)
    part = await asyncio.to_thread(_written, rows, columns, folder)
    return Loaded(Relation([part], columns), 0)


def _told(name: str, one: dict[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What a table of the catalog gives one of these tables."""
    view = one.get("TableType") == VIEW
    if name == "tables":
        return [{"table_type": "VIEW" if view else "BASE TABLE"}]
    if name == "views":
        return [{"view_definition": _definition(one)}] if view else []
    keys = one.get("PartitionKeys") or []
    columns = [*((one.get("StorageDescriptor") or {}).get("Columns") or ()), *keys]
    return [
        {
            "column_name": column["Name"],
            "ordinal_position": position,
            "is_nullable": "YES",
            "data_type": presto_name(column.get("Type") or "string"),
            "comment": column.get("Comment"),
            "extra_info": "partition key" if column in keys else None,
        }
        for position, column in enumerate(columns, 1)
    ]


def _definition(view: dict[str, Any]) -> str | None:
    try:
        return view_of(view)[0]
    except StatementFailed:
        return None


def presto_name(text: str) -> str:
    """A type in Hive's notation as Presto writes it, `array(row(a integer))`; as it is where it means none."""
    try:
        return _presto(hive_type(text))
    except ColumnTypeError:
        return text


def _presto(kind: Type) -> str:
    if isinstance(kind, list):
        return f"array({_presto(kind[0])})"
    if isinstance(kind, dict):
        if MAP in kind:
            return f"map({', '.join(map(_presto, kind[MAP]))})"
        return f"row({', '.join(f'{name} {_presto(one)}' for name, one in kind.items())})"
    return _PLAIN.get(str(kind), str(kind).lower().replace(", ", ","))


def _written(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Type], folder: Path) -> Any:
    """Rows as a file of Parquet. Blocks."""
    folder.mkdir(parents=True, mode=0o700)
    path = folder / "rows"
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    serde, reads, _ = DESCRIPTORS["JSON"]
    reader = reader_of({"SerdeInfo": {"SerializationLibrary": serde}, "InputFormat": reads}, {})
    return as_parquet(reader, path, columns, folder)
