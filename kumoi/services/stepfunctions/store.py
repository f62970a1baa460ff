"""The transactions of executions: begun, moved on, read back. History and frames change together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from kumoi.services.stepfunctions.language.definition import compile_machine
from kumoi.services.stepfunctions.map_records import label_of, redrive_run
from kumoi.services.stepfunctions.records import (
    HISTORY_SECONDS,
    Abandoned,
    ActivityTask,
    Event,
    ExecutionRecord,
    ExecutionStart,
    ForkValue,
    Frame,
    FrameRecord,
    Running,
    Segment,
    TokenRecord,
    abandoned,
    activity_tasks,
    definitions,
    executions,
    fork_values,
    frames,
    history,
    running,
    starts,
    tokens,
)
from kumoi.services.stepfunctions.run import Run
from kumoi.state import Transaction, transactional
from kumoi.state.once import forget

DUE = "stepfunctions.due"
YEAR = 365 * 86_400.0


class Batch(msgspec.Struct, kw_only=True):
    """What one commit of a run writes; taken out of its changes."""

    execution: ExecutionRecord
    whole: bool
    events: list[Event]
    frames: list[Frame]
    dropped: list[int]
    values: list[tuple[int, int, Any]]
    closed: list[int]
    tokens: list[tuple[TokenRecord, ActivityTask | None]]
    spent: list[str]
    answered: list[str]
    abandoned: list[str]
    due: float | None
    set_timer: bool


@transactional
async def begin(
    tx: Transaction, execution: ExecutionRecord, batch: Batch, launch: Callable[[], None]
) -> ExecutionRecord:
    """Store an execution that is to run, with what it has done already; `launch` goes on with it once that is
    committed. One that has its name is answered instead, unless it is out of its 90 days.
    """
    before = await executions.get(tx, execution.machine, execution.name)
    if before is not None:
        if before.stopped is None or before.stopped >= tx.now - HISTORY_SECONDS:
            return before
        await starts.delete(tx, before.map_run or before.machine, int(before.started * 1e6), before.name)
        for space in (history, frames, fork_values):
            await space.delete_all(tx, execution.arn)
    await executions.put(tx, batch.execution)
    owner = execution.map_run or execution.machine
    await starts.put(tx, ExecutionStart(owner, int(execution.started * 1e6), execution.machine, execution.name))
    if batch.execution.status == "RUNNING":
        await running.put(tx, Running(tx.account, tx.region, execution.machine, execution.name))
    await _write(tx, batch)
    tx.on_commit(launch)
    return execution


@transactional
async def commit(tx: Transaction, batch: Batch) -> None:
    """Write what a run has done."""
    execution = batch.execution
    if batch.whole:
        await executions.put(tx, execution)
    if execution.status != "RUNNING":
        await running.delete(tx, tx.account, tx.region, execution.machine, execution.name)
    await _write(tx, batch)


async def _write(tx: Transaction, batch: Batch) -> None:
    arn = batch.execution.arn
    if batch.events:
        await history.put(tx, Segment(arn, batch.events[0].id, batch.events))
    for frame in batch.frames:
        await frames.put(tx, FrameRecord(arn, frame))
    for number in batch.dropped:
        await frames.delete(tx, arn, number)
    for fork, index, value in batch.values:
        await fork_values.put(tx, ForkValue(arn, fork, index, value))
    for fork in batch.closed:
        await fork_values.delete_all(tx, arn, fork)
    for token, waiting in batch.tokens:
        await tokens.put(tx, token)
        if waiting is not None:
            await activity_tasks.put(tx, _placed(waiting, await tx.add(("stepfunctions.activity_place",))))
            tx.notify(f"stepfunctions.activity.{waiting.activity}")
    for text in batch.spent:
        await tokens.delete(tx, text)
    for job in batch.abandoned:
        await abandoned.put(tx, Abandoned(job, tx.account, tx.region, arn))
    for key in batch.answered:
        await forget(tx, key)
    if batch.set_timer:
        if batch.due is None:
            tx.cancel_timer(DUE, arn)
        else:
            tx.timer(batch.due, DUE, arn.encode(), key=arn)


def _placed(waiting: ActivityTask, place: int) -> ActivityTask:
    return msgspec.structs.replace(waiting, place=place)


@transactional
async def load(tx: Transaction, machine: str, name: str) -> Run | None:
    """An execution as it was when it was last committed; None when there is none."""
    execution = await executions.get(tx, machine, name)
    if execution is None:
        return None
    definition = await definitions.get(tx, execution.hash)
    assert definition is not None
    last = await history.list(tx, execution.arn, limit=1, reverse=True)
    execution = msgspec.structs.replace(execution, last_event=last[0].events[-1].id if last else 0)
    run = Run(execution, compile_machine(definition.text))
    for record in await frames.list(tx, execution.arn):
        run.frames[record.frame.id] = record.frame
        run.stored.add(record.frame.id)
        run.next_frame = max(run.next_frame, record.frame.id + 1)
    for value in await fork_values.list(tx, execution.arn):
        run.restore(value.fork, value.index, value.value)
    return run


@transactional
async def redrive(tx: Transaction, machine: str, name: str, token: str | None, longest: float) -> bool:
    """Set an execution that failed running again, its frames back to the start of the work they were at."""
    execution = await executions.get(tx, machine, name)
    if execution is None or execution.status not in ("FAILED", "ABORTED", "TIMED_OUT"):
        return False
    last = await history.list(tx, execution.arn, limit=1, reverse=True)
    event = Event(
        last[0].events[-1].id + 1,
        last[0].events[-1].id,
        tx.now,
        "ExecutionRedriven",
        {"redriveCount": execution.redrives + 1},
    )
    await history.put(tx, Segment(execution.arn, event.id, [event]))
    definition = await definitions.get(tx, execution.hash)
    assert definition is not None
    states = compile_machine(definition.text).states
    for record in await frames.list(tx, execution.arn):
        frame = record.frame
        if frame.parent >= 0:
            await frames.delete(tx, execution.arn, frame.id)
            continue
        again = states[frame.state].type in ("Task", "Map", "Parallel")
        frame.phase, frame.previous = ("again" if again else "enter"), event.id
        if states[frame.state].distributed:
            frame.job = await redrive_run(tx, execution.arn, label_of(states[frame.state]))
        frame.counts = [0] * len(states[frame.state].retry)
        await frames.put(tx, FrameRecord(execution.arn, frame))
    await executions.put(
        tx,
        msgspec.structs.replace(
            execution,
            status="RUNNING",
            stopped=None,
            error=None,
            cause=None,
            redrives=execution.redrives + 1,
            redriven=tx.now,
            redrive_token=token,
            deadline=tx.now + longest,
        ),
    )
    await running.put(tx, Running(tx.account, tx.region, machine, name))
    return True


@transactional
async def still_running(tx: Transaction) -> list[Running]:
    """Every execution that had not ended when the platform did."""
    return await running.list(tx)


@transactional
async def left_behind(tx: Transaction) -> list[Abandoned]:
    """What was to be stopped when the platform ended."""
    return await abandoned.list(tx)


@transactional
async def stopped(tx: Transaction, job: str) -> None:
    """What was abandoned has been stopped."""
    await abandoned.delete(tx, job)


@transactional
async def read_history(tx: Transaction, arn: str) -> list[Event]:
    """All events of an execution."""
    return [event for segment in await history.list(tx, arn) for event in segment.events]
