"""DuckDB at work for the lake: sealing lines into Parquet, merging files, and reading them.

Everything here blocks and is called in threads. DuckDB is imported at the first use, so that a platform that never
seals or queries does not pay its memory. SQL written by others runs in a database of its own, which can read the
files it was given and nothing else.
"""

# ruff: noqa: S608  (names in the SQL are checked by Table, values are quoted by `literal`)

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kumoi.lake.catalog import File, Tombstone
from kumoi.lake.files import sync_file
from kumoi.lake.segment import Bounds
from kumoi.lake.table import Cursor, Row, Selection, Table, literal, place

if TYPE_CHECKING:
    import duckdb

_MEMORY = "512MB"
_LINE_LIMIT = 64 << 20


class QueryFailed(Exception):
    """A query was refused or went wrong; the text says why."""


class Result(NamedTuple):
    """What a query answered: the names of its columns, and its rows."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


class Sealed(NamedTuple):
    """A sealed file as a reader sees it: where it lies, and the tombstones to apply."""

    path: Path
    file: File
    tombstones: list[Tombstone]


class Source(NamedTuple):
    """What a name in a query stands for: selected rows of files, and of a file of JSON lines (the tail)."""

    table: Table
    selection: Selection
    sealed: list[Sealed]
    tail: Path | None


def columns(table: Table) -> str:
    """A table's columns, quoted, for a SELECT."""
    return ", ".join(f'"{name}"' for name in (*table.columns, "seq"))


def relation(table: Table, sealed: Iterable[Sealed], condition: str) -> str:
    """The live rows of sealed files as a SELECT; columns that older files lack are NULL."""
    untouched: list[Path] = []
    parts: list[str] = []
    for path, _, tombstones in sealed:
        if tombstones:
            dead = " OR ".join(stone.sql() for stone in tombstones)
            parts.append(f"SELECT * FROM {_read([path])} WHERE ({dead}) IS NOT TRUE")
        else:
            untouched.append(path)
    if untouched:
        parts.append(f"SELECT * FROM {_read(untouched)}")
    typed = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in (*table.columns.items(), ("seq", "BIGINT")))
    rows = " UNION ALL BY NAME ".join([f"(SELECT {typed} WHERE false)", *parts])
    return f"SELECT {columns(table)} FROM ({rows}) WHERE {condition}"


def _read(paths: Iterable[Path]) -> str:
    """Parquet files as a table; columns come from the files alone, folders are named for people."""
    listed = ", ".join(literal(str(path)) for path in paths)
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"


def lines(table: Table, path: Path) -> str:
    """The rows of a file of JSON lines as a SELECT."""
    typed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in (*table.columns.items(), ("seq", "BIGINT")))
    return (
        f"SELECT * FROM read_json({literal(str(path))}, columns = {{{typed}}}, format = 'newline_delimited', "
        f"maximum_object_size = {_LINE_LIMIT})"
    )


