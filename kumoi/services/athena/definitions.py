"""Statements about the catalog: databases, tables, views, partitions made and dropped; lists shown as lines of text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from kumoi.services.athena.catalog import VIEW, Catalog, view_of, view_text
from kumoi.services.athena.commands import (
    AlterTable,
    CreateDatabase,
    CreateTable,
    Drop,
    Partitions,
    Place,
    Repair,
    Show,
)
from kumoi.services.athena.errors import StatementFailed
from kumoi.services.athena.formats import DESCRIPTORS, LAZY
from kumoi.services.athena.places import Location, partition_folder, partition_value
from kumoi.wire.errors import AwsError

Lines = Sequence[str]
_GIVEN = {
    *("Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "PartitionKeys"),
    *("TableType", "ViewOriginalText", "ViewExpandedText"),
}
"""The members of a table that are its owner's to say."""


async def create_database(catalog: Catalog, wanted: CreateDatabase) -> None:
    """CREATE DATABASE."""
    given = {"Name": wanted.name, "Description": wanted.comment, "LocationUri": wanted.location}
    given = {name: value for name, value in given.items() if value is not None}
    await _tolerant(catalog, "AlreadyExistsException", wanted.exists_ok, "CreateDatabase", DatabaseInput=given)


async def create_table(catalog: Catalog, wanted: CreateTable) -> None:
    """CREATE EXTERNAL TABLE."""
    if not wanted.location:
        raise StatementFailed("SYNTAX_ERROR: a table needs a LOCATION.")
    Location.of(wanted.location)
    if wanted.properties.get("table_type", "").upper() == "ICEBERG":
        raise StatementFailed("NOT_SUPPORTED: Kumoi's Athena has no Iceberg tables: see docs/athena.md.")
    stored = wanted.storage["format"] or "TEXTFILE"
    if stored not in DESCRIPTORS:
        raise StatementFailed(f"NOT_SUPPORTED: Kumoi's Athena reads no {stored}: TEXTFILE, JSON, PARQUET.")
    serde, reads, writes = DESCRIPTORS[stored]
    serde = wanted.storage["serde"] or serde
    told = dict(wanted.storage["serde_properties"])
    if serde == LAZY and "field.delim" in told:
        told.setdefault("serialization.format", told["field.delim"])
    table = {
        "Name": wanted.place.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **wanted.properties},
        "PartitionKeys": list(wanted.keys),
        "StorageDescriptor": {
            "Columns": list(wanted.columns),
            "Location": wanted.location,
            "InputFormat": wanted.storage.get("input") or reads,
            "OutputFormat": wanted.storage.get("output") or writes,
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": told or {"serialization.format": "1"}},
        },
    }
    if wanted.comment:
        table["Description"] = wanted.comment
    await _tolerant(
        catalog,
        "AlreadyExistsException",
        wanted.exists_ok,
        "CreateTable",
        DatabaseName=catalog.of(wanted.place),
        TableInput=table,
    )


async def alter_table(catalog: Catalog, wanted: AlterTable) -> None:
    """ALTER TABLE … ADD or REPLACE COLUMNS, SET TBLPROPERTIES, SET LOCATION."""
    table = await catalog.table(wanted.place)
    if table.get("TableType") == VIEW:
        raise StatementFailed(f"FAILED: SemanticException: {wanted.place.name} is a view, no table.")
    descriptor = dict(table["StorageDescriptor"])
    if wanted.columns:
        kept = [] if wanted.replaced else descriptor.get("Columns") or []
        names = [one["Name"] for one in (*kept, *wanted.columns, *(table.get("PartitionKeys") or ()))]
        if twice := [name for name in names if names.count(name) > 1]:
            raise StatementFailed(f"FAILED: SemanticException: Duplicate column name: {twice[0]}")
        descriptor["Columns"] = [*kept, *wanted.columns]
    if wanted.location:
        Location.of(wanted.location)
        descriptor["Location"] = wanted.location
    changed = {name: value for name, value in table.items() if name in _GIVEN}
    changed["StorageDescriptor"] = descriptor
    changed["Parameters"] = {**(table.get("Parameters") or {}), **wanted.properties}
    await catalog.ask("UpdateTable", DatabaseName=catalog.of(wanted.place), TableInput=changed)


