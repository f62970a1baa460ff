"""Answers written as tables: CREATE TABLE AS, INSERT INTO, UNLOAD. Files go to S3 under names of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kumoi.names import uuid
from kumoi.presto.column_types import quoted
from kumoi.presto.outputs import Format, Output, Written
from kumoi.services.athena.catalog import Catalog
from kumoi.services.athena.commands import CreateAs, Insert, Unload
from kumoi.services.athena.errors import StatementFailed
from kumoi.services.athena.formats import DESCRIPTORS, Reader, reader_of
from kumoi.services.athena.places import NULL_PARTITION, Asker, Location, partition_folder
from kumoi.services.athena.queries import Query, hive_name
from kumoi.wire.errors import AwsError

_FORMS: Mapping[str, Format] = {"PARQUET": "parquet", "JSON": "ndjson.gz", "TEXTFILE": "csv"}


class Done(NamedTuple):
    """What a statement did: bytes read, rows written, and the objects they are in (`s3://…`), if any could be."""

    scanned: int
    rows: int
    objects: Sequence[str] | None = None


async def create_as(catalog: Catalog, query: Query, wanted: CreateAs, default: Location) -> Done:
    """CREATE TABLE … AS; StatementFailed."""
    options, database = wanted.options, catalog.of(wanted.place)
    form = _form(str(options.get("format") or "PARQUET"))
    if await _exists(catalog, database, wanted.place.name):
        if wanted.exists_ok:
            return Done(0, 0)
        raise StatementFailed(
            f"TABLE_ALREADY_EXISTS: line 1:1: Destination table 'awsdatacatalog.{database}.{wanted.place.name}' "
            "already exists"
        )
    given = options.get("external_location")
    place = Location.of(given) if given else Location(default.bucket, default.key(f"tables/{uuid()}/"))
    if await catalog.asker.objects(place):
        raise StatementFailed(
            f"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{database}.{wanted.place.name}' already exists: "
            f"s3://{place.bucket}/{place.prefix}. You may need to manually clean the data at this location."
        )
    keys = [name.lower() for name in options.get("partitioned_by") or ()]
    answer = await query.run(wanted.sql, Output(form, tuple(keys)))
    columns = [{"Name": one.name, "Type": hive_name(one.kind)} for one in answer.columns]
    _check_keys(columns, keys)
    rows, objects = 0, None
    if wanted.with_data:
        rows, objects = await _put(catalog.asker, place, answer.files[0], keys, form)
    serde, reads, writes = DESCRIPTORS[_stored(form)]
    delimiter = {"field.delim": options.get("field_delimiter", "\x01")} if form == "csv" else {}
    descriptor: dict[str, Any] = {
        "Columns": [one for one in columns if one["Name"] not in keys],
        "Location": f"s3://{place.bucket}/{place.prefix}",
        "InputFormat": reads,
        "OutputFormat": writes,
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": delimiter},
    }
    table = {
        "Name": wanted.place.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false"},
        "PartitionKeys": [one for one in columns if one["Name"] in keys],
        "StorageDescriptor": descriptor,
    }
    await catalog.ask("CreateTable", DatabaseName=database, TableInput=table)
    if wanted.with_data and keys:
        await _add_partitions(catalog, database, wanted.place.name, descriptor, answer.files[0], keys)
    return Done(answer.scanned, rows, objects)


async def insert(catalog: Catalog, query: Query, wanted: Insert) -> Done:
    """INSERT INTO; StatementFailed."""
    table = await catalog.table(wanted.place)
    descriptor = table.get("StorageDescriptor") or {}
    form = _insert_form(reader_of(descriptor, table.get("Parameters") or {}))
    columns = [one["Name"] for one in descriptor.get("Columns") or ()]
    keys = [one["Name"] for one in table.get("PartitionKeys") or ()]
    named = list(wanted.columns) or [*columns, *keys]
    if unknown := [name for name in named if name not in (*columns, *keys)]:
        raise StatementFailed(f"COLUMN_NOT_FOUND: Insert column name does not exist in target table: {unknown[0]}")
    sql = _arranged(wanted.sql, named, [*columns, *keys])
    answer = await query.run(sql, Output(form, tuple(keys)))
    place = Location.of(descriptor["Location"])
    rows, objects = await _put(catalog.asker, place, answer.files[0], keys, form)
    if keys:
        await _add_partitions(catalog, catalog.of(wanted.place), table["Name"], descriptor, answer.files[0], keys)
    return Done(answer.scanned, rows, objects)


async def unload(catalog: Catalog, query: Query, wanted: Unload) -> Done:
    """UNLOAD; StatementFailed."""
    place = Location.of(wanted.location)
    if await catalog.asker.objects(place):
        raise StatementFailed(
            f"HIVE_PATH_ALREADY_EXISTS: Target directory already exists: {wanted.location}. "
            "You may need to manually clean the data at this location."
        )
    form = _form(str(wanted.options.get("format") or "TEXTFILE"))
    keys = [str(name).lower() for name in wanted.options.get("partitioned_by") or ()]
    answer = await query.run(wanted.sql, Output(form, tuple(keys)))
    return Done(answer.scanned, *await _put(catalog.asker, place, answer.files[0], keys, form))


def _form(name: str) -> Format:
    try:
        return _FORMS[name.upper()]
    except KeyError:
        raise StatementFailed(f"NOT_SUPPORTED: Kumoi's Athena writes no {name}: PARQUET, JSON, TEXTFILE.") from None


def _stored(form: Format) -> str:
    return next(name for name, one in _FORMS.items() if one == form)


def _insert_form(reader: Reader) -> Format:
    if reader.kind == "parquet":
        return "parquet"
    if reader.kind == "json":
        return "ndjson.gz"
    raise StatementFailed("NOT_SUPPORTED: Kumoi's Athena inserts into tables of Parquet and JSON alone.")


def _arranged(sql: str, named: Sequence[str], wanted: Sequence[str]) -> str:
    """A query whose columns have the table's names and order; those that are not given are NULL."""
    names = ", ".join(quoted(name) for name in named)
    chosen = ", ".join(quoted(name) if name in named else f"NULL AS {quoted(name)}" for name in wanted)
    return f"SELECT {chosen} FROM ({sql}) AS given ({names})"  # noqa: S608  (a query of the client's)


