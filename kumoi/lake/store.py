"""One table at rest and in motion: its catalog, its unsealed segments, and the changes between them.

All methods run on the event loop; what blocks is handed to threads by the coroutines here.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from msgspec.structs import asdict

from kumoi.lake.catalog import Catalog, Change, File
from kumoi.lake.copying import Pin
from kumoi.lake.parquet import Engine, Sealed, Written
from kumoi.lake.segment import Bounds, Segment, lines_of
from kumoi.lake.table import Cursor, Kept, Record, Row, Selection, Table, standing

logger = logging.getLogger(__name__)

T = TypeVar("T")

SEAL_ROWS = 16_384
SEAL_BYTES = 16 << 20
MOST_WAITING = 16 << 20
"""Bytes of full segments that may wait to be sealed: some ten thousand invocations with their log lines."""
_DUMPED = 256


class Store:
    """The rows of one table. `wake` is called when there is something to seal or to tidy."""

    def __init__(
        self, table: Table, folder: Path, engine: Engine, threads: Executor, *, full: bool, wake: Callable[[], None]
    ) -> None:
        self.table = table
        self.folder = folder
        self._engine = engine
        self._threads = threads
        self._full = full
        self._wake = wake
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.catalog = Catalog(folder)
        self._segments = self._load()
        self._lines: list[bytes] = []
        self._unwritten = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._unsynced: list[tuple[Segment, asyncio.Future[None]]] = []
        self._syncing: asyncio.Task[None] | None = None
        self._scheduled = False
        self._writing = False
        self._readers = 0
        self._doomed: list[Path] = []

    # Writing

    def write(self, records: Sequence[Record]) -> int:
        """Take records in; readers see them at once, the file has them when this turn of the loop ends.

        Answers the seq of the first: the others have those that follow.
        """
        first = self._segments[-1].next_seq
        if not records:
            return first
        self._lines.append(self._segments[-1].add(records))
        self._unwritten += len(records)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)
        return first

    def durable(self) -> asyncio.Future[None]:
        """Done once everything written so far is durable."""
        future = asyncio.get_running_loop().create_future()
        if self._lines:
            self._waiters.append(future)
        else:
            future.set_result(None)
        return future

    def flush(self) -> None:
        """Write what has come in, in one call of the system."""
        self._scheduled = False
        if not self._lines:
            return
        segment, count = self._segments[-1], self._unwritten
        content, self._lines, self._unwritten = b"".join(self._lines), [], 0
        waiters, self._waiters = self._waiters, []
        try:
            segment.write(content)
        except OSError as error:
            logger.error("%d records of %s could not be written: %s", count, self.table.name, error)
            segment.take_back(segment.next_seq - count)
            _settle(waiters, error)
            return
        if self._full and waiters:
            self._unsynced += [(segment, waiter) for waiter in waiters]
            if self._syncing is None:
                self._syncing = asyncio.create_task(self._sync())
        else:
            _settle(waiters)
        if segment.count >= SEAL_ROWS or segment.size >= SEAL_BYTES:
            self._rotate()
            self._wake()

    async def _sync(self) -> None:
        """Have the files on disk before acknowledging; what comes in meanwhile shares the next round."""
        try:
            while self._unsynced:
                batch, self._unsynced = self._unsynced, []
                waiters = [waiter for _, waiter in batch]
                try:
                    for segment in {segment for segment, _ in batch}:
                        await self._in_thread(os.fsync, segment.fd)
                    _settle(waiters)
                except OSError as error:
                    _settle(waiters, error)
        finally:
            self._syncing = None

    def _rotate(self) -> None:
        self._segments.append(Segment(self.table, self.folder, self._segments[-1].next_seq))

    @property
    def next_seq(self) -> int:
        """The seq of the next row."""
        return self._segments[-1].next_seq

    @property
    def waits(self) -> bool:
        """Whether segments are full and not sealed."""
        return len(self._segments) > 1

    @property
    def presses(self) -> bool:
        """Whether more waits to be sealed than may."""
        return sum(segment.size for segment in self._segments[:-1]) > MOST_WAITING

    # Reading

    def tail(self, selection: Selection, after: Cursor | None = None, reverse: bool = False) -> Iterator[Row]:
        """Unsealed rows in the table's order."""
        found = [segment.select(selection, after, reverse) for segment in self._segments]
        return map(asdict, found[0] if len(found) == 1 else heapq.merge(*found, key=standing, reverse=reverse))

    def recent(self, selection: Selection) -> list[Kept]:
        """Unsealed rows in no order, which over many partitions takes a fraction of the time."""
        return list(chain.from_iterable(run for segment in self._segments for run in segment.runs(selection)))

    def sealed(self, selection: Selection) -> list[Sealed]:
        """The files that may hold rows that are meant. Enter the store while they are read."""
        return [
            Sealed(self.folder / file.path, file, self.catalog.burying(file))
            for file in self.catalog.files.values()
            if selection.admits(file.partition) and selection.overlaps(file.first_time, file.last_time)
        ]

    def partitions(self) -> list[Mapping[str, str]]:
        """The partitions that rows were written to and are left in, as far as that is known without reading."""
        found = [file.partition for file in self.catalog.files.values()]
        found += [partition for segment in self._segments for partition in segment.partitions()]
        return list({tuple(partition.values()): partition for partition in found}.values())

    def __enter__(self) -> Store:
        """Keep files in place while they are read, also those that leave the catalog meanwhile."""
        self._readers += 1
        return self

    def __exit__(self, *_exception: object) -> None:
        self._readers -= 1
        self._unlink()

    def pin(self) -> Pin:
        """What the table consists of now: sealed files stay in place, and what is appended later does not count."""
        self.flush()
        self.__enter__()
        return Pin(
            self.folder,
            list(self.catalog.files),
            [self.catalog.path, *(segment.path for segment in self._segments)],
            lambda: self.__exit__(),
        )

    # Deleting

    def delete(self, equals: Mapping[str, frozenset[str]], before: int | None) -> None:
        """Delete the rows written so far that equal, and are older than `before` (epoch ms) if given."""
        self.flush()
        stone = self.catalog.new_tombstone(
            self._segments[-1].next_seq - 1, {column: sorted(values) for column, values in equals.items()}, before
        )
        files = self.catalog.files.values()
        if not any(map(stone.concerns, files)) and not any(segment.holds(stone) for segment in self._segments):
            return
        self.catalog.record(Change(bury=[stone]))
        for segment in self._segments:
            segment.remove([stone])
        self._begin_anew()
        self._sweep()
        self._wake()

    def _begin_anew(self) -> None:
        """Replace the tail when nothing of it is left, so that its tombstones are not needed either."""
        tail = self._segments[0]
        if len(self._segments) == 1 and tail.count and tail.empty and self._syncing is None:
            self._rotate()
            old = self._segments.pop(0)
            old.close()
            old.path.unlink()

    def _sweep(self) -> None:
        """Drop files of which nothing is left, and tombstones with nothing left to delete.

        Not while files are being written: what they hold of deleted rows is told by the tombstones alone.
        """
        if self._writing:
            return
        if covered := self.catalog.covered():
            self._record(Change(drop=covered))
        if spent := self.catalog.spent(self._segments[0].first_seq):
            self.catalog.record(Change(lift=spent))

    # Tidying

    async def tidy(self) -> bool:
        """Seal one full segment, or write files anew as one; False when there was nothing to do."""
        self._writing = True
        try:
            if self.waits:
                await self._seal(self._segments[0])
            elif files := self.catalog.to_rewrite():
                await self._rewrite(files)
            else:
                return False
            return True
        finally:
            self._writing = False
            self._sweep()

    async def _seal(self, segment: Segment) -> None:
        while self._syncing is not None:
            await asyncio.shield(self._syncing)
        clean = self.catalog.last_tombstone
        targets = {self._target(bounds.partition): bounds for bounds in segment.bounds()}
        written: dict[Path, Written] = {}
        if targets:
            rows = None if segment.complete else list(chain.from_iterable(segment.runs(Selection())))
            written = await self._in_thread(self._write_parquet, segment.path, rows, targets)
        added = [self._file(path, bounds, written[path], clean) for path, bounds in targets.items()]
        self._record(Change(added, sealed=segment.path.name))
        self._segments.remove(segment)
        await self._in_thread(self.catalog.sync)
        segment.close()
        segment.path.unlink()

    def _write_parquet(self, source: Path, rows: list[Kept] | None, targets: dict[Path, Bounds]) -> dict[Path, Written]:
        if rows is None:
            return self._engine.seal(self.table, source, targets)
        survivors = dump(rows, source.with_suffix(".live"))
        written = self._engine.seal(self.table, survivors, targets)
        survivors.unlink()
        return written

    async def _rewrite(self, files: list[File]) -> None:
        clean = self.catalog.last_tombstone
        target = self._target(files[0].partition)
        sources = [Sealed(self.folder / file.path, file, self.catalog.burying(file)) for file in files]
        with self:
            merged = await self._in_thread(self._engine.merge, self.table, sources, target)
        added = [] if merged is None else [self._file(target, *merged, clean)]
        self._record(Change(added, [file.path for file in files if file.path in self.catalog.files]))
        await self._in_thread(self.catalog.sync)

    def _record(self, change: Change) -> None:
        """Record a change that drops files, and remove them once nobody reads them."""
        self.catalog.record(change)
        self._doomed += [self.folder / path for path in change.drop]
        self._unlink()

    def _unlink(self) -> None:
        if not self._readers:
            for path in self._doomed:
                path.unlink(missing_ok=True)
            self._doomed = []

    def _target(self, partition: Mapping[str, str]) -> Path:
        folders = [f"{column}={_folder(partition[column])}" for column in self.table.partition]
        return self.folder.joinpath(*folders, self.catalog.new_name())

    def _file(self, path: Path, bounds: Bounds, written: Written, clean: int) -> File:
        name = str(path.relative_to(self.folder))
        return File(name, *bounds, clean=clean, derived=written.derived, size=written.size)

    # Coming and going

    def _load(self) -> list[Segment]:
        """The segments on disk; what a crash has left over is removed."""
        for path in self.folder.rglob("*.parquet"):
            if str(path.relative_to(self.folder)) not in self.catalog.files:
                path.unlink()
        stones = list(self.catalog.tombstones.values())
        segments = []
        for path in Segment.paths(self.folder):
            if self.catalog.is_sealed(path.name):
                path.unlink()
            else:
                segments.append(Segment.load(self.table, path, stones))
        last = max([self.catalog.last_seq, *(segment.next_seq - 1 for segment in segments)])
        if not segments or segments[-1].next_seq <= last:
            segments.append(Segment(self.table, self.folder, last + 1))
        return segments

    async def close(self) -> None:
        """Have everything durable and close the files."""
        self.flush()
        while self._syncing is not None:
            await asyncio.shield(self._syncing)
        for segment in self._segments:
            segment.close()
        self.catalog.close()

    async def commit(self) -> None:
        """Have deletions on disk, where acknowledging promises that."""
        if self._full:
            await self._in_thread(self.catalog.sync)

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)


def dump(rows: Sequence[Kept], path: Path) -> Path:
    """Write rows as JSON lines to `path`, a few at a time: other threads wait while rows become lines."""
    with path.open("wb") as out:
        out.writelines(lines_of(rows[at : at + _DUMPED]) for at in range(0, len(rows), _DUMPED))
    return path


def _folder(value: str) -> str:
    """A partition's value as the name of a folder: percent-encoded, and shortened where names would get too long."""
    name = quote(value, safe="")
    return name if len(name) <= 120 else f"{name[:100]}~{blake2b(value.encode(), digest_size=8).hexdigest()}"


def _settle(waiters: Sequence[asyncio.Future[None]], error: Exception | None = None) -> None:
    for waiter in waiters:
        if not waiter.done():
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
