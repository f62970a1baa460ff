"""Map runs: the child executions of a Distributed Map, so many at once, and what they come to.

A run's children are worked out and stored once; each has its row. A child is an execution of its own, named by the run
and its place, so that after a crash those that ended are read and those that were under way are taken up, none begun
twice. Failures beyond what is tolerated end the run and abort what still runs.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
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
    DATA_LIMIT,
    RESULT_WRITER_FAILED,
    TOLERATED,
    StateError,
)
from kumoi.services.stepfunctions.language.json_text import dumps, loads, too_large
from kumoi.services.stepfunctions.map_records import (
    MapChild,
    MapRunRecord,
    children_of,
    load_run,
    put_children,
    put_run,
)
from kumoi.services.stepfunctions.records import DefinitionRecord, ExecutionRecord, Frame, definitions, executions
from kumoi.services.stepfunctions.result_files import outputs, result_files
from kumoi.services.stepfunctions.store import redrive
from kumoi.state import State as Store
from kumoi.state import Transaction, transactional
from kumoi.wire import AwsError, BufferedBody

logger = logging.getLogger(__name__)

CHUNK = 500
YEAR = 365 * 86_400.0
EXPRESS_SECONDS = 300.0


class MapRuns:
    """Runs map runs, their children by an engine."""

    def __init__(self, doorway: Doorway, engine: Engine) -> None:
        self._doorway = doorway
        self._engine = engine

    async def run(self, driver: Driver, frame: Frame) -> None:
        """Run what a frame planned; its driver is told how it ended."""
        number, scheduled = frame.id, frame.scheduled
        failure: tuple[str, str | None] | None = None
        try:
            result = await _Run(self._doorway, self._engine, driver, frame).go()
        except StateError as error:
            failure = (error.error, error.cause)
        except Exception as error:
            logger.exception("the map run %s failed", frame.job)
            failure = ("States.TaskFailed", f"Kumoi failed at {frame.job} ({type(error).__name__}: {error}).")
        if failure is not None:
            ended = failure
            driver.post(lambda one: one.map_run_ended(number, scheduled, None, ended))
            return
        driver.post(lambda one: one.map_run_ended(number, scheduled, result, None))

    async def abort(self, state: Store, map_run: str) -> None:
        """Abort a run that nobody waits for any more, and what still runs of it."""
        record = await load_run(state, map_run)
        if record is None or record.status != "RUNNING":
            return
        for child in await children_of(state, map_run):
            if child.status == "RUNNING":
                await self._engine.abort(child.arn)
                await put_children(state, [msgspec.structs.replace(child, status="ABORTED")])
        now = self._doorway.clock.now()
        await put_run(state, msgspec.structs.replace(record, status="ABORTED", stopped=now))


class _Run:
    """One run under way."""

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
        self._arn: str = frame.job
        processor = self._state.fields.get("ItemProcessor") or self._state.fields["Iterator"]
        self._express = processor["ProcessorConfig"].get("ExecutionType") == "EXPRESS"
        document = {name: processor[name] for name in ("StartAt", "States")}
        self._text = dumps({**document, "QueryLanguage": "JSONata"} if self._state.jsonata else document)
        self._children: list[MapChild] = []
        self._failures = 0

    @property
    def _now(self) -> float:
        return self._doorway.clock.now()

    async def go(self) -> Any:
        """Run it to its end; the state's result, StateError when it fails."""
        record = await load_run(self._store, self._arn)
        if record is None:
            record = await self._prepare()
        self._children = await children_of(self._store, self._arn)
        self._failures = sum(child.status not in ("SUCCEEDED", "PENDING", "RUNNING") for child in self._children)
        try:
            self._check_failures()
            await self._run_children(record)
            result = await self._result()
        except StateError:
            await self._end("FAILED")
            raise
        await self._end("SUCCEEDED")
        return result

    async def _end(self, status: str) -> None:
        record = await load_run(self._store, self._arn)
        assert record is not None
        await put_run(self._store, msgspec.structs.replace(record, status=status, stopped=self._now))

    async def _prepare(self) -> MapRunRecord:
        """Work out the children and store them with the run."""
        execution, plan = self._driver.run.execution, self._plan
        record = MapRunRecord(
            arn=self._arn,
            execution=execution.arn,
            status="RUNNING",
            started=self._now,
            concurrency=plan["concurrency"],
            count=plan["count"],
            percentage=plan["percentage"],
            express=self._express,
        )
        try:
            inputs = await asyncio.to_thread(self._inputs, await self._items())
        except StateError:
            await put_run(self._store, msgspec.structs.replace(record, status="FAILED", stopped=self._now))
            raise
        machine = self._arn.split(":")[6]
        for start in range(0, len(inputs), CHUNK):
            rows = [
                MapChild(
                    map_run=self._arn,
                    index=index,
                    arn=self._child_arn(machine, index),
                    input=dumps(given),
                    items=count,
                )
                for index, (given, count) in enumerate(inputs[start : start + CHUNK], start)
            ]
            await put_children(self._store, rows)
        record = msgspec.structs.replace(record, total=len(inputs), items=sum(count for _, count in inputs))
        await _store_definition(self._store, self._text)
        await put_run(self._store, record)
        return record

    def _child_arn(self, machine: str, index: int) -> str:
        base, name = ":".join(self._arn.split(":")[:5]), key_of(self._arn, index)
        if self._express:
            return f"{base}:express:{machine}:{name}:{key_of(self._arn, -1 - index)}"
        return f"{base}:execution:{machine}:{name}"

    async def _items(self) -> list[Any]:
        reader = self._plan["reader"]
        if reader is None:
            return self._driver.run.items[self._frame.id]
        return await ItemSource(self._ask, reader).items()

    def _inputs(self, items: list[Any]) -> list[tuple[Any, int]]:
        """The input of each child, and how many items are in it. Takes as long as a machine's JSONata may."""
        select = self._driver.interpreter.selected
        chosen = [select(self._frame, self._state, index, item) for index, item in enumerate(items)]
        batcher = self._plan["batcher"]
        if batcher is None:
            return [(one, 1) for one in chosen]
        fixed = {"BatchInput": batcher["BatchInput"]} if "BatchInput" in batcher else {}
        grouped = item_files.batches(chosen, batcher, lambda one: len(dumps(one)))
        return [({**fixed, "Items": group}, len(group)) for group in grouped]

    async def _run_children(self, record: MapRunRecord) -> None:
        pending = [child for child in self._children if child.status in ("PENDING", "RUNNING")]
        queue = iter(pending)
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            for child in queue:
                await self._run_child(child)
                try:
                    self._check_failures()
                except StateError as error:
                    if not failed.done():
                        failed.set_exception(error)
                    return

        workers = [asyncio.create_task(work()) for _ in range(min(record.concurrency, len(pending)))]
        try:
            everything: asyncio.Future[Any] = asyncio.gather(*workers)
            ends: list[asyncio.Future[Any]] = [everything, failed]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if failed.done():
                failed.result()
            await everything
        except StateError:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await self._abort_rest()
            raise
        finally:
            for worker in workers:
                worker.cancel()
            if not failed.done():
                failed.cancel()

    async def _abort_rest(self) -> None:
        for child in await children_of(self._store, self._arn):
            if child.status in ("RUNNING", "PENDING"):
                await self._engine.abort(child.arn)
                await put_children(self._store, [msgspec.structs.replace(child, status="ABORTED")])

    async def _run_child(self, child: MapChild) -> None:
        ended = await self._outcome(child)
        assert ended is not None
        child = msgspec.structs.replace(
            child, status=ended.status, again=False, output=ended.output, error=ended.error, cause=ended.cause
        )
        self._children[child.index] = child
        if ended.status != "SUCCEEDED":
            self._failures += 1
        await put_children(self._store, [child])
        record = await load_run(self._store, self._arn)
        if record is not None:  # UpdateMapRun may have changed what is tolerated
            self._plan = {**self._plan, "count": record.count, "percentage": record.percentage}

    async def _outcome(self, child: MapChild) -> ExecutionRecord:
        """How a child ended: it is begun, taken up, or was there before."""
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
            await put_children(self._store, [msgspec.structs.replace(child, status="RUNNING", again=False)])
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
            map_run=self._arn,
            item_count=child.items,
            mock=parent.mock,
        )

    def _check_failures(self) -> None:
        count, percentage = self._plan["count"], self._plan["percentage"]
        total = len(self._children)
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
        if writer is not None:
            text = dumps(outputs(self._children, writer["config"]))
        else:
            text = f"[{','.join(child.output for child in self._children if child.output is not None)}]"
        if too_large(text):
            raise StateError(
                DATA_LIMIT,
                f"The state/task '{self._state.name}' returned a result with a size exceeding the maximum number of "
                "bytes service limit.",
            )
        return loads(text)

    async def _write(self, writer: dict[str, Any]) -> Any:
        arguments = writer["arguments"]
        bucket, prefix = arguments.get("Bucket"), str(arguments.get("Prefix", "")).strip("/")
        folder = "/".join(part for part in (prefix, self._arn.rpartition(":")[2]) if part)
        files = await asyncio.to_thread(result_files, self._arn, bucket, folder, self._children, writer["config"])
        try:
            for key, content in files:
                await self._ask("PutObject", {"Bucket": bucket, "Key": key, "Body": content})
        except AwsError as error:
            raise StateError(RESULT_WRITER_FAILED, f"{error.message} (Error Code: {error.code})") from None
        return {"MapRunArn": self._arn, "ResultWriterDetails": {"Bucket": bucket, "Key": f"{folder}/manifest.json"}}

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
