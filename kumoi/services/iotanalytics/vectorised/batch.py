"""A batch of messages as the temporary table `read`, its columns, and what has to be known of its numbers."""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from kumoi.iot_sql import nodes
from kumoi.presto.column_types import Type, inferred, quoted
from kumoi.presto.database import text_literal
from kumoi.services.iotanalytics.shapes import Checked, Shape

if TYPE_CHECKING:
    import duckdb

EXACT = float(2**53)
"""Whole numbers below it are told apart by doubles."""
MOST_DECIMALS = 6
RESULT = "RESULT"
"""The type of what was computed: DOUBLE, or BIGINT where all values are whole."""
NUMBERS = ("BIGINT", "DOUBLE")
_LINE_LIMIT = 1 << 20
"""Bytes of a line: DuckDB takes twice as many for a buffer, whatever it reads."""
_SAMPLE = 1000


class NotVectorised(Exception):
    """These activities or messages have to pass one by one."""


class Column(NamedTuple):
    """An attribute: SQL for its value (NULL where a message lacks it), and its type."""

    sql: str
    kind: Type


def load(cursor: duckdb.DuckDBPyConnection, messages: Checked, path: Path | None) -> Batch:
    """Make the table `read` of messages that were checked against their shape; lines are in the file `path`."""
    shape = messages.shape
    if path is not None:
        rows = (
            f"SELECT * FROM read_json({text_literal(str(path))}, columns = {shape.columns()}, "
            f"format = 'newline_delimited', maximum_object_size = {_LINE_LIMIT})"
        )
    else:
        columns = ", ".join(f"s.{quoted(name)} AS {quoted(name)}" for name in shape.types)
        rows = (
            f"SELECT {columns} FROM (SELECT json_transform(payload, {shape.structure()}) AS s FROM ({messages.rows}))"
        )
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE read AS {rows}")
    found = cursor.execute(f"SELECT count(*), {shape.quotes()} FROM read").fetchone()
    if found != (messages.count, messages.quotes):  # a name comes twice in a message
        raise NotVectorised
    return Batch(cursor, shape)


class Batch:
    """The columns of `read`, and facts about them, each found once."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, shape: Shape) -> None:
        self._cursor = cursor
        self._most: dict[str, float] = {}
        self._attached = 0
        self._scales: dict[str, int | None] = {}
        self.columns = {name: Column(quoted(name), inferred(kind)) for name, kind in shape.types.items()}

    def any(self, condition: str) -> bool:
        """Whether a condition holds for a message."""
        found = self._cursor.execute(f"SELECT bool_or({condition}) FROM read").fetchone()
        return bool(found and found[0])

    def rows(self, selected: Sequence[str], kept: str, chunk: int) -> Iterator[list[tuple[Any, ...]]]:
        """The values of some SQL for the messages that fulfil a condition, in order, so many at a time."""
        found = self._cursor.execute(f"SELECT {', '.join(selected)} FROM read WHERE {kept}")
        while rows := found.fetchmany(chunk):
            yield rows

    def attached(self, values: Sequence[Any], kind: str, kept: str) -> Column:
        """A column of values, one for each message that fulfils a condition; the others leave the batch."""
        self._attached += 1
        name = f"= {self._attached}"
        while name in self.columns:
            name += " ="
        listed = f"SELECT unnest(from_json(?::VARCHAR, '[\"{kind}\"]')) AS {quoted(name)}"
        rows = f"(SELECT * FROM read WHERE {kept}) POSITIONAL JOIN ({listed})"
        self._cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE read AS SELECT * FROM {rows}", [orjson.dumps(values).decode()]
        )
        return Column(quoted(name), kind)

    def most(self, sql: str) -> float:
        """The largest absolute value of a number."""
        if sql not in self._most:
            found = self._cursor.execute(f"SELECT max(abs(CAST({sql} AS DOUBLE))) FROM read").fetchone()
            self._most[sql] = float(found[0] or 0.0) if found else 0.0
        return self._most[sql]

    def scale(self, sql: str) -> int | None:
        """How many decimals all values of a number have at most; None when they are too many."""
        if sql not in self._scales:
            least = self._least_scale(sql, f"read WHERE rowid < {_SAMPLE}", 0)
            self._scales[sql] = None if least is None else self._least_scale(sql, "read", least)
        return self._scales[sql]

    def _least_scale(self, sql: str, table: str, first: int) -> int | None:
        value = f"CAST({sql} AS DOUBLE)"
        for digits in range(first, MOST_DECIMALS + 1):
            test = f"bool_and(round({value} * 1e{digits}) / 1e{digits} = {value})"
            found = self._cursor.execute(f"SELECT {test} FROM {table}").fetchone()
            if found is None or found[0] is not False:
                return digits
        return None


def attribute(columns: dict[str, Column], node: nodes.Node) -> Column | None:
    """The column that a node names; None when no message has it."""
    path: list[str] = []
    while isinstance(node, nodes.Member):
        path.insert(0, node.name)
        node = node.of
    if not isinstance(node, nodes.Attribute):
        raise NotVectorised
    return inside(columns.get(node.name), path)


def inside(column: Column | None, path: list[str]) -> Column | None:
    """What is inside a struct; None when no message has it."""
    for name in path:
        if column is None:
            return None
        if not isinstance(column.kind, dict):
            raise NotVectorised
        column = Column(f"({column.sql}).{quoted(name)}", column.kind[name]) if name in column.kind else None
    return column