async def create_view(
    catalog: Catalog, place: Place, sql: str, columns: Sequence[tuple[str, str, str]], *, replace: bool
) -> None:
    """CREATE VIEW; `columns` are (name, Presto's type, Hive's type)."""
    database = catalog.of(place)
    view = {
        "Name": place.name,
        "TableType": VIEW,
        "ViewOriginalText": view_text(sql, database, [(name, kind) for name, kind, _ in columns]),
        "ViewExpandedText": "/* Presto View */",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, _, kind in columns],
            "Location": "",
            "SerdeInfo": {},
        },
    }
    try:
        await catalog.asker.ask("glue", "CreateTable", DatabaseName=database, TableInput=view)
    except AwsError as error:
        if error.code != "AlreadyExistsException" or not replace:
            raise StatementFailed(f"FAILED: {error.code}: {error.message}") from None
        if (await catalog.table(place)).get("TableType") != VIEW:
            raise StatementFailed(f"TABLE_ALREADY_EXISTS: {place.name} is a table, no view.") from None
        await catalog.ask("UpdateTable", DatabaseName=database, TableInput=view)


async def drop(catalog: Catalog, wanted: Drop) -> None:
    """DROP DATABASE, TABLE, VIEW."""
    if wanted.what == "DATABASE":
        name = wanted.place.name
        if not wanted.cascade and not wanted.missing_ok:
            await catalog.ask("GetDatabase", Name=name)
        if not wanted.cascade:
            found = await _listed(catalog, name)
            if found:
                raise StatementFailed(
                    f"FAILED: Execution Error: InvalidOperationException: Database {name} is not empty. "
                    "One or more tables exist."
                )
        await _tolerant(catalog, "EntityNotFoundException", wanted.missing_ok, "DeleteDatabase", Name=name)
        return
    database, name = catalog.of(wanted.place), wanted.place.name
    await _tolerant(
        catalog, "EntityNotFoundException", wanted.missing_ok, "DeleteTable", DatabaseName=database, Name=name
    )


async def _listed(catalog: Catalog, database: str) -> list[dict[str, Any]]:
    try:
        answer = await catalog.asker.ask("glue", "GetTables", DatabaseName=database)
    except AwsError:
        return []
    found: list[dict[str, Any]] = answer["TableList"]
    return found


