"""A query run by DuckDB over one file: in threads, without any other file, the network, or a way to change that."""

from __future__ import annotations

import contextlib
import shutil
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from kumoi.presto.database import connect, seal
from kumoi.services.s3.select.dialect import Query
from kumoi.services.s3.select.errors import select_error
from kumoi.services.s3.select.expressions import Compiler
from kumoi.services.s3.select.output import writer
from kumoi.services.s3.select.serialization import Input, Output
from kumoi.services.s3.select.sources import Source, source
from kumoi.services.s3.select.values import Value, as_bool, as_text
from kumoi.wire.errors import AwsError

THREADS = 2
_ROWS = 500
"""Rows that are fetched at once."""
FRAME = 131_072
"""Bytes of records that one event holds, about."""


class Selection:
    """A query under way. Its methods block: they are for threads, one at a time. What is lost is closed.

    `directory` holds what the query needs besides the file, and goes with it. `closed` is called at its end.
    """

    def __init__(self, directory: Path, closed: Callable[[], None]) -> None:
        self._database = connect(directory / "spill", threads=THREADS)
        self._form = ""
        self._write: Callable[[Sequence[Any]], str] | None = None
        self.close = weakref.finalize(self, _closed, self._database, directory, closed)

    def start(
        self,
        query: Query,
        form: Input,
        output: Output,
        path: Path,
        now: float,
        groups: tuple[int, int] | None = None,
    ) -> None:
        """Begin; raises S3 Select's errors. `groups` are the bytes in which the row groups of Parquet begin."""
        self._form = form.form
        try:
            seal(self._database, [path])
            found = source(form, path, query.steps, self._database, groups)
            sql, self._write = compiled(query, found, output, now)
            self._database.execute(sql)
        except duckdb.Error as error:
            raise self._failure(error) from None

    def records(self) -> bytes | None:
        """The next frame of records; None at the end. Raises S3 Select's errors."""
        assert self._write is not None
        out: list[str] = []
        size = 0
        try:
            while size < FRAME:
                rows = self._database.fetchmany(_ROWS)
                if not rows:
                    break
                for row in rows:
                    text = self._write(row)
                    out.append(text)
                    size += len(text)
        except duckdb.Error as error:
            raise self._failure(error) from None
        return "".join(out).encode("utf-8", "replace") if out else None

    def _failure(self, error: duckdb.Error) -> AwsError:
        if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
            return select_error("CastFailed")
        if isinstance(error, duckdb.InvalidInputException | duckdb.IOException):
            text = str(error)
            if "unicode" in text.lower() or "utf-8" in text.lower():
                return select_error("InvalidTextEncoding")
            parsing = {"csv": "CSVParsingError", "parquet": "ParquetParsingError"}
            return select_error(parsing.get(self._form, "JSONParsingError"))
        return select_error("UnsupportedSqlOperation", str(error).partition("\n")[0])


def compiled(query: Query, found: Source, output: Output, now: float) -> tuple[str, Callable[[Sequence[Any]], str]]:
    """(the query in DuckDB's words, the function that writes its rows)."""
    moment = datetime.fromtimestamp(now, UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
    compiler = Compiler(found.columns, query.aliases, moment)
    selected: list[tuple[str, Value]] = []
    records = False
    for place, node in enumerate(query.selected, 1):
        if _is_star(node, query.aliases):
            if len(query.selected) > 1:
                raise select_error("UnsupportedSqlStructure", "* stands alone")
            selected += found.star
            records = len(found.star) == 1 and found.star[0][1].sql == "j"
            continue
        inner = node.this if isinstance(node, exp.Alias) else node
        selected.append((_named(node, compiler, place), compiler.value(inner)))
    if compiler.aggregates and any(not node.find(exp.Anonymous) for node in query.selected):
        raise select_error("UnsupportedSqlStructure", "aggregates stand among themselves")
    told = ", ".join(as_text(value) if value.kind == "time" else value.sql for _, value in selected)
    sql = f"SELECT {told} FROM {found.relation}"  # noqa: S608  (of our own making: nothing of the client's unread)
    if query.where is not None:
        before = compiler.aggregates
        sql += f" WHERE {as_bool(compiler.value(query.where))}"
        if compiler.aggregates > before:
            raise select_error("UnsupportedSqlStructure", "an aggregate in WHERE")
    if query.limit is not None:
        sql += f" LIMIT {query.limit}"
    return sql, writer(output, [name for name, _ in selected], [value.kind for _, value in selected], records=records)


def _is_star(node: exp.Expression, aliases: frozenset[str]) -> bool:
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
        return str(node.table).lower() in aliases
    return isinstance(node, exp.Star)


def _named(node: exp.Expression, compiler: Compiler, place: int) -> str:
    """The name of what is selected: its alias, the last name of a path, or its place."""
    if isinstance(node, exp.Alias):
        return str(node.alias)
    if isinstance(node, exp.Column | exp.Dot):
        last = compiler.path(node)[-1]
        return last[0] if isinstance(last, tuple) else f"_{place}"
    return f"_{place}"


def _closed(database: duckdb.DuckDBPyConnection, directory: Path, closed: Callable[[], None]) -> None:
    with contextlib.suppress(duckdb.Error):
        database.interrupt()
    database.close()
    shutil.rmtree(directory, ignore_errors=True)
    closed()
