"""Runs executions in the background, so many at once, each with a folder of its own that is gone with it.

An execution that was under way when the platform ended is told as failed at the next start: whoever started it is not
known any more.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kumoi.doorway import ChargeKey, Doorway
from kumoi.presto.outputs import Output
from kumoi.services.athena import definitions, writing
from kumoi.services.athena.catalog import Catalog
from kumoi.services.athena.commands import (
    AlterTable,
    CreateAs,
    CreateDatabase,
    CreateTable,
    CreateView,
    Drop,
    Insert,
    Partitions,
    Repair,
    Show,
    Statement,
    Unload,
)  # fmt: skip
from kumoi.services.athena.commands import Query as Select
from kumoi.services.athena.errors import StatementFailed
from kumoi.services.athena.places import Asker, Location
from kumoi.services.athena.queries import Query, hive_name, presto_type
from kumoi.services.athena.records import Execution, Unfinished, executions, unfinished
from kumoi.state import State, Transaction, transactional

logger = logging.getLogger(__name__)

AT_ONCE = 2
MEGABYTE, LEAST_MB = 1 << 20, 10
_HEADINGS: Mapping[str, Sequence[str]] = {
    "DATABASES": ("database_name",),
    "TABLES": ("tab_name",),
    "VIEWS": ("views",),
    "PARTITIONS": ("partition",),
    "COLUMNS": ("field",),
    "DESCRIBE": ("col_name", "data_type", "comment"),
    "TBLPROPERTIES": ("prpt_name", "prpt_value"),
    "CREATE TABLE": ("createtab_stmt",),
}
_OVER = ("SUCCEEDED", "FAILED", "CANCELLED")


class Job(NamedTuple):
    """An execution to be run."""

    state: State
    execution: Execution
    statement: Statement
    asker: Asker


class Runner:
    """The executions under way; their files are below `root`."""

    def __init__(self, doorway: Doorway, root: Path) -> None:
        self._doorway = doorway
        self._root = root
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._queries: dict[str, Query] = {}
        self._accounts: dict[str, str] = {}
        self._closed = False
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def start(self, job: Job, account: str) -> None:
        """Begin an execution that is stored as QUEUED."""
        name = job.execution.id
        self._accounts[name] = account
        task = self._tasks[name] = asyncio.create_task(self._run(job))
        task.add_done_callback(lambda _: self._ended(name))

    async def cancel(self, execution_id: str) -> None:
        """Stop an execution; its end is stored before this returns."""
        task = self._tasks.get(execution_id)
        if task is not None:
            if execution_id in self._queries:
                self._queries[execution_id].interrupt()
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        """End with the platform: what runs is left unfinished, to be told as failed at the next start."""
        self._closed = True
        await self.stop()

    async def stop(self, account: str | None = None) -> None:
        """Stop what runs, of an account or of all."""
        for name in [name for name, owner in self._accounts.items() if account in (None, owner)]:
            await self.cancel(name)

    def _ended(self, name: str) -> None:
        self._tasks.pop(name, None)
        self._accounts.pop(name, None)

    async def _run(self, job: Job) -> None:
        name, folder = job.execution.id, self._root / job.execution.id
        now = self._doorway.clock.now
        try:
            async with self._slots:
                await _change(job.state, name, {"state": "RUNNING", "begun": now()})
                catalog = Catalog(job.asker, job.execution.database)
                query = self._queries[name] = Query(catalog, folder, now())
                done = await self._done(job, catalog, query, folder)
                self._charge(job, done)
                await _change(job.state, name, {**done, "state": "SUCCEEDED", "completed": now()})
        except StatementFailed as error:
            await _change(job.state, name, {"state": "FAILED", "completed": now(), "reason": str(error)})
        except asyncio.CancelledError:
            if not self._closed:
                told = {"state": "CANCELLED", "completed": now(), "reason": "Query cancelled by user"}
                await _change(job.state, name, told)
        except Exception as error:
            logger.exception("the query %s failed", name)
            said = f"INTERNAL_ERROR: Kumoi failed ({type(error).__name__}); its log has the details."
            await _change(job.state, name, {"state": "FAILED", "completed": now(), "reason": said})
        finally:
            self._queries.pop(name, None)
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, True))

    def _charge(self, job: Job, done: dict[str, Any]) -> None:
        """Note what a query has scanned: whole megabytes, ten at least; statements that define are free."""
        if "scanned" in done:
            key = ChargeKey(job.state.account, job.state.region, "", "athena", "athena", "Query")
            self._doorway.charges.add(key, scanned_MB=max(-(-done["scanned"] // MEGABYTE), LEAST_MB))

    async def _done(self, job: Job, catalog: Catalog, query: Query, folder: Path) -> dict[str, Any]:
        """Run a statement; what changes of its execution."""
        statement, name = job.statement, job.execution.id
        place = Location.of(job.execution.location)
        await asyncio.to_thread(folder.mkdir, mode=0o700)
        if isinstance(statement, Select):
            answer = await query.run(statement.sql, Output("csv"))
            (written,) = answer.files[0]
            key = place.key(f"{name}.csv")
            await job.asker.put(place.bucket, key, written.path)
            columns = tuple((one.name, presto_type(one.kind)) for one in answer.columns)
            return {"scanned": answer.scanned, "columns": columns, "header": True, "output": key}
        if isinstance(statement, CreateAs | Insert | Unload):
            done = await _written(catalog, query, statement, place)
            told: dict[str, Any] = {"scanned": done.scanned, "updated": done.rows}
            if done.objects is not None:
                told["manifest"] = place.key(f"{name}-manifest.csv")
                await _put_lines(job.asker, place.bucket, told["manifest"], done.objects, folder)
            return told
        key = place.key(f"{name}.txt")
        await _put_lines(job.asker, place.bucket, key, await _defined(catalog, query, statement), folder)
        return {"columns": tuple((column, "string") for column in _columns(statement)), "output": key}


async def _put_lines(asker: Asker, bucket: str, key: str, lines: Sequence[str], folder: Path) -> None:
    path = folder / "lines"
    await asyncio.to_thread(path.write_text, "".join(f"{line}\n" for line in lines))
    await asker.put(bucket, key, path)


async def _written(
    catalog: Catalog, query: Query, statement: CreateAs | Insert | Unload, place: Location
) -> writing.Done:
    if isinstance(statement, CreateAs):
        return await writing.create_as(catalog, query, statement, place)
    if isinstance(statement, Insert):
        return await writing.insert(catalog, query, statement)
    return await writing.unload(catalog, query, statement)


async def _defined(catalog: Catalog, query: Query, statement: Statement) -> definitions.Lines:
    """Run a statement about the catalog; the lines that it answers."""
    if isinstance(statement, Show):
        return await definitions.show(catalog, statement)
    if isinstance(statement, Repair):
        return await definitions.repair(catalog, statement)
    if isinstance(statement, CreateDatabase):
        await definitions.create_database(catalog, statement)
    elif isinstance(statement, CreateTable):
        await definitions.create_table(catalog, statement)
    elif isinstance(statement, AlterTable):
        await definitions.alter_table(catalog, statement)
    elif isinstance(statement, Drop):
        await definitions.drop(catalog, statement)
    elif isinstance(statement, Partitions):
        await definitions.change_partitions(catalog, statement)
    elif isinstance(statement, CreateView):
        empty = f"SELECT * FROM ({statement.sql}) LIMIT 0"  # noqa: S608  (a query of the client's)
        answer = await query.run(empty, Output("csv"))
        columns = [(one.name, presto_type(one.kind), hive_name(one.kind)) for one in answer.columns]
        await definitions.create_view(catalog, statement.place, statement.sql, columns, replace=statement.replace)
    else:
        raise StatementFailed("NOT_SUPPORTED: prepared statements are made with CreatePreparedStatement.")
    return []


def _columns(statement: Statement) -> Sequence[str]:
    """What the columns of the lines are called, as Hive names them."""
    return _HEADINGS.get(statement.what, ("result",)) if isinstance(statement, Show) else ("result",)


@transactional
async def _change(tx: Transaction, name: str, changes: dict[str, Any]) -> None:
    before = await executions.get(tx, name)
    if before is not None and before.state not in _OVER:
        await executions.put(tx, msgspec.structs.replace(before, **changes))
        if changes["state"] in _OVER:
            await unfinished.delete(tx, name)


async def fail_unfinished(state: State, now: float) -> None:
    """Tell what was under way when the platform ended as failed."""
    reason = "Kumoi was stopped while the query ran: start it again."
    for one in await _left(state.at("", "")):
        told = {"state": "FAILED", "completed": now, "reason": reason}
        await _change(state.at(one.account, one.region), one.id, told)


@transactional
async def _left(tx: Transaction) -> list[Unfinished]:
    return await unfinished.list(tx)
