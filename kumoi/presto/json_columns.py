"""JSON lines as typed columns, written to Parquet: what the rows of a data store become.

Types are inferred from all lines of a file, or declared; what does not fit a declared type is NULL, and attributes
without a declared column are dropped. Names of columns are lower-case; `Temp` and `temp` are one column.
"""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from kumoi.presto.column_types import MAP, Type, inferred, quoted, type_text, united
from kumoi.presto.database import text_literal

if TYPE_CHECKING:
    import duckdb

_LINE_LIMIT = 64 << 20


def load_lines(cursor: duckdb.DuckDBPyConnection, source: Path, table: str = "lines") -> None:
    """Make a temporary table with the column `json` of a file of JSON lines."""
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT json FROM read_json_objects({text_literal(str(source))},"
        f" format = 'newline_delimited', maximum_object_size = {_LINE_LIMIT})"
    )


def structure_of(cursor: duckdb.DuckDBPyConnection, table: str = "lines") -> dict[str, Any]:
    """What the objects of a table hold, as json_group_structure tells; empty when there are none."""
    found = cursor.execute(f"SELECT json_group_structure(json) FROM {table}").fetchone()
    structure = orjson.loads(found[0]) if found and found[0] else {}
    return structure if isinstance(structure, dict) else {}


def typed_columns(
    cursor: duckdb.DuckDBPyConnection, declared: Mapping[str, Type] | None, table: str = "lines"
) -> tuple[dict[str, Type], dict[str, str], str]:
    """The columns of a table of JSON: their types, for each the SQL that reads it, and from what."""
    structure = structure_of(cursor, table)
    spellings: dict[str, list[str]] = {}
    for name in structure:
        spellings.setdefault(name.lower(), []).append(name)
    types: dict[str, Type] = {}
    reads: dict[str, str] = {}
    plain: dict[str, Any] = {}
    for column in spellings if declared is None else declared:
        names = spellings.get(column, [])
        kind: Type = None if declared is None else declared[column]
        if kind is None:
            kind = inferred(structure[names[0]])
            for name in names[1:]:
                kind = united(kind, inferred(structure[name]))
            if kind == "BIGINT" and _overflows(cursor, table, names):
                kind = "DOUBLE"
        types[column] = kind
        if len(names) == 1 and not _ambiguous(structure[names[0]]):
            plain[names[0]] = _spelled(kind, structure[names[0]])
            reads[column] = f"CAST(s.{quoted(names[0])} AS {type_text(kind)})"
            continue
        parts = [_read(_member("json", name), structure[name], kind) for name in names]
        reads[column] = f"coalesce({', '.join(parts)})" if parts else _null(kind)
    shape = text_literal(orjson.dumps(plain).decode())
    rows = f"(SELECT json, json_transform(json, {shape}) AS s FROM {table})" if plain else table
    return types, reads, rows


def _null(kind: Type) -> str:
    return f"NULL::{type_text(kind)}"


def _member(json: str, name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    path = text_literal('$."' + escaped + '"')
    return f"({json}->{path})"


def _overflows(cursor: duckdb.DuckDBPyConnection, table: str, names: list[str]) -> bool:
    tests = " OR ".join(
        f"(json_type({member}) = 'UBIGINT' AND TRY_CAST({member} AS BIGINT) IS NULL)"
        for member in (_member("json", name) for name in names)
    )
    found = cursor.execute(f"SELECT bool_or({tests}) FROM {table}").fetchone()
    return bool(found and found[0])


def _read(json: str, raw: Type, kind: Type) -> str:
    """SQL that reads a value of a type from JSON; `raw` is how it is spelled there."""
    if isinstance(kind, dict) and isinstance(raw, dict) and MAP not in kind and _ambiguous(raw):
        members = []
        for name, inner in kind.items():
            parts = [_read(_member(json, spelled), raw[spelled], inner) for spelled in raw if spelled.lower() == name]
            members.append(f"{quoted(name)} := coalesce({', '.join([*parts, _null(inner)])})")
        return f"CASE WHEN json_type({json}) = 'OBJECT' THEN struct_pack({', '.join(members)}) END"
    structure = orjson.dumps(_spelled(kind, raw)).decode()
    return f"CAST(json_transform({json}, {text_literal(structure)}) AS {type_text(kind)})"


def _ambiguous(raw: Type) -> bool:
    """Whether members inside differ in case alone."""
    if not isinstance(raw, dict):
        return False
    return len({name.lower() for name in raw}) < len(raw) or any(map(_ambiguous, raw.values()))


def _spelled(kind: Type, raw: Type) -> Any:
    """A type in json_transform's notation, its members spelled as they are in the JSON."""
    if isinstance(kind, list):
        return [_spelled(kind[0], raw[0] if isinstance(raw, list) and raw else None)]
    if isinstance(kind, dict):
        if MAP in kind:
            return type_text(kind)
        spellings = {name.lower(): name for name in reversed(list(raw))} if isinstance(raw, dict) else {}
        members = {}
        for name, inner in kind.items():
            spelled = spellings.get(name, name)
            members[spelled] = _spelled(inner, raw[spelled] if spelled in spellings.values() else None)
        return members
    return type_text(kind)
