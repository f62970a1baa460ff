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
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from kumoi.interruption import Interruption
from kumoi.lake.catalog import File, Tombstone
from kumoi.lake.files import sync_file
from kumoi.lake.segment import Bounds
from kumoi.lake.table import Cursor, Derived, Row, Selection, Table, literal, place

if TYPE_CHECKING:
    import duckdb

_MEMORY = "512MB"
_SAMPLE = 500
_RARE = 10
_LONGEST_POINTER = 120
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
    """What a name in a query stands for: selected rows of files, and of a file of JSON lines (the tail).

    `derived` are columns beside the table's own, by the names that the query knows them by.
    """

    table: Table
    selection: Selection
    sealed: list[Sealed]
    tail: Path | None
    derived: Mapping[str, Derived] = {}


class Written(NamedTuple):
    """What was written to a file: the derived columns it holds, and the bytes of the measured one."""

    derived: tuple[str, ...]
    size: int


def columns(table: Table, derived: Iterable[str] = ()) -> str:
    """A table's columns, quoted, for a SELECT, and derived ones behind them."""
    return ", ".join(map(quoted, (*table.columns, "seq", *derived)))


def relation(
    table: Table, sealed: Iterable[Sealed], condition: str, derived: Mapping[str, Derived] | None = None
) -> str:
    """The live rows of sealed files as a SELECT; columns that older files lack are NULL.

    Derived columns (by the names they get) are read where files hold them, else worked out.
    """
    wanted = derived or {}
    untouched: dict[tuple[str, ...], list[Path]] = {}
    parts: list[str] = []
    for path, file, tombstones in sealed:
        held = tuple(one.name for one in wanted.values() if one.name in file.derived)
        if tombstones:
            dead = " OR ".join(stone.sql() for stone in tombstones)
            rows = f"SELECT * FROM {_read([path])} WHERE ({dead}) IS NOT TRUE"
            parts.append(_deriving_sealed(table, rows, wanted, held))
        else:
            untouched.setdefault(held, []).append(path)
    parts += [
        _deriving_sealed(table, f"SELECT * FROM {_read(paths)}", wanted, held) for held, paths in untouched.items()
    ]
    nothing = _nothing([*table.columns.items(), ("seq", "BIGINT"), *((name, one.kind) for name, one in wanted.items())])
    rows = " UNION ALL BY NAME ".join([nothing, *parts])
    return f"SELECT {columns(table, wanted)} FROM ({rows}) WHERE {condition}"


def _deriving_sealed(table: Table, rows: str, wanted: Mapping[str, Derived], held: Sequence[str]) -> str:
    """Rows of files with derived columns: what these are worked out of may be columns that older files lack."""
    if any(one.name not in held for one in wanted.values()):
        rows = f"{_nothing(table.columns.items())} UNION ALL BY NAME {rows}"
    return deriving(table, rows, wanted, held)


def _nothing(kinds: Iterable[tuple[str, str]]) -> str:
    """A SELECT of no rows, with columns of these names and types."""
    return f"(SELECT {', '.join(f'NULL::{kind} AS {quoted(name)}' for name, kind in kinds)} WHERE false)"


