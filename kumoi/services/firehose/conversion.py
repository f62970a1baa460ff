"""JSON records as rows of Parquet, by the columns of a table of Glue's catalogue.

A record that is no JSON object, or whose values do not fit the columns, fails and is told as such. Names are matched
whatever their case; values of text columns that are no text are written as JSON. Source: "Convert input data format in
Amazon Data Firehose" of the developer guide.
"""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from kumoi.doorway import Doorway
from kumoi.presto.column_types import MAP, ColumnTypeError, Type, hive_type, quoted, type_text
from kumoi.presto.database import Database, text_literal
from kumoi.services.firehose.flow import Failed, Flowing
from kumoi.services.firehose.records import DeliveryStream
from kumoi.wire.errors import aws_error

_LINE_LIMIT = 64 << 20
_INVALID = "DataFormatConversion.ParseError"


class Schema(NamedTuple):
    """The columns that records become: type and the member it is read from; and how the file is compressed."""

    columns: Mapping[str, Type]
    members: Mapping[str, str]
    dots: bool
    compression: str
    table: Mapping[str, str]


class Converted(NamedTuple):
    """A Parquet file of the records that fit, and the others."""

    content: bytes
    records: Sequence[Flowing]
    failed: list[Failed]


async def schema_of(doorway: Doorway, stream: DeliveryStream) -> Schema:
    """The schema of a stream's conversion; the errors of Glue, and InvalidSchema for types that are none."""
    settings = stream.destination["DataFormatConversionConfiguration"]
    asked = settings["SchemaConfiguration"]
    region = asked.get("Region") or stream.region
    place = {"DatabaseName": asked["DatabaseName"], "Name": asked["TableName"]}
    table = (await doorway.ask("glue", "GetTable", place, stream.acting(asked["RoleARN"]), region))["Table"]
    try:
        columns = {
            one["Name"].lower(): hive_type(one.get("Type") or "string")
            for one in (table.get("StorageDescriptor") or {}).get("Columns") or ()
        }
    except ColumnTypeError as error:
        raise aws_error("InvalidSchema", f"A column of {asked['TableName']} has no type: {error}") from None
    if not columns:
        raise aws_error("InvalidSchema", f"The table {asked['TableName']} has no columns.")
    deserializer = settings["InputFormatConfiguration"]["Deserializer"].get("OpenXJsonSerDe") or {}
    serializer = settings["OutputFormatConfiguration"]["Serializer"]["ParquetSerDe"] or {}
    return Schema(
        columns,
        {name.lower(): member for name, member in (deserializer.get("ColumnToJsonKeyMappings") or {}).items()},
        bool(deserializer.get("ConvertDotsInJsonKeysToUnderscores")),
        serializer.get("Compression") or "SNAPPY",
        {
            "databaseName": asked["DatabaseName"],
            "tableName": asked["TableName"],
            "region": region,
            "versionId": asked.get("VersionId") or "LATEST",
            "catalogId": asked.get("CatalogId") or stream.account,
        },
    )


def converted(database: Database, folder: Path, schema: Schema, records: Iterable[Flowing], now: float) -> Converted:
    """Records as a Parquet file; blocks. It is empty where none fits."""
    rows: list[tuple[Flowing, bytes]] = []
    failed: list[Failed] = []
    for record in records:
        try:
            row = _row(schema, orjson.loads(record.content))
            rows.append((record, orjson.dumps({"n": len(rows), "v": row}, option=orjson.OPT_APPEND_NEWLINE)))
        except (orjson.JSONDecodeError, TypeError, ValueError, OverflowError, OSError) as error:
            failed.append(_failed(schema, record, f"The record is not a JSON object that can be read: {error}", now))
    if not rows:
        return Converted(b"", [], failed)
    with tempfile.TemporaryDirectory(dir=folder) as scratch, database.cursor() as cursor:
        source, made = Path(scratch) / "rows.json", Path(scratch) / "rows.parquet"
        source.write_bytes(b"".join(line for _, line in rows))
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE given AS SELECT CAST(json->>'$.n' AS BIGINT) AS n, json->'$.v' AS v FROM "
            f"read_json_objects({text_literal(str(source))}, format = 'newline_delimited', "
            f"maximum_object_size = {_LINE_LIMIT})"
        )
        reads = {name: _read(number, kind) for number, (name, kind) in enumerate(schema.columns.items())}
        misfits = " OR ".join(
            f"({_value(number)} IS NOT NULL AND {read} IS NULL)" for number, read in enumerate(reads.values())
        )
        strange = {row[0] for row in cursor.execute(f"SELECT n FROM given WHERE {misfits}").fetchall()}
        cursor.execute(f"DELETE FROM given WHERE {misfits}")
        chosen = ", ".join(f"{read} AS {quoted(name)}" for name, read in reads.items())
        cursor.execute(
            f"COPY (SELECT {chosen} FROM given ORDER BY n) TO {text_literal(str(made))} "
            f"(FORMAT parquet, COMPRESSION {schema.compression.lower()})"
        )
        cursor.execute("DROP TABLE given")
        content = made.read_bytes()
    failed += [
        _failed(schema, record, "A value of the record does not fit the type of its column.", now)
        for number, (record, _) in enumerate(rows)
        if number in strange
    ]
    fitting = [record for number, (record, _) in enumerate(rows) if number not in strange]
    return Converted(content if fitting else b"", fitting, failed)


def _failed(schema: Schema, record: Flowing, message: str, now: float) -> Failed:
    told: dict[str, Any] = {
        "sequenceNumber": record.place.sequence_number if record.place else record.id,
        "subSequenceNumber": 0,
        "dataCatalogTable": dict(schema.table),
    }
    return Failed("format-conversion-failed", record, _INVALID, message, 1, now, told)


def _value(number: int) -> str:
    """A column's value as it was given; a JSON null is none."""
    return f"nullif(CAST(json_extract(v, '/c{number}') AS VARCHAR), 'null')"


def _read(number: int, kind: Type) -> str:
    if kind == "VARCHAR":
        return f"json_extract_string(v, '/c{number}')"
    return f"TRY_CAST({_value(number)}::JSON AS {type_text(kind)})"


def _row(schema: Schema, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    members = {name.replace(".", "_") if schema.dots else name: one for name, one in value.items()}
    lower = {name.lower(): one for name, one in members.items()}
    row: dict[str, Any] = {}
    for number, (name, kind) in enumerate(schema.columns.items()):
        mapped = schema.members.get(name)
        found = lower.get(name) if mapped is None else value.get(mapped)
        row[f"c{number}"] = _fitted(found, kind)
    return row


def _fitted(value: Any, kind: Type) -> Any:
    """A value spelled so that the cast to its type reads it: names of members in lower case, times as text."""
    if value is None:
        return None
    if kind == "VARCHAR":
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    if kind == "TIMESTAMP" and isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None).isoformat(" ")
    if isinstance(kind, list) and isinstance(value, list):
        return [_fitted(one, kind[0]) for one in value]
    if isinstance(kind, dict) and isinstance(value, dict):
        if MAP in kind:
            return {name: _fitted(one, kind[MAP][1]) for name, one in value.items()}
        lower = {name.lower(): one for name, one in value.items()}
        return {name: _fitted(lower.get(name), inner) for name, inner in kind.items()}
    return value
