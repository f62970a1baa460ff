"""Message move tasks: what failed goes back to where it came from, or elsewhere."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import Arn, uuid
from kumoi.services.sqs import sqs
from kumoi.services.sqs.attributes import redrive_of
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.mover import TOPIC, payload_of
from kumoi.services.sqs.records import MoveTask, queues, tasks
from kumoi.services.sqs.rules import check_between, invalid
from kumoi.services.sqs.store import counts
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@sqs.operation
async def start_message_move_task(
    call: Call, SourceArn: str, DestinationArn: str | None = None, MaxNumberOfMessagesPerSecond: int | None = None
) -> dict[str, Any]:
    """Move the messages of a dead-letter queue; it goes on in the background, over restarts too."""
    check_between("MaxNumberOfMessagesPerSecond", MaxNumberOfMessagesPerSecond, 1, 500)
    task = MoveTask(
        id=uuid(),
        source=SourceArn,
        started=int(call.now * 1000),
        destination=DestinationArn,
        rate=MaxNumberOfMessagesPerSecond,
    )
    await _start(call.state, call.part(Lines), task)
    return {"TaskHandle": _handle(task)}


@transactional
async def _start(tx: Transaction, lines: Lines, task: MoveTask) -> None:
    for member, arn in (("SourceArn", task.source), ("DestinationArn", task.destination)):
        if arn is not None and await queues.get(tx, _name(arn)) is None:
            raise aws_error(
                "ResourceNotFoundException",
                f"The resource that you specified for the {member} parameter doesn't exist.",
                status=404,
            )
    name = _name(task.source)
    redrives = [redrive_of(queue.attributes) for queue in await queues.list(tx)]
    if not any(redrive is not None and redrive.target.resource == name for redrive in redrives):
        raise invalid("Source queue must be configured as a Dead Letter Queue.")
    if any(one.status == "RUNNING" for one in await tasks.list(tx, task.source)):
        raise invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    queue = await queues.get(tx, name)
    assert queue is not None
    to_move = sum(await counts(tx, lines, queue))
    await tasks.put(tx, msgspec.structs.replace(task, to_move=to_move))
    tx.timer(tx.now, TOPIC, payload_of(task), key=task.id)


@sqs.operation
async def cancel_message_move_task(call: Call, TaskHandle: str) -> dict[str, Any]:
    """Stop a task; what it has moved stays moved."""
    source, task_id = _read(TaskHandle)
    return {"ApproximateNumberOfMessagesMoved": await _cancel(call.state, source, task_id)}


@transactional
async def _cancel(tx: Transaction, source: str, task_id: str) -> int:
    for task in await tasks.list(tx, source):
        if task.id == task_id and task.status == "RUNNING":
            await tasks.put(tx, msgspec.structs.replace(task, status="CANCELLED"))
            tx.cancel_timer(TOPIC, task.id)
            return task.moved
    raise aws_error("ResourceNotFoundException", "Task does not exist.", status=404)


@sqs.operation
async def list_message_move_tasks(call: Call, SourceArn: str, MaxResults: int = 1) -> dict[str, Any]:
    """The latest tasks of a queue, the newest first."""
    check_between("MaxResults", MaxResults, 1, 10)
    return {"Results": [_told(task) for task in (await _list(call.state, SourceArn))[:MaxResults]]}


@transactional
async def _list(tx: Transaction, source: str) -> list[MoveTask]:
    if await queues.get(tx, _name(source)) is None:
        raise aws_error(
            "ResourceNotFoundException",
            "The resource that you specified for the SourceArn parameter doesn't exist.",
            status=404,
        )
    return await tasks.list(tx, source)


def _told(task: MoveTask) -> dict[str, Any]:
    told: dict[str, Any] = {
        "Status": task.status,
        "SourceArn": task.source,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started,
    }
    optional = {
        "TaskHandle": _handle(task) if task.status == "RUNNING" else None,
        "DestinationArn": task.destination,
        "MaxNumberOfMessagesPerSecond": task.rate,
        "FailureReason": task.failure,
    }
    return told | {name: value for name, value in optional.items() if value is not None}


def _name(arn: str) -> str:
    try:
        return Arn.parse(arn).resource
    except ValueError:
        raise invalid("You must use this format to specify the SourceArn: arn:aws:sqs:region:account:queue") from None


def _handle(task: MoveTask) -> str:
    return base64.b64encode(orjson.dumps({"taskId": task.id, "sourceArn": task.source})).decode()


def _read(handle: str) -> tuple[str, str]:
    try:
        read = orjson.loads(base64.b64decode(handle, validate=True))
        return str(read["sourceArn"]), str(read["taskId"])
    except (binascii.Error, orjson.JSONDecodeError, KeyError, TypeError):
        raise invalid("Value for parameter TaskHandle is invalid.") from None
