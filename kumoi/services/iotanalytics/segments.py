"""The rows of data stores: Parquet files, listed by records in state.

A file that no record lists does not exist: it was being written when the process ended, or what it held has been
merged. So a batch of a pipeline becomes visible, and its messages count as read, in one transaction.
"""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from kumoi.names import uuid
from kumoi.presto.column_types import Type, hive_type, quoted, united_columns
from kumoi.presto.database import Database, text_literal
from kumoi.presto.json_columns import load_lines, typed_columns
from kumoi.presto.outputs import NULL_KEY
from kumoi.presto.tables import Part, Relation, relation
from kumoi.services.iotanalytics.arrivals import Messages, of_sealed, payloads_of
from kumoi.services.iotanalytics.chain import Activity
from kumoi.services.iotanalytics.partitions import partition_columns
from kumoi.services.iotanalytics.records import DatastoreRecord, Segment
from kumoi.services.iotanalytics.shapes import Checked, Lines, Shape, Shapeless, first, halves, quotes_in, shape_of
from kumoi.services.iotanalytics.vectorised import Batch, NotVectorised, Outcome, Statement, as_declared, load, may_be

T = TypeVar("T")

DT = "__dt"
SMALL = 16
"""So many files of one day and partition are merged into one."""
LARGE_ROWS = 1_000_000
"""Files with as many rows stay as they are."""
MOST_SHAPES = 10_000
FIRST = 1_000
"""Messages that mostly tell the shape of all: finding it takes ten times as long as checking it."""


