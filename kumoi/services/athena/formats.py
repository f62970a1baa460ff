"""How a table's files are read: its SerDe, as DuckDB SQL over one file. Pure.

Text is split into columns of text first, and cast after: what does not fit is NULL, as Hive's lazy SerDes have it.
Sources: "Choose a SerDe for your data" of the Athena user guide; Hive's language manual.
"""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kumoi.presto.column_types import Type, quoted, type_text
from kumoi.presto.database import text_literal
from kumoi.services.athena.errors import StatementFailed

LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
JSON = ("org.openx.data.jsonserde.JsonSerDe", "org.apache.hive.hcatalog.data.JsonSerDe")
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_HIVE = "org.apache.hadoop.hive.ql.io"
_MAPRED = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUT = f"{_HIVE}.HiveIgnoreKeyTextOutputFormat"

DESCRIPTORS: Mapping[str, tuple[str, str, str]] = {
    "TEXTFILE": (LAZY, _MAPRED, _TEXT_OUT),
    "JSON": (JSON[0], _MAPRED, _TEXT_OUT),
    "PARQUET": (PARQUET, f"{_HIVE}.parquet.MapredParquetInputFormat", f"{_HIVE}.parquet.MapredParquetOutputFormat"),
}
"""By STORED AS: SerDe, input format, output format, as Glue has them."""


class Reader(NamedTuple):
    """A table's SerDe: its kind and what it was told."""

    kind: str
    properties: Mapping[str, str]


def reader_of(descriptor: Mapping[str, Any], parameters: Mapping[str, str]) -> Reader:
    """The reader of a storage descriptor; StatementFailed for a SerDe that Kumoi lacks."""
    serde = descriptor.get("SerdeInfo") or {}
    name = serde.get("SerializationLibrary") or ""
    properties = {**parameters, **(serde.get("Parameters") or {})}
    if name in JSON or (not name and parameters.get("classification") == "json"):
        return Reader("json", properties)
    if name == PARQUET or "parquet" in (descriptor.get("InputFormat") or "").lower():
        return Reader("parquet", properties)
    if name == OPEN_CSV:
        return Reader("csv", {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\", **properties})
    if name in (LAZY, ""):
        return Reader("text", properties)
    raise StatementFailed(f"NOT_SUPPORTED: Kumoi's Athena reads no files of the SerDe {name}: see docs/athena.md.")


def select(reader: Reader, path: Path, columns: Mapping[str, Type], keys: Sequence[str] = ()) -> str:
    """A SELECT of a table's columns from a text file; `keys` are the members that a JSON file's objects have."""
    if reader.kind == "json":
        return _json(reader, path, columns, keys)
    names = [f"c{number}" for number in range(len(columns))]
    listed = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in names)
    told = reader.properties
    if reader.kind == "csv":
        delimiter, quote, escape = told["separatorChar"], told["quoteChar"], told["escapeChar"]
        null = ""
    else:
        delimiter, quote, escape = told.get("field.delim") or told.get("serialization.format") or "\x01", "", ""
        delimiter = "\x01" if delimiter == "1" else delimiter
        null = told.get("serialization.null.format", "\\N")
    options = [
        f"columns = {{{listed}}}",
        f"delim = {text_literal(_plain(delimiter))}",
        f"quote = {text_literal(quote)}",
        f"escape = {text_literal(quote if escape == chr(92) and quote else escape)}",
        "header = false",
        f"skip = {_header(told)}",
        "auto_detect = false",
        "null_padding = true",
        "strict_mode = false",
        "ignore_errors = true",
        f"nullstr = {text_literal(null or chr(0))}",
    ]
    chosen = ", ".join(
        f"{_cast(quoted(name), kind, told)} AS {quoted(column)}"
        for name, (column, kind) in zip(names, columns.items(), strict=True)
    )
    return f"SELECT {chosen} FROM read_csv({text_literal(str(path))}, {', '.join(options)})"


def _header(told: Mapping[str, str]) -> int:
    text = told.get("skip.header.line.count", "0")
    return int(text) if text.isdigit() and len(text) < 6 else 0


def _plain(delimiter: str) -> str:
    return {"\\t": "\t", "\\001": "\x01", "\\n": "\n"}.get(delimiter, delimiter)


def _cast(value: str, kind: Type, told: Mapping[str, str]) -> str:
    if kind == "VARCHAR":
        return value
    if isinstance(kind, list) and kind[0] in ("VARCHAR", "BIGINT", "INTEGER", "DOUBLE"):
        separator = text_literal(_plain(told.get("collection.delim") or "\x02"))
        return f"TRY_CAST(string_split({value}, {separator}) AS {type_text(kind)})"
    if isinstance(kind, list | dict):
        return f"TRY_CAST({value} AS {type_text(kind)})"
    return f"TRY_CAST(trim({value}) AS {type_text(kind)})"


def _json(reader: Reader, path: Path, columns: Mapping[str, Type], keys: Sequence[str]) -> str:
    spelled: dict[str, list[str]] = {}
    for key in sorted(keys):
        spelled.setdefault(key.lower(), []).append(key)
    chosen = []
    for column, kind in columns.items():
        mapped = reader.properties.get(f"mapping.{column}")
        names = [mapped] if mapped else spelled.get(column, [])
        found = [f"json_extract(json, {text_literal(_pointer(name))})" for name in names]
        value = f"coalesce({', '.join(found)})" if len(found) > 1 else (found or ["NULL::JSON"])[0]
        if kind == "VARCHAR":
            typed = (
                f"CASE json_type({value}) WHEN 'VARCHAR' THEN ({value})->>'$' WHEN 'NULL' THEN NULL "
                f"ELSE CAST({value} AS VARCHAR) END"
            )
        else:
            typed = f"TRY_CAST(nullif(CAST({value} AS VARCHAR), 'null')::JSON AS {type_text(kind)})"
        chosen.append(f"{typed} AS {quoted(column)}")
    return f"SELECT {', '.join(chosen)} FROM {lines(path)} WHERE json IS NOT NULL"


def lines(path: Path) -> str:
    """The objects of a file of JSON lines, as the column `json`."""
    return (
        f"read_json_objects({text_literal(str(path))}, format = 'newline_delimited', ignore_errors = true, "
        "maximum_object_size = 33554432)"
    )


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")
