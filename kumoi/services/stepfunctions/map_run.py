"""One map run under way: its children, so many at once, and what they come to.

The children are worked out and stored once; each has its row, and few are in memory at a time. A child is an execution
of its own, named by the run and its place, so that after a crash those that ended are read and those that were under
way are taken up, none begun twice. Failures beyond what is tolerated end the run and abort what still runs.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kumoi.doorway import Doorway, Principal
from kumoi.services.stepfunctions import item_files
from kumoi.services.stepfunctions.driver import Driver
from kumoi.services.stepfunctions.engine import Engine
from kumoi.services.stepfunctions.integrations.task import key_of
from kumoi.services.stepfunctions.item_sources import ItemSource
from kumoi.services.stepfunctions.language.definition import State, compile_machine
from kumoi.services.stepfunctions.language.errors import (
    RESULT_WRITER_FAILED,
    TOLERATED,
    StateError,
)
from kumoi.services.stepfunctions.language.json_text import MAX_BYTES, dumps, loads, too_large
from kumoi.services.stepfunctions.map_records import (
    CHUNK,
    MapChild,
    MapRunRecord,
    Tally,
    change_run,
    children_after,
    children_of,
    count,
    drop_children,
    load_run,
    put_children,
    put_run,
    set_some_back,
)
from kumoi.services.stepfunctions.records import DefinitionRecord, ExecutionRecord, Frame, definitions, executions
from kumoi.services.stepfunctions.result_files import ResultFiles, outputs
from kumoi.services.stepfunctions.store import redrive
from kumoi.services.stepfunctions.task_events import too_much
from kumoi.state import State as Store
from kumoi.state import Transaction, transactional
from kumoi.wire import AwsError, BufferedBody

_UNFINISHED = ("PENDING", "RUNNING", "PENDING_REDRIVE")
YEAR = 365 * 86_400.0
EXPRESS_SECONDS = 300.0


class MapRun:
    """One run under way. `tally` counts its children, and the items in them, by how they stand."""

    def __init__(
        self,
        doorway: Doorway,
        engine: Engine,
        driver: Driver,
        frame: Frame,
    ) -> None:
        self._doorway = doorway
        self._engine = engine
        self._driver = driver
        self._frame = frame
        self._state: State = driver.run.state_of(frame)
        self._store: Store = driver.state
        self._plan: dict[str, Any] = frame.request
        assert frame.job is not None
        self.arn: str = frame.job
        processor = self._state.fields.get("ItemProcessor") or self._state.fields["Iterator"]
        self._express = processor["ProcessorConfig"].get("ExecutionType") == "EXPRESS"
        document = {name: processor[name] for name in ("StartAt", "States")}
        self._text = dumps({**document, "QueryLanguage": "JSONata"} if self._state.jsonata else document)
        self.tally: Tally = {}
        self._total = self._concurrency = self._waiting = 0
        self._queue: deque[MapChild] = deque()
        self._reading = asyncio.Lock()
        self._place: int | None = -1
        self._workers: set[asyncio.Task[None]] = set()
        self._over: asyncio.Future[None] | None = None
        self._failures = 0
        self._written = False

    @property
    def _now(self) -> float:
        return self._doorway.clock.now()

    async def go(self) -> Any:
        """Run it to its end; the state's result, StateError when it fails."""
        record = await load_run(self._store, self.arn)
        if record is None:
            record = await self._prepare()
        while record.redriving is not None:
            record = await set_some_back(self._store, self.arn)
        self._concurrency = record.concurrency
        async for chunk in children_of(self._store, self.arn):
            for child in chunk:
                count(self.tally, child, 1)
        self._total = record.total
        self._waiting = sum(executions for status, (executions, _) in self.tally.items() if status in _UNFINISHED)
        self._failures = self._total - self._waiting - self.tally.get("SUCCEEDED", (0, 0))[0]
        try:
            self._check_failures()
            await self._run_children()
            result = await self._result()
        except Exception:
            await self._end("FAILED")
            raise
        await self._end("SUCCEEDED")
        return result

    async def _end(self, status: str) -> None:
        ended = {"status": status, "stopped": self._now, "tally": self.tally, "written": self._written}
        await change_run(self._store, self.arn, ended)

    async def _prepare(self) -> MapRunRecord:
        """Work out the children and store them with the run."""
        execution, plan = self._driver.run.execution, self._plan
        record = MapRunRecord(
            arn=self.arn,
            execution=execution.arn,
            status="RUNNING",
            started=self._now,
            concurrency=plan["concurrency"],
            count=plan["count"],
            percentage=plan["percentage"],
            express=self._express,
        )
        total = items = 0
        try:
            for start, given in self._portions(await self._items()):
                rows = await asyncio.to_thread(self._rows, start, given)
                await put_children(self._store, rows)
                total, items = start + len(rows), items + sum(row.items for row in rows)
        except StateError:
            await drop_children(self._store, self.arn)
            await put_run(self._store, msgspec.structs.replace(record, status="FAILED", stopped=self._now))
            raise
        record = msgspec.structs.replace(record, total=total, items=items)
        await _store_definition(self._store, self._text)
        await put_run(self._store, record)
        return record

    def _child_arn(self, machine: str, index: int) -> str:
        base, name = ":".join(self.arn.split(":")[:5]), key_of(self.arn, index)
        if self._express:
            return f"{base}:express:{machine}:{name}:{key_of(self.arn, -1 - index)}"
        return f"{base}:execution:{machine}:{name}"

    async def _items(self) -> list[Any]:
        reader = self._plan["reader"]
        if reader is None:
            return self._driver.run.items[self._frame.id]
        return await ItemSource(self._ask, reader).items()

    def _portions(self, items: list[Any]) -> Iterator[tuple[int, list[Any]]]:
        """Items, some at a time, and at which place they begin; all of them where they are to be batched."""
        if self._plan["batcher"] is not None:
            yield 0, items
            return
        for start in range(0, len(items), CHUNK):
            yield start, items[start : start + CHUNK]

    def _rows(self, start: int, items: list[Any]) -> list[MapChild]:
        """The children of items. Takes as long as a machine's JSONata may."""
        select, machine = self._driver.interpreter.selected, self.arn.split(":")[6]
        chosen = [select(self._frame, self._state, index, item) for index, item in enumerate(items, start)]
        batcher = self._plan["batcher"]
        inputs: Iterable[tuple[Any, int]] = ((one, 1) for one in chosen)
        if batcher is not None:
            fixed = {"BatchInput": batcher["BatchInput"]} if "BatchInput" in batcher else {}
            grouped = item_files.batches(chosen, batcher, lambda one: len(dumps(one)))
            inputs = (({**fixed, "Items": group}, len(group)) for group in grouped)
        return [
            MapChild(
                map_run=self.arn, index=index, arn=self._child_arn(machine, index), input=dumps(given), items=within
            )
            for index, (given, within) in enumerate(inputs, start)
        ]

    async def _run_children(self) -> None:
        """Run what has not ended, so many at once; StateError once more have failed than may."""
        over = self._over = asyncio.get_running_loop().create_future()
        try:
            self._hire()
            self._look_round()
            await over
        except StateError:
            await self._dismiss()
            async for chunk in children_of(self._store, self.arn):
                for child in chunk:
                    if child.status in _UNFINISHED:
                        await self._engine.abort(child.arn)
                        await self._note(child, msgspec.structs.replace(child, status="ABORTED"))
            raise
        finally:
            await self._dismiss()

    def held_to(self, record: MapRunRecord) -> None:
        """What the run is held to has changed."""
        self._plan = {**self._plan, "count": record.count, "percentage": record.percentage}
        self._concurrency = record.concurrency
        self._hire()

    def _hire(self) -> None:
        while self._waiting and len(self._workers) < self._concurrency:
            self._waiting -= 1
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._left)

    async def _work(self) -> None:
        """Run a child, and others behind it for as long as no more are at work than may be."""
        while (child := await self._next()) is not None:
            await self._run_child(child)
            self._check_failures()
            if not self._waiting or len(self._workers) > self._concurrency:
                return
            self._waiting -= 1

    async def _next(self) -> MapChild | None:
        """The next child that has not ended."""
        async with self._reading:
            while not self._queue and self._place is not None:
                chunk = await children_after(self._store, self.arn, self._place)
                self._place = chunk[-1].index if len(chunk) == CHUNK else None
                self._queue += [child for child in chunk if child.status in _UNFINISHED]
            return self._queue.popleft() if self._queue else None

    def _left(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        failure = None if worker.cancelled() else worker.exception()
        if failure is not None and self._over is not None and not self._over.done():
            self._over.set_exception(failure)
        self._look_round()

    def _look_round(self) -> None:
        """Note that all is done, if that is so."""
        if not self._workers and self._over is not None and not self._over.done():
            self._over.set_result(None)

    async def _dismiss(self) -> None:
        for worker in (workers := list(self._workers)):
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _run_child(self, child: MapChild) -> None:
        ended = await self._outcome(child)
        after = msgspec.structs.replace(
            child, status=ended.status, again=False, output=ended.output, error=ended.error, cause=ended.cause
        )
        if ended.status != "SUCCEEDED":
            self._failures += 1
        await self._note(msgspec.structs.replace(child, status="RUNNING"), after)

    async def _note(self, before: MapChild, after: MapChild) -> None:
        """Store what has become of a child."""
        count(self.tally, before, -1)
        count(self.tally, after, 1)
        await put_children(self._store, [after])

    async def _outcome(self, child: MapChild) -> ExecutionRecord:
        """How a child ended: it is begun, taken up, or was there before."""
        running = msgspec.structs.replace(child, status="RUNNING", again=False)
        count(self.tally, child, -1)
        count(self.tally, running, 1)
        place = child.arn.split(":")
        driver = await self._engine.driver(child.arn)
        if driver is None:
            if not self._express:
                there = await _stored(self._store, place[6], place[7])
                if there is not None and child.again and await _redrive(self._store, child):
                    driver = await self._engine.take_up(self._store.account, self._store.region, place[6], place[7])
                    assert driver is not None
                    return await asyncio.shield(driver.finished)
                if there is not None and there.status != "RUNNING":
                    return there
            await put_children(self._store, [running])
            driver = await self._engine.start_child(
                self._store.account, self._store.region, self._execution(child), compile_machine(self._text)
            )
        return await asyncio.shield(driver.finished)

    def _execution(self, child: MapChild) -> ExecutionRecord:
        parent, place = self._driver.run.execution, child.arn.split(":")
        return ExecutionRecord(
            machine=place[6],
            name=place[7],
            arn=child.arn,
            express=self._express,
            hash=_digest(self._text),
            role=parent.role,
            input=child.input,
            status="RUNNING",
            started=round(self._now, 3),
            span=parent.span,
            deadline=self._now + (EXPRESS_SECONDS if self._express else YEAR),
            map_run=self.arn,
            item_count=child.items,
            mock=parent.mock,
        )

    def _check_failures(self) -> None:
        count, percentage = self._plan["count"], self._plan["percentage"]
        total = self._total
        allowed = [] if count is None else [count]
        if percentage is not None:
            allowed.append(total * percentage / 100)
        if not self._failures or (allowed and self._failures <= min(allowed)):
            return
        raise StateError(TOLERATED, "The specified tolerated failure threshold was exceeded")

    async def _result(self) -> Any:
        writer = self._plan["writer"]
        if writer is not None and writer.get("resource"):
            return await self._write(writer)
        succeeded, size = [], 0
        async for chunk in children_of(self._store, self.arn):
            succeeded += [child for child in chunk if child.output is not None]
            size += sum(len(child.output or "") for child in chunk)
            if size > 2 * MAX_BYTES:
                raise too_much(self._state.name)
        if writer is not None:
            text = dumps(outputs(succeeded, writer["config"]))
        else:
            text = f"[{','.join(str(child.output) for child in succeeded)}]"
        if too_large(text):
            raise too_much(self._state.name)
        return loads(text)

    async def _write(self, writer: dict[str, Any]) -> Any:
        arguments = writer["arguments"]
        bucket, prefix = arguments.get("Bucket"), str(arguments.get("Prefix", "")).strip("/")
        folder = "/".join(part for part in (prefix, self.arn.rpartition(":")[2]) if part)
        files = ResultFiles(self.arn, bucket, folder, writer["config"])

        async def put(made: list[tuple[str, bytes]]) -> None:
            for key, content in made:
                await self._ask("PutObject", {"Bucket": bucket, "Key": key, "Body": content})

        try:
            async for chunk in children_of(self._store, self.arn):
                await put(await asyncio.to_thread(files.add, chunk))
            await put(await asyncio.to_thread(files.close))
        except AwsError as error:
            raise StateError(RESULT_WRITER_FAILED, f"{error.message} (Error Code: {error.code})") from None
        self._written = True
        return {"MapRunArn": self.arn, "ResultWriterDetails": {"Bucket": bucket, "Key": f"{folder}/manifest.json"}}

    async def _ask(self, operation: str, params: dict[str, Any]) -> Any:
        execution = self._driver.run.execution
        source = f"stepfunctions:{execution.machine}"
        caller = Principal.of_role(self._store.account, execution.role or "role/states", execution.name, source)
        if isinstance(params.get("Body"), bytes):
            params = {**params, "Body": BufferedBody(params["Body"])}
        return await self._doorway.ask("s3", operation, params, caller, self._store.region)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


@transactional
async def _store_definition(tx: Transaction, text: str) -> None:
    await definitions.put(tx, DefinitionRecord(_digest(text), text))


@transactional
async def _redrive(tx: Transaction, child: MapChild) -> bool:
    """Set a child's execution running again; False where it has not failed."""
    place = child.arn.split(":")
    found = await redrive(tx, place[6], place[7], None, YEAR)
    if found:
        await put_children(tx, [msgspec.structs.replace(child, status="RUNNING", again=False)])
    return found


@transactional
async def _stored(tx: Transaction, machine: str, name: str) -> ExecutionRecord | None:
    return await executions.get(tx, machine, name)