class SegmentFiles:
    """The files below `root`, and the threads that read and write them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.scratch = root / "scratch"
        self.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self.scratch.iterdir():
            left.unlink()
        self._database = Database(self.scratch)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="iotanalytics")
        self._shapes: dict[str, Shape] = {}
        self._readers = 0
        self._doomed: list[Path] = []

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Run what blocks in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def sealed(self, arrivals: str) -> tuple[list[Messages], int]:
        """Sealed messages of a channel, by day, and the time of the last; blocks."""
        with self._database.cursor() as cursor:
            return of_sealed(cursor, arrivals)

    def payloads(self, messages: Messages) -> list[bytes]:
        """Messages one by one; blocks."""
        with self._database.cursor() as cursor:
            return payloads_of(cursor, messages)

    def write(
        self, store: DatastoreRecord, lines: Lines, day: str, source: tuple[str, str, int, int], now: float
    ) -> list[Segment]:
        """Write rows (JSON objects) as files, one for each partition; blocks."""
        import duckdb

        with self._database.cursor() as cursor:
            try:
                batch = self._load(cursor, self._checked(lines, f"{source[0]}/out"))
                outcome = Statement(cursor, batch).run([], _stamp(day))
                if (declared := declared_columns(store)) is not None:
                    outcome = as_declared(outcome, declared, DT)
            except (Shapeless, NotVectorised, duckdb.Error):
                outcome = self._inferred(cursor, store, lines, day)
            return self._copies(cursor, store, day, outcome, source, now)

    def _inferred(self, cursor: Any, store: DatastoreRecord, lines: Lines, day: str) -> Outcome:
        """Rows of any shape: their types are found in all of them."""
        with self._scratch(lines.text) as path:
            load_lines(cursor, path)
        types, reads, rows = typed_columns(cursor, declared_columns(store))
        select = ", ".join(f"{read} AS {quoted(name)}" for name, read in reads.items() if name != DT)
        types.pop(DT, None)
        return Outcome(f"SELECT {f'{select}, ' if select else ''}{_stamp(day)} FROM {rows}", lines.count, types, [])

    def store(
        self, store: DatastoreRecord, lines: Lines, day: str, source: tuple[str, str, int, int], now: float
    ) -> tuple[list[Segment], list[tuple[bytes, str]]]:
        """Write rows, and tell which cannot be, with the reason: those are found by halving; blocks."""
        import duckdb

        try:
            return self.write(store, lines, day, source, now), []
        except (duckdb.DataError, duckdb.ProgrammingError, duckdb.NotSupportedError) as error:
            reason = str(error).partition("\n")[0]
        if lines.count == 1:
            return [], [(lines.text.rstrip(b"\n"), f"The message cannot be stored: {reason}")]
        first, second = halves(lines)
        made, refused = self.store(store, first, day, source, now)
        more, others = self.store(store, second, day, source, now)
        return made + more, refused + others

    def transform(
        self,
        store: DatastoreRecord,
        activities: Sequence[Activity],
        messages: Lines | Checked,
        day: str,
        source: tuple[str, str, int, int],
        now: float,
    ) -> tuple[list[Segment], list[str]]:
        """Write what activities make of messages, in one statement, and tell what went wrong; blocks.

        NotVectorised when the messages have to pass one by one.
        """
        import duckdb

        if activities and not may_be(activities):
            raise NotVectorised
        with self._database.cursor() as cursor:
            try:
                checked = self._checked(messages, f"{source[0]}/in") if isinstance(messages, Lines) else messages
                outcome = Statement(cursor, self._load(cursor, checked)).run(activities, _stamp(day))
                if (declared := declared_columns(store)) is not None:
                    outcome = as_declared(outcome, declared, DT)
                made = self._copies(cursor, store, day, outcome, source, now) if outcome.count else []
            except (duckdb.Error, Shapeless) as error:
                raise NotVectorised from error
            return made, outcome.wrong

    def _checked(self, lines: Lines, stream: str) -> Checked:
        """Lines with the shape that they have. Shapeless when they have none; that of a stream is remembered."""
        shape = self._shapes.get(stream)
        try:
            if shape is None:
                raise Shapeless
            shape.check(lines)
        except Shapeless:
            shape = _shape(lines, shape)
            if len(self._shapes) >= MOST_SHAPES:
                self._shapes.clear()
            self._shapes[stream] = shape
        return Checked(lines, shape, lines.count, quotes_in(lines.text))

    def _load(self, cursor: Any, messages: Checked) -> Batch:
        if isinstance(messages.rows, str):
            return load(cursor, messages, None)
        with self._scratch(messages.rows.text) as path:
            return load(cursor, messages, path)

    @contextlib.contextmanager
    def _scratch(self, text: bytes) -> Iterator[Path]:
        path = self.scratch / f"{uuid()}.ndjson"
        path.write_bytes(text)
        try:
            yield path
        finally:
            path.unlink()

    def _copies(
        self,
        cursor: Any,
        store: DatastoreRecord,
        day: str,
        outcome: Outcome,
        source: tuple[str, str, int, int],
        now: float,
    ) -> list[Segment]:
        kind = "TABLE" if partition_columns(store.partitions, outcome.types) else "VIEW"
        cursor.execute(f"CREATE OR REPLACE TEMP {kind} typed AS {outcome.rows}")
        return [
            self._copy(cursor, store, condition, day, partition, outcome.types, source, now)
            for partition, condition in self._partitions(cursor, store, outcome.types)
        ]

    def merge(self, store: DatastoreRecord, merged: Sequence[Segment], now: float) -> Segment:
        """Write the rows of files of one day and partition to one file; blocks."""
        merged = sorted(merged, key=lambda one: (one.created, one.source[2:], one.id))
        first = merged[0]
        columns = united_columns([one.columns for one in merged])
        with self._database.cursor() as cursor:
            rows = relation(self.relation(merged, columns))
            cursor.execute(f"CREATE OR REPLACE TEMP VIEW typed AS {rows}")
            return self._copy(cursor, store, "true", first.day, first.partition, columns, first.source, now)

    def relation(self, listed: Sequence[Segment], columns: Mapping[str, Type]) -> Relation:
        """The rows of segments as a table for queries."""
        parts: dict[str, Part] = {}
        for one in listed:
            part = parts.setdefault(repr(one.columns), Part([], {**one.columns, DT: "TIMESTAMP"}))
            part.paths.append(self.root / one.path)
        return Relation(list(parts.values()), {**columns, DT: "TIMESTAMP"})

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Keep files in place while they are read, also those that are no longer listed."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1
            self._unlink()

    async def remove(self, dropped: Sequence[Segment]) -> None:
        """Remove files that are no longer listed, once nobody reads them."""
        self._doomed += [self.root / one.path for one in dropped]
        self._unlink()

    def sweep(self, listed: Sequence[Segment]) -> None:
        """Remove files that no record lists; blocks."""
        known = {one.path for one in listed}
        for path in self.root.rglob("*.parquet"):
            if str(path.relative_to(self.root)) not in known:
                path.unlink()

    def close(self) -> None:
        """Let what is under way end."""
        self._threads.shutdown()
        self._database.close()

    def _unlink(self) -> None:
        if not self._readers:
            for path in self._doomed:
                path.unlink(missing_ok=True)
            self._doomed = []

    def _partitions(
        self, cursor: Any, store: DatastoreRecord, types: Mapping[str, Type]
    ) -> list[tuple[dict[str, str], str]]:
        columns = partition_columns(store.partitions, types)
        if not columns:
            return [({}, "true")]
        values = ", ".join(columns.values())
        found = []
        for row in cursor.execute(f"SELECT DISTINCT {values} FROM typed").fetchall():
            tests = [
                f"{column} IS NULL" if value is None else f"{column} = {text_literal(value)}"
                for column, value in zip(columns.values(), row, strict=True)
            ]
            named = {name: value or NULL_KEY for name, value in zip(columns, row, strict=True)}
            found.append((named, " AND ".join(tests)))
        return found

    def _copy(
        self,
        cursor: Any,
        store: DatastoreRecord,
        condition: str,
        day: str,
        partition: dict[str, str],
        columns: dict[str, Type],
        source: tuple[str, str, int, int],
        now: float,
    ) -> Segment:
        name = uuid()
        path = self.root / store.id / f"{DT}={day}" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        (rows,) = cursor.execute(
            f"COPY (SELECT * FROM typed WHERE {condition}) TO {text_literal(str(path))}"
            " (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
        _sync(path)
        return Segment(
            datastore_id=store.id,
            id=name,
            path=str(path.relative_to(self.root)),
            day=day,
            partition=partition,
            columns=columns,
            rows=rows,
            size=path.stat().st_size,
            created=now,
            source=source,
        )


def declared_columns(store: DatastoreRecord) -> dict[str, Type] | None:
    """The columns of a Parquet data store; None where they are inferred."""
    parquet = store.format.get("parquetConfiguration")
    if parquet is None or "schemaDefinition" not in parquet:
        return None
    return {one["name"].lower(): hive_type(one["type"]) for one in parquet["schemaDefinition"].get("columns", [])}


def _shape(lines: Lines, known: Shape | None) -> Shape:
    """The shape of messages that are of none that is known: of the first, of all so far, or of these alone."""
    for some, before in ((first(lines, FIRST), known), (lines, known)):
        with contextlib.suppress(Shapeless):
            shape = shape_of(some, before)
            shape.check(lines)
            return shape
    shape = shape_of(lines)
    shape.check(lines)
    return shape


def _stamp(day: str) -> str:
    return f"TIMESTAMP {text_literal(day)} AS {quoted(DT)}"


def to_merge(listed: Sequence[Segment]) -> list[Segment]:
    """Files of one day and partition that are to become one; empty when the store is tidy."""
    groups: dict[tuple[Any, ...], list[Segment]] = {}
    for one in listed:
        if one.rows < LARGE_ROWS:
            tier = len(str(one.rows // SMALL)) if one.rows >= SMALL else 0
            group = groups.setdefault((one.day, tier, *one.partition.items()), [])
            group.append(one)
            if len(group) == SMALL:
                return group
    return []


def _sync(path: Path) -> None:
    for target in (path, path.parent):
        fd = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
