"""Export tasks: create, describe, cancel."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.logs import logs
from kumoi.services.logs.events import find_group
from kumoi.services.logs.exports import Exporter, ExportTask, begin, cancel, export_tasks
from kumoi.services.logs.rules import invalid, page
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError


@logs.operation
async def create_export_task(
    call: Call,
    logGroupName: str,
    to: int,
    destination: str,
    taskName: str | None = None,
    logStreamNamePrefix: str = "",
    destinationPrefix: str = "exportedlogs",
    **since: int,
) -> dict[str, Any]:
    """Write a group's events from a time (`from`, a word of Python's own) up to another to a bucket."""
    start = since["from"]
    if to <= start:
        raise invalid("The end of the time to export must be after its beginning.")
    await find_group(call.state, logGroupName)
    task = ExportTask(
        id=uuid(),
        name=taskName,
        group=logGroupName,
        stream_prefix=logStreamNamePrefix,
        start=start,
        end=to,
        bucket=destination,
        prefix=destinationPrefix.strip("/") or "exportedlogs",
        created=int(call.now * 1000),
    )
    try:
        await call.part(Exporter).check(call.account, call.region, task)
    except AwsError as error:
        raise invalid(
            f"The given bucket does not exist or CloudWatch Logs has no permission to write to it. ({error})"
        ) from None
    await begin(call.state, task)
    return {"taskId": task.id}


@logs.operation
async def describe_export_tasks(
    call: Call, taskId: str | None = None, statusCode: str | None = None, nextToken: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """Export tasks, by id."""
    found = {
        task.id: task
        for task in await _all(call.state)
        if taskId in (None, task.id) and statusCode in (None, task.status)
    }
    ids, token = page(sorted(found), nextToken, limit)
    return {"exportTasks": [_described(found[one]) for one in ids], "nextToken": token}


@logs.operation
async def cancel_export_task(call: Call, taskId: str) -> None:
    """Stop a task; what it has written stays."""
    await cancel(call.state, taskId)


def _described(task: ExportTask) -> dict[str, Any]:
    return {
        "taskId": task.id,
        "taskName": task.name,
        "logGroupName": task.group,
        "from": task.start,
        "to": task.end,
        "destination": task.bucket,
        "destinationPrefix": task.prefix,
        "status": {"code": task.status, "message": task.message},
        "executionInfo": {"creationTime": task.created, "completionTime": task.completed},
    }


@transactional
async def _all(tx: Transaction) -> list[ExportTask]:
    return await export_tasks.list(tx)
