"""The lake: append-only records in time order, for what is many and read by scanning.

Records go to a table's tail (a write-ahead file, and memory for recent reads), full tails are sealed to Parquet in
the background, in a quiet moment where that comes soon, and DuckDB queries both together, off the loop. Nothing that
was acknowledged is lost by a crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

from kumoi.lake.catalog import File
from kumoi.lake.choosing import Equals, View, batch_end, behind, bounded, edge, narrowed, within
from kumoi.lake.copying import Pin
from kumoi.lake.parquet import Engine, Query, Result, Sealed, Source, reaches, relation
from kumoi.lake.quiet import Quiet
from kumoi.lake.store import Store, dump
from kumoi.lake.table import Cursor, Kept, Record, Row, Selection, Table, place
from kumoi.lake.worker import Request, Task
from kumoi.lake.workers import Workers

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Rows that came in one after the other, up to `until` (a seq): sealed ones as a SELECT, or unsealed ones."""

    sealed: str | None
    recent: list[Row]
    until: int


class Lake:
    """The tables of one platform. Open it with `Lake.open`, inside a running event loop."""

    def __init__(self, root: Path, *, full: bool, ephemeral: bool) -> None:
        self._root = root
        self._full = full
        self._ephemeral = ephemeral
        self._scratch = root / "scratch"
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True, mode=0o700)
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="lake")
        self._engine = Engine(self._scratch, sync=not ephemeral)
        self._workers = Workers()
        self._stores: dict[str, Store] = {}
        self._quiet = Quiet(lambda: sum(store.next_seq for store in self._stores.values()), self._tidy_now)
        self._tidying: asyncio.Task[None] | None = None
        self._resting: asyncio.Task[None] | None = None
        self._closed = False
        self._put_aside = 0

    @classmethod
    async def open(
        cls,
        root: Path | None,
        *,
        durability: Literal["normal", "full"] = "normal",
        contents: Path | None = None,
    ) -> Lake:
        """Open the lake below `root` (made when missing); None keeps it in a temporary directory until `close`.

        `normal` outlives the death of the process, `full` also that of the machine. A temporary one begins with what
        the directory `contents` holds.
        """
        folder = Path(mkdtemp(prefix="kumoi-lake-")) if root is None else root
        if contents is not None:
            await asyncio.to_thread(shutil.copytree, contents, folder, dirs_exist_ok=True)
        return cls(folder, full=durability == "full", ephemeral=root is None)

    def define(self, table: Table) -> None:
        """Declare a table, and read its tail back; ValueError when it was declared already."""
        if table.name in self._stores:
            raise ValueError(f"the lake already has a table {table.name}")
        store = self._stores[table.name] = Store(
            table, self._root / table.name, self._engine, self._threads, full=self._full, wake=self._wake
        )
        if store.waits:
            self._wake()

    def write(self, table: str, records: Sequence[Record]) -> None:
        """Add records without waiting until they are durable: they are when this turn of the loop has ended.

        A record holds every column of the table, by name or as a tuple in the table's order; it is copied. ValueError
        when its columns are others.
        """
        self._stores[table].write(records)

    async def append(self, table: str, records: Sequence[Record]) -> int:
        """Add records; returns once they are durable. OSError when they could not be written (none is kept).

        Answers the seq of the first: the others have those that follow.
        """
        store = self._stores[table]
        first = store.write(records)
        await store.durable()
        return first

    async def scan(
        self,
        table: str,
        *,
        account: str | None,
        region: str | None,
        equals: Equals | None = None,
        contains: Mapping[str, Sequence[str]] | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 10_000,
        reverse: bool = False,
        after: Cursor | None = None,
    ) -> list[Row]:
        """The first `limit` rows in order of (time, seq), or reversed.

        Columns equal one of the values in `equals` and hold every text in `contains`; `start` <= time < `end` (epoch
        ms). `after` continues behind a row in the direction of the scan. Each row has its `seq`.
        """
        selection = narrowed(Selection.of(account, region, equals, start, end, contains), after, reverse)
        store = self._stores[table]
        recent = list(islice(store.tail(selection, after, reverse), limit))
        sealed = store.sealed(selection)
        if len(recent) == limit:
            sealed = [one for one in sealed if reaches(one.file, recent[-1]["time"], reverse)]
        if not sealed or not limit:
            return recent
        self._rest_later()
        with store:
            older = await asyncio.get_running_loop().run_in_executor(
                self._threads,
                lambda: self._engine.scan(store.table, selection, sealed, after=after, limit=limit, reverse=reverse),
            )
        return sorted(older + recent, key=place, reverse=reverse)[:limit]

    @contextlib.contextmanager
    def arrivals(
        self,
        table: str,
        *,
        account: str,
        region: str,
        equals: Equals,
        after: Cursor,
        end: int | None = None,
        rows: int,
        size: int,
    ) -> Iterator[Arrivals | None]:
        """The next rows behind a place, `rows` of them and `size` bytes of the measured column at most, or nearly.

        For tables in which `time` never goes back within a partition, and `equals` that name one. None when there are
        no more; a SELECT may find none and others may follow. Files stay in place while the block runs.
        """
        store = self._stores[table]
        selection = narrowed(Selection.of(account, region, equals, end=end), after, reverse=False)
        ahead = [one for one in store.sealed(selection) if one.file.last_seq > after.seq]
        if not ahead:
            recent = list(islice(bounded(store.tail(selection, after), store.table.measured, size), rows))
            yield Arrivals(None, recent, recent[-1]["seq"]) if recent else None
            return
        until = batch_end(sorted(ahead, key=lambda one: one.file.first_seq), after.seq, rows, size)
        chosen = [one for one in ahead if one.file.first_seq <= until]
        self._rest_later()
        with store:
            yield Arrivals(relation(store.table, chosen, behind(chosen, after, until, end)), [], until)

    async def query(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), *, views: Mapping[str, View]
    ) -> Result:
        """Run one SELECT in DuckDB over sealed rows and tail together; QueryFailed when it cannot be.

        Each name of `views` is a table to the statement, with `seq` beside the table's columns. The statement can
        open no file but those of the partitions selected, and nothing on the network. Cancelling interrupts it.
        """
        query, loop = Query(self._aside("spill")), asyncio.get_running_loop()
        with self._sources(views) as (sources, tails):

            def run() -> Result:
                _dump(tails)
                return query.run(sql, parameters, sources)

            running = loop.run_in_executor(self._threads, run)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                query.interrupt()
                await asyncio.wait([running])
                raise

    async def work(self, task: Task, *arguments: Any, views: Mapping[str, View]) -> bytes:
        """What `task(ask, *arguments)` answers in a process of its own, where `ask` runs SELECTs over `views`.

        For what users have written: it has limits, and cancelling ends it at once. QueryFailed when it fails.
        """
        loop, spill = asyncio.get_running_loop(), self._aside("spill")
        with self._sources(views) as (sources, tails):
            dumping = loop.run_in_executor(self._threads, _dump, tails)
            try:
                await asyncio.shield(dumping)
            except asyncio.CancelledError:
                await asyncio.wait([dumping])
                raise
            try:
                return await self._workers.run(Request(task, arguments, sources, spill))
            finally:  # a process that was killed has left what it had put aside
                await loop.run_in_executor(self._threads, lambda: shutil.rmtree(spill, ignore_errors=True))

    @contextlib.contextmanager
    def _sources(self, views: Mapping[str, View]) -> Iterator[tuple[dict[str, Source], list[tuple[Path, list[Kept]]]]]:
        """What views stand for, and the tails that are still to be written; files stay in place meanwhile."""
        sources: dict[str, Source] = {}
        tails: list[tuple[Path, list[Kept]]] = []
        with contextlib.ExitStack() as stack:
            for name, view in views.items():
                store = stack.enter_context(self._stores[view.table])
                selection = view.selection()
                rows = store.recent(selection)
                tail = None
                if rows:
                    tail = self._aside("tail")
                    tails.append((tail, rows))
                    stack.callback(tail.unlink, missing_ok=True)
                sealed = store.sealed(selection)
                if view.newest is not None:
                    sealed = edge(sealed, selection, view.newest, reverse=True)
                elif view.oldest is not None:
                    sealed = edge(sealed, selection, view.oldest, reverse=False)
                sources[name] = Source(store.table, selection, sealed, tail, view.derived)
            yield sources, tails

    def _aside(self, what: str) -> Path:
        """A path for what is put aside while a query runs, given out once."""
        self._put_aside += 1
        return self._scratch / f"{what}-{self._put_aside}"

    def partitions(self, table: str) -> list[Mapping[str, str]]:
        """The partitions of a table that hold rows, or did until they were deleted."""
        return self._stores[table].partitions()

    async def measure(self, view: View) -> tuple[int, int]:
        """How many rows a view has, and the bytes of their measured column; mostly known without reading any."""
        store = self._stores[view.table]
        selection = view.selection()
        recent = store.recent(selection)
        whole: list[File] = []
        partial: list[Sealed] = []
        for one in store.sealed(selection):
            if one.tombstones or not within(one.file, selection):
                partial.append(one)
            else:
                whole.append(one.file)

        def count() -> tuple[int, int]:
            rows, size = self._engine.count(store.table, selection, partial)
            column = store.table.measured
            size += sum(len((getattr(row, column) or "").encode()) for row in recent) if column else 0
            return (
                rows + len(recent) + sum(file.rows for file in whole),
                size + sum(file.size for file in whole),
            )

        with store:
            counted = await asyncio.get_running_loop().run_in_executor(self._threads, count)
        self._rest_later()
        return counted

    async def delete(
        self, table: str, *, account: str | None, region: str | None, equals: Equals | None = None
    ) -> None:
        """Delete what was written so far of the rows meant. Readers see it at once; files shrink when merged."""
        self._stores[table].delete(Selection.of(account, region, equals).equals, None)
        await self._stores[table].commit()

    async def retain(
        self, table: str, *, account: str | None, region: str | None, equals: Equals | None = None, before: int
    ) -> None:
        """Delete rows older than `before` (epoch ms) of the rows meant."""
        self._stores[table].delete(Selection.of(account, region, equals).equals, before)
        await self._stores[table].commit()

    async def reset(self, account: str | None = None) -> None:
        """Delete everything, or everything of one account."""
        for table in self._stores:
            await self.delete(table, account=account, region=None)

    def pin(self) -> list[Pin]:
        """Every table as it is now, to be copied while it goes on; release each."""
        return [store.pin() for store in self._stores.values()]

    async def tidy(self) -> None:
        """Return once nothing is left to seal or to merge."""
        self._tidy_now()
        if self._tidying is not None:
            await self._tidying

    async def close(self) -> None:
        """Have everything durable and close the files; an ephemeral lake's are removed."""
        self._closed = True
        self._quiet.cancel()
        if self._resting is not None:
            self._resting.cancel()
        if self._tidying is not None:
            await self._tidying
        await self._workers.close()
        for store in self._stores.values():
            await store.close()
        self._threads.shutdown()
        self._engine.rest(0)
        shutil.rmtree(self._root if self._ephemeral else self._scratch, ignore_errors=True)

    def _wake(self) -> None:
        """There is something to tidy: at once where much has gathered, else when it is quiet."""
        if any(store.presses for store in self._stores.values()):
            self._tidy_now()
        elif not self._closed:
            self._quiet.wait()

    def _tidy_now(self) -> None:
        self._quiet.cancel()
        if not self._closed and (self._tidying is None or self._tidying.done()):
            self._tidying = asyncio.create_task(self._tidy())

    async def _tidy(self) -> None:
        busy = True
        while busy and not self._closed:
            busy = False
            for store in self._stores.values():
                try:
                    busy = await store.tidy() or busy
                except Exception:
                    logger.exception("tidying %s failed; it will be tried again", store.table.name)
            if busy:
                self._rest_later()

    def _rest_later(self) -> None:
        """Have DuckDB's memory given back when nothing has been read or sealed for a while."""
        if self._resting is None or self._resting.done():
            self._resting = asyncio.create_task(self._rest())

    async def _rest(self) -> None:
        at_rest = False
        while not at_rest:
            await asyncio.sleep(_IDLE_SECONDS)
            at_rest = await asyncio.get_running_loop().run_in_executor(self._threads, self._engine.rest, _IDLE_SECONDS)


def _dump(tails: Sequence[tuple[Path, list[Kept]]]) -> None:
    for path, rows in tails:
        dump(rows, path)
