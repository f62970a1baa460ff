"""Tables for queries: Parquet files of several shapes as one relation, each column with one type. Pure SQL text.

Files of the same columns are read together; a column that a file lacks is NULL, and one of a narrower type is cast.
Values that only JSON can carry over (a struct that became text) go through JSON.
"""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kumoi.presto.column_types import Type, quoted, type_text
from kumoi.presto.database import files, text_literal


class Part(NamedTuple):
    """Files that have the same columns; `constants` are columns that have one value in all of them, as text."""

    paths: list[Path]
    columns: Mapping[str, Type]
    constants: Mapping[str, str | None] = {}


class Relation(NamedTuple):
    """A table: what it is made of, and its columns in order."""

    parts: list[Part]
    columns: Mapping[str, Type]

    @property
    def paths(self) -> list[Path]:
        """All of its files."""
        return [path for part in self.parts for path in part.paths]


def relation(table: Relation) -> str:
    """A table as a SELECT."""
    empty = ", ".join(f"NULL::{type_text(kind)} AS {quoted(name)}" for name, kind in table.columns.items())
    selects = [f"(SELECT {empty} WHERE false)"]
    for part in table.parts:
        columns = ", ".join(
            _constant(name, kind, part.constants[name])
            if name in part.constants
            else _column(name, kind, part.columns.get(name))
            for name, kind in table.columns.items()
        )
        selects.append(
            f"(SELECT {columns} FROM read_parquet({files(part.paths)}, hive_partitioning = false,"
            " union_by_name = false))"
        )
    return " UNION ALL ".join(selects)


def _constant(name: str, kind: Type, value: str | None) -> str:
    given = "NULL" if value is None else text_literal(value)
    return f"TRY_CAST({given} AS {type_text(kind)}) AS {quoted(name)}"


def _column(name: str, kind: Type, found: Type | None) -> str:
    if found is None:
        return f"NULL::{type_text(kind)} AS {quoted(name)}"
    if found == kind:
        return quoted(name)
    column = quoted(name)
    if kind == "VARCHAR" and isinstance(found, list | dict):
        return f"CAST(to_json({column}) AS VARCHAR) AS {column}"
    return f"CAST({column} AS {type_text(kind)}) AS {column}"