async def change_partitions(catalog: Catalog, wanted: Partitions) -> None:
    """ALTER TABLE … ADD or DROP PARTITION."""
    table = await catalog.table(wanted.place)
    keys = [one["Name"] for one in table.get("PartitionKeys") or ()]
    descriptor = table["StorageDescriptor"]
    about = {"DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
    for given, location in wanted.values:
        if set(given) != set(keys):
            raise StatementFailed(f"SYNTAX_ERROR: the partition keys are {', '.join(keys)}.")
        values = [given[key] for key in keys]
        if not wanted.add:
            code = "EntityNotFoundException"
            await _tolerant(catalog, code, wanted.lenient, "DeletePartition", PartitionValues=values, **about)
            continue
        place = location or _place(descriptor["Location"], keys, values)
        one = {"Values": values, "StorageDescriptor": {**descriptor, "Location": place}}
        code = "AlreadyExistsException"
        await _tolerant(catalog, code, wanted.lenient, "CreatePartition", PartitionInput=one, **about)


async def repair(catalog: Catalog, wanted: Repair) -> Lines:
    """MSCK REPAIR TABLE: partitions that lie in S3 as `key=value` and are not in the catalog."""
    table = await catalog.table(wanted.place)
    keys = [one["Name"] for one in table.get("PartitionKeys") or ()]
    descriptor = table["StorageDescriptor"]
    place = Location.of(descriptor["Location"])
    pattern = re.compile(re.escape(place.prefix) + "".join(f"{re.escape(key)}=([^/]*)/" for key in keys), re.I)
    found = await catalog.asker.objects(place)
    folders = await asyncio.to_thread(lambda: {match.groups() for one in found if (match := pattern.match(one.key))})
    there = {tuple(map(partition_value, spelled)) for spelled in folders}
    about = {"DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
    known = {tuple(one["Values"]) for one in await catalog.every("GetPartitions", "Partitions", **about)}
    lines = []
    for values in sorted(there - known):
        location = _place(descriptor["Location"], keys, values)
        one = {"Values": list(values), "StorageDescriptor": {**descriptor, "Location": location}}
        await catalog.ask("CreatePartition", PartitionInput=one, **about)
        lines.append(f"Repair: Added partition to metastore {table['Name']}:{partition_folder(keys, values)[:-1]}")
    return lines


async def show(catalog: Catalog, wanted: Show) -> Lines:
    """SHOW and DESCRIBE."""
    if wanted.place is not None:
        return await _about(catalog, wanted.what, wanted.place)
    if wanted.what == "DATABASES":
        names = [one["Name"] for one in await catalog.every("GetDatabases", "DatabaseList")]
    else:
        found = await catalog.every("GetTables", "TableList", DatabaseName=wanted.database or catalog.database)
        views = wanted.what == "VIEWS"
        names = [one["Name"] for one in found if not views or one.get("TableType") == VIEW]
    if wanted.pattern:
        choices = [re.sub(r"([\[?])", r"[\1]", one) for one in wanted.pattern.split("|")]
        names = [name for name in names if any(fnmatchcase(name, one) for one in choices)]
    return names


async def _about(catalog: Catalog, what: str, place: Place) -> Lines:
    table = await catalog.table(place)
    columns = (table.get("StorageDescriptor") or {}).get("Columns") or []
    keys = table.get("PartitionKeys") or []
    if what == "COLUMNS":
        return [f"{one['Name']:<20}" for one in (*columns, *keys)]
    if what == "DESCRIBE":
        lines = [_described(one) for one in (*columns, *keys)]
        if keys:
            lines += ["\t \t ", "# Partition Information\t \t ", _titled(), "\t \t ", *map(_described, keys)]
        return lines
    if what == "PARTITIONS":
        about = {"DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
        found = await catalog.every("GetPartitions", "Partitions", **about)
        names = [one["Name"] for one in keys]
        return [partition_folder(names, one["Values"])[:-1] for one in found]
    if what == "TBLPROPERTIES":
        return [f"{name}\t{value}" for name, value in (table.get("Parameters") or {}).items()]
    if what == "CREATE VIEW" or table.get("TableType") == VIEW:
        return f"CREATE VIEW {table['DatabaseName']}.{table['Name']} AS\n{view_of(table)[0]}".split("\n")
    return _as_statement(table, columns, keys)


def _described(column: Mapping[str, str]) -> str:
    return f"{column['Name']:<20}\t{column.get('Type', 'string'):<20}\t{column.get('Comment', ''):<20}"


def _titled() -> str:
    return f"{'# col_name':<20}\t{'data_type':<20}\t{'comment':<20}"


def _as_statement(table: Mapping[str, Any], columns: Sequence[Any], keys: Sequence[Any]) -> Lines:
    descriptor = table["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo") or {}
    lines = [f"CREATE EXTERNAL TABLE `{table['DatabaseName']}.{table['Name']}`(", *_listed_columns(columns)]
    if keys:
        lines += ["PARTITIONED BY ( ", *_listed_columns(keys)]
    lines += ["ROW FORMAT SERDE ", f"  '{serde.get('SerializationLibrary', '')}' "]
    told = serde.get("Parameters") or {}
    if told:
        lines += ["WITH SERDEPROPERTIES ( ", *_pairs(told)]
    lines += ["STORED AS INPUTFORMAT ", f"  '{descriptor.get('InputFormat', '')}' "]
    lines += ["OUTPUTFORMAT ", f"  '{descriptor.get('OutputFormat', '')}'"]
    lines += ["LOCATION", f"  '{descriptor.get('Location', '')}'"]
    parameters = {name: value for name, value in (table.get("Parameters") or {}).items() if name != "EXTERNAL"}
    return [*lines, "TBLPROPERTIES (", *_pairs(parameters)] if parameters else lines


def _listed_columns(columns: Sequence[Mapping[str, str]]) -> list[str]:
    listed = [f"  `{one['Name']}` {one.get('Type', 'string')}{_said(one)}" for one in columns]
    return [f"{line}, " for line in listed[:-1]] + [f"{line})" for line in listed[-1:]]


def _said(column: Mapping[str, str]) -> str:
    return f" COMMENT '{column['Comment']}'" if column.get("Comment") else ""


def _pairs(told: Mapping[str, str]) -> list[str]:
    listed = [f"  '{name}'='{value}'" for name, value in told.items()]
    return [f"{line}, " for line in listed[:-1]] + [f"{line}) " for line in listed[-1:]]


def _place(location: str, keys: Sequence[str], values: Sequence[str]) -> str:
    return f"{location.rstrip('/')}/{partition_folder(keys, values)}"


async def _tolerant(catalog: Catalog, code: str, lenient: bool, operation: str, **params: Any) -> None:
    try:
        await catalog.asker.ask("glue", operation, **params)
    except AwsError as error:
        if error.code != code or not lenient:
            raise StatementFailed(f"FAILED: {error.code}: {error.message}") from None