def _check_keys(columns: Sequence[Mapping[str, str]], keys: Sequence[str]) -> None:
    names = [one["Name"] for one in columns]
    if len(set(names)) < len(names):
        raise StatementFailed("DUPLICATE_COLUMN_NAME: a column's name is there twice.")
    if keys and names[-len(keys) :] != list(keys):
        raise StatementFailed(
            "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table and in the same order "
            f"as the table properties: {list(keys)}"
        )


async def _put(
    asker: Asker, place: Location, files: Sequence[Written], keys: Sequence[str], form: Format
) -> tuple[int, list[str]]:
    """How many rows were put, and the objects they are in."""
    objects = []
    for written in files:
        if written.rows or not keys:
            key = place.key(f"{partition_folder(keys, written.key)}{uuid()}.{form}")
            await asker.put(place.bucket, key, written.path)
            objects.append(f"s3://{place.bucket}/{key}")
    return sum(written.rows for written in files), objects


async def _add_partitions(
    catalog: Catalog,
    database: str,
    table: str,
    descriptor: Mapping[str, Any],
    files: Sequence[Written],
    keys: Sequence[str],
) -> None:
    made = []
    for written in files:
        values = [value or NULL_PARTITION for value in written.key]
        location = f"{str(descriptor['Location']).rstrip('/')}/{partition_folder(keys, written.key)}"
        made.append({"Values": values, "StorageDescriptor": {**descriptor, "Location": location}})
    for start in range(0, len(made), 100):
        await catalog.ask(
            "BatchCreatePartition",
            DatabaseName=database,
            TableName=table,
            PartitionInputList=made[start : start + 100],
        )


async def _exists(catalog: Catalog, database: str, name: str) -> bool:
    try:
        await catalog.asker.ask("glue", "GetTable", DatabaseName=database, Name=name)
    except AwsError as error:
        if error.code == "EntityNotFoundException":
            return False
        raise StatementFailed(error.message) from None
    return True
