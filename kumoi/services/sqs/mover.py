"""Moves messages out of dead-letter queues, some at a time, on the platform's clock.

Each step is one transaction that moves messages, counts them and sets the timer of the next: a crash neither loses a
message nor moves it twice.
"""

from __future__ import annotations

import msgspec

from kumoi.doorway import Doorway, Parts
from kumoi.names import Arn
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.records import MoveTask, Queue, Taken, queues, tasks
from kumoi.services.sqs.store import move, take
from kumoi.state import Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner

TOPIC = "sqs.move"
AT_ONCE = 100
"""Messages of one step, where the task has no rate."""


class Step(msgspec.Struct, frozen=True):
    """What a timer carries: which task goes on."""

    source: str
    started: int
    id: str


def payload_of(task: MoveTask) -> bytes:
    """The payload of a task's timer."""
    return msgspec.msgpack.encode(Step(task.source, task.started, task.id))


def register(parts: Parts) -> None:
    """Have timers of tasks handled."""
    state, lines = parts[Doorway].state, parts[Lines]

    async def due(timer: Timer) -> None:
        await lines.guarded(_step(state.at(timer.account, timer.region), lines, timer))

    parts[TimerRunner].on(TOPIC, due)


@transactional
async def _step(tx: Transaction, lines: Lines, timer: Timer) -> None:
    step = msgspec.msgpack.decode(timer.payload, type=Step)
    tx.complete_timer(timer)
    task = await tasks.get(tx, step.source, -step.started, step.id)
    if task is None or task.status != "RUNNING":
        return
    source = await queues.get(tx, Arn.parse(task.source).resource)
    if source is None:
        await tasks.put(
            tx, msgspec.structs.replace(task, status="FAILED", failure="AWS.SimpleQueueService.NonExistentQueue")
        )
        return
    found, _ = await take(tx, lines, source, min(task.rate or AT_ONCE, AT_ONCE), 0)
    moved = 0
    for taken in found:
        target = await _target(tx, task, taken)
        if target is None:
            failed = msgspec.structs.replace(
                task, status="FAILED", moved=task.moved + moved, failure="CouldNotDetermineMessageSource"
            )
            await tasks.put(tx, failed)
            return
        await move(tx, lines, source, target, taken, back=True)
        moved += 1
    task = msgspec.structs.replace(task, moved=task.moved + moved)
    if not found:
        await tasks.put(tx, msgspec.structs.replace(task, status="COMPLETED"))
        return
    await tasks.put(tx, task)
    pause = moved / task.rate if task.rate else 0.0
    tx.timer(tx.now + pause, TOPIC, timer.payload, key=task.id)


async def _target(tx: Transaction, task: MoveTask, taken: Taken) -> Queue | None:
    """Where a message goes: to the task's destination, else to the queue it failed in."""
    arn = task.destination or taken.message.source
    return None if arn is None else await queues.get(tx, Arn.parse(arn).resource)