class Engine:
    """A private in-memory database for the lake's own statements; `spill` is where big sorts go.

    It is opened at the first use, works on one core, and is closed by `rest` when nobody has used it for a while.
    """

    def __init__(self, spill: Path, *, sync: bool) -> None:
        self._spill = spill
        self._sync = sync
        self._database: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()
        self._users = 0
        self._used = 0.0

    def seal(self, table: Table, source: Path, targets: Mapping[Path, Bounds]) -> None:
        """Write each partition of a file of JSON lines to a Parquet file of its own, in the table's order."""
        with self._cursor() as cursor:
            cursor.execute(f"CREATE OR REPLACE TEMP TABLE sealing AS {lines(table, source)}")
            for path, bounds in targets.items():
                condition = Selection.of(None, None, bounds.partition).sql()
                self._copy(cursor, f"SELECT {columns(table)} FROM sealing WHERE {condition}", path)

    def merge(self, table: Table, sealed: Sequence[Sealed], target: Path) -> Bounds | None:
        """Write the live rows of files of one partition to one file; None (and no file) when there are none."""
        with self._cursor() as cursor:
            self._copy(cursor, relation(table, sealed, "true"), target)
            found = cursor.execute(
                f'SELECT count(*), min(seq), max(seq), min("time"), max("time") FROM {_read([target])}'
            ).fetchone()
        if not found or not found[0]:
            target.unlink()
            return None
        return Bounds(sealed[0].file.partition, *found)

    def scan(
        self,
        table: Table,
        selection: Selection,
        sealed: Sequence[Sealed],
        *,
        after: Cursor | None,
        limit: int,
        reverse: bool,
    ) -> list[Row]:
        """The first `limit` rows that are meant; files are opened in order of time, and no more than it takes."""
        condition = selection.sql()
        if after is not None:
            condition += f' AND ("time", seq) {"<" if reverse else ">"} ({literal(after.time)}, {literal(after.seq)})'
        direction = "DESC" if reverse else "ASC"
        tail = f' ORDER BY "time" {direction}, seq {direction} LIMIT {literal(limit)}'
        names = (*table.columns, "seq")
        left = sorted(sealed, key=lambda one: -one.file.last_time if reverse else one.file.first_time)
        found: list[Row] = []
        step = 4
        with self._cursor() as cursor:
            while left:
                batch, left, step = left[:step], left[step:], step * 2
                rows = cursor.execute(relation(table, batch, condition) + tail).fetchall()
                found += [dict(zip(names, row, strict=True)) for row in rows]
                found.sort(key=place, reverse=reverse)
                del found[limit:]
                if len(found) == limit:
                    left = [one for one in left if reaches(one.file, found[-1]["time"], reverse)]
        return found

    def rest(self, idle: float) -> bool:
        """Give the database's memory back if it was not used for `idle` real seconds; whether it is closed now."""
        with self._lock:
            if self._database is not None and not self._users and time.monotonic() - self._used >= idle:
                self._database.close()
                self._database = None
            return self._database is None

    def _copy(self, cursor: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        cursor.execute(
            f'COPY ({select} ORDER BY "time", seq) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)'
        )
        if self._sync:
            sync_file(path)

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock:
            if self._database is None:
                self._database = _connect(self._spill, threads=1)
            self._users += 1
            cursor = self._database.cursor()
        try:
            yield cursor
        finally:
            cursor.close()
            with self._lock:
                self._users -= 1
                self._used = time.monotonic()


def reaches(file: File, time: int, reverse: bool) -> bool:
    """Whether a file may hold rows that come before (epoch ms) `time`, or at it, in the direction of a scan."""
    return file.last_time >= time if reverse else file.first_time <= time


class Query:
    """One statement written by others; `run` in a thread, `interrupt` from anywhere."""

    def __init__(self, spill: Path) -> None:
        self._spill = spill
        self._interrupted = False
        self._database: duckdb.DuckDBPyConnection | None = None

    def run(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any], sources: Mapping[str, Source]) -> Result:
        """Run a single SELECT over `sources`; QueryFailed with DuckDB's text when it cannot be."""
        import duckdb

        with contextlib.closing(_connect(self._spill, threads=os.cpu_count() or 1)) as database:
            self._database = database
            for number, (name, source) in enumerate(sources.items()):
                _define(database, name, source, number)
            granted = [literal(str(one.path)) for source in sources.values() for one in source.sealed]
            database.execute(f"SET allowed_paths = [{', '.join(granted)}]")
            for setting in ("enable_external_access = false", "lock_configuration = true"):
                database.execute(f"SET {setting}")
            try:
                statements = duckdb.extract_statements(sql)
                if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                    raise QueryFailed("A query of the lake is one SELECT statement.")
                if self._interrupted:
                    raise QueryFailed("The query was interrupted.")
                answer = database.execute(statements[0], parameters)
                return Result([column[0] for column in answer.description or ()], answer.fetchall())
            except duckdb.Error as error:
                raise QueryFailed(str(error)) from error
            finally:
                self._database = None

    def interrupt(self) -> None:
        """Have `run` end early, with QueryFailed."""
        self._interrupted = True
        if (database := self._database) is not None:
            database.interrupt()


def _define(database: duckdb.DuckDBPyConnection, name: str, source: Source, number: int) -> None:
    """Make `name` a view; rows of the tail are read now, while files can still be opened."""
    condition = source.selection.sql()
    parts = [relation(source.table, source.sealed, condition)]
    if source.tail is not None:
        database.execute(f"CREATE TEMP TABLE tail{number} AS {lines(source.table, source.tail)}")
        parts.append(f"SELECT {columns(source.table)} FROM tail{number} WHERE {condition}")
    quoted = name.replace('"', '""')
    database.execute(f'CREATE TEMP VIEW "{quoted}" AS {" UNION ALL ".join(parts)}')


def _connect(spill: Path, *, threads: int) -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": _MEMORY,
            "temp_directory": str(spill),
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