def deriving(table: Table, rows: str, wanted: Mapping[str, Derived], held: Sequence[str] = ()) -> str:
    """Rows with derived columns beside their own; those in `held` they have already, by the column's own name."""
    if not wanted:
        return rows
    added = ", ".join(
        f"{quoted(one.name) if one.name in held else one.sql} AS {quoted(name)}" for name, one in wanted.items()
    )
    if table.document is not None and any("document" in one.sql for one in wanted.values() if one.name not in held):
        rows = f"SELECT *, {table.document} AS document FROM ({rows})"
    return f"SELECT COLUMNS('^[a-z][a-z0-9_]*$'), {added} FROM ({rows})"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


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

    def seal(self, table: Table, source: Path, targets: Mapping[Path, Bounds]) -> dict[Path, Written]:
        """Write each partition of a file of JSON lines to a Parquet file of its own, in the table's order.

        Lines are read into a table first where they are needed more than once.
        """
        written: dict[Path, Written] = {}
        once = len(targets) == 1 and table.document is None and table.measured is None
        with self._cursor() as cursor:
            if not once:
                cursor.execute(f"CREATE OR REPLACE TEMP TABLE sealing AS {lines(table, source)}")
            for path, bounds in targets.items():
                condition = Selection.of(None, None, bounds.partition).sql()
                read = f"({lines(table, source)})" if once else "sealing"
                rows = f"SELECT {columns(table)} FROM {read} WHERE {condition}"
                names = [*(one.name for one in table.derived), *_frequent(cursor, table, rows)]
                self._copy(cursor, table, deriving(table, rows, table.derive(names)), names, path)
                written[path] = Written(tuple(names), _size(cursor, table, rows))
        return written

    def merge(self, table: Table, sealed: Sequence[Sealed], target: Path) -> tuple[Bounds, Written] | None:
        """Write the live rows of files of one partition to one file; None (and no file) when there are none."""
        held = Counter(name for one in sealed for name in one.file.derived)
        names = [one.name for one in table.derived]
        names += distinct(name for name, _ in held.most_common() if name not in names)[: table.promoted]
        with self._cursor() as cursor:
            self._copy(cursor, table, relation(table, sealed, "true", table.derive(names)), names, target)
            found = cursor.execute(
                f'SELECT count(*), min(seq), max(seq), min("time"), max("time") FROM {_read([target])}'
            ).fetchone()
            size = _size(cursor, table, f"SELECT * FROM {_read([target])}")
        if not found or not found[0]:
            target.unlink()
            return None
        return Bounds(sealed[0].file.partition, *found), Written(tuple(names), size)

    def count(self, table: Table, selection: Selection, sealed: Sequence[Sealed]) -> tuple[int, int]:
        """How many rows are meant, and the bytes of their measured column."""
        if not sealed:
            return 0, 0
        rows = relation(table, sealed, selection.sql())
        with self._cursor() as cursor:
            found = cursor.execute(f"SELECT count(*) FROM ({rows})").fetchone()
            return (found[0] if found else 0), _size(cursor, table, rows)

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

    def _copy(
        self, cursor: duckdb.DuckDBPyConnection, table: Table, select: str, derived: Sequence[str], path: Path
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        ordered = f'SELECT {columns(table, derived)} FROM ({select}) ORDER BY "time", seq'
        packing = f"COMPRESSION {table.compression}"
        if table.level is not None:
            packing += f", COMPRESSION_LEVEL {table.level}"
        cursor.execute(f"COPY ({ordered}) TO {literal(str(path))} (FORMAT parquet, {packing})")
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


def _frequent(cursor: duckdb.DuckDBPyConnection, table: Table, rows: str) -> list[str]:
    """JSON pointers to the values that a good part of some rows' documents have, the most frequent first."""
    if table.document is None or not table.promoted:
        return []
    sample = cursor.execute(
        f"SELECT document::VARCHAR FROM (SELECT {table.document} AS document FROM ({rows} ORDER BY hash(seq) "
        f"LIMIT {_SAMPLE})) WHERE document IS NOT NULL"
    ).fetchall()
    found: Counter[str] = Counter()
    for (document,) in sample:
        with contextlib.suppress(orjson.JSONDecodeError):
            found.update(_scalars(orjson.loads(document), "", 3))
    return distinct(name for name, count in found.most_common() if count * _RARE >= len(sample))[: table.promoted]


def distinct(names: Iterable[str]) -> list[str]:
    """The names that differ in more than their case, as columns must; of others the first."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.lower(), name)
    return list(found.values())


def _scalars(value: Any, pointer: str, depth: int) -> Iterator[str]:
    if isinstance(value, dict) and depth:
        for key, inner in value.items():
            yield from _scalars(inner, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", depth - 1)
    elif pointer and not isinstance(value, dict | list) and len(pointer) <= _LONGEST_POINTER and "\0" not in pointer:
        yield pointer


def _size(cursor: duckdb.DuckDBPyConnection, table: Table, rows: str) -> int:
    """The bytes of the measured column."""
    if table.measured is None:
        return 0
    found = cursor.execute(f"SELECT sum(strlen({quoted(table.measured)})) FROM ({rows})").fetchone()
    return int(found[0] or 0) if found else 0


def reaches(file: File, time: int, reverse: bool) -> bool:
    """Whether a file may hold rows that come before (epoch ms) `time`, or at it, in the direction of a scan."""
    return file.last_time >= time if reverse else file.first_time <= time


class Query:
    """One statement written by others; `run` in a thread, `interrupt` from anywhere."""

    def __init__(self, spill: Path) -> None:
        self._spill = spill
        self._interruption = Interruption()

    def run(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any], sources: Mapping[str, Source]) -> Result:
        """Run a single SELECT over `sources`; QueryFailed with DuckDB's text when it cannot be."""
        import duckdb

        try:
            with (
                contextlib.closing(_connect(self._spill, threads=os.cpu_count() or 1)) as database,
                self._interruption.reaches(database),
            ):
                for number, (name, source) in enumerate(sources.items()):
                    _define(database, name, source, number)
                granted = [literal(str(one.path)) for source in sources.values() for one in source.sealed]
                database.execute(f"SET allowed_paths = [{', '.join(granted)}]")
                for setting in ("enable_external_access = false", "lock_configuration = true"):
                    database.execute(f"SET {setting}")
                statements = duckdb.extract_statements(sql)
                if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                    raise QueryFailed("A query of the lake is one SELECT statement.")
                if self._interruption.asked:
                    raise QueryFailed("The query was interrupted.")
                answer = database.execute(statements[0], parameters)
                return Result([column[0] for column in answer.description or ()], answer.fetchall())
        except duckdb.Error as error:
            raise QueryFailed(str(error)) from error

    def interrupt(self) -> None:
        """Have `run` end early, with QueryFailed."""
        self._interruption.ask()


def _define(database: duckdb.DuckDBPyConnection, name: str, source: Source, number: int) -> None:
    """Make `name` a view; rows of the tail are read now, while files can still be opened."""
    table, derived = source.table, source.derived
    condition = source.selection.sql()
    parts = [relation(table, source.sealed, condition, derived)]
    if source.tail is not None:
        database.execute(f"CREATE TEMP TABLE tail{number} AS {lines(table, source.tail)}")
        rows = deriving(table, f"SELECT * FROM tail{number} WHERE {condition}", derived)
        parts.append(f"SELECT {columns(table, derived)} FROM ({rows})")
    database.execute(f"CREATE TEMP VIEW {quoted(name)} AS {' UNION ALL '.join(parts)}")


def _connect(spill: Path, *, threads: int) -> duckdb.DuckDBPyConnection:
    import duckdb

    database = duckdb.connect(
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
    database.execute("SET enable_progress_bar = false")
    return database
