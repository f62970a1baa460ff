"""Executions of jobs, as those who made them see and cancel them."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.iot import iot
from kumoi.services.iot.job_notices import tell
from kumoi.services.iot.job_rules import change, find_execution, find_job, invalid_transition
from kumoi.services.iot.job_tallies import PENDING, executions_of, forget
from kumoi.services.iot.naming import given, page
from kumoi.services.iot.operations.things import find_thing
from kumoi.services.iot.records import Execution, executions
from kumoi.state import Transaction, transactional


@iot.operation
async def describe_job_execution(
    call: Call, jobId: str, thingName: str, executionNumber: int | None = None
) -> dict[str, Any]:
    """How far a thing is with a job."""
    one = await find_execution(call.state, thingName, jobId, executionNumber)
    left = None if one.due is None else max(int(one.due - call.now), 0)
    return {
        "execution": {
            "jobId": one.job,
            "thingArn": call.arn("iot", f"thing/{one.thing}"),
            "versionNumber": one.version,
            "statusDetails": {"detailsMap": one.details},
            "forceCanceled": one.forced,
            **{name: value for name, value in _summary(one).items() if name != "retryAttempt"},
            **given(approximateSecondsBeforeTimedOut=left),
        }
    }


@iot.operation
async def list_job_executions_for_job(
    call: Call, jobId: str, status: str | None = None, maxResults: int | None = None, nextToken: str | None = None
) -> dict[str, Any]:
    """How far the things of a job are."""
    listed = [one for one in await _of_job(call.state, jobId) if status in (None, one.status)]
    found, more = page(listed, lambda one: one.thing, nextToken, maxResults)
    shown = [{"thingArn": call.arn("iot", f"thing/{one.thing}"), "jobExecutionSummary": _summary(one)} for one in found]
    return {"executionSummaries": shown, **more}


@iot.operation
async def list_job_executions_for_thing(
    call: Call,
    thingName: str,
    status: str | None = None,
    maxResults: int | None = None,
    nextToken: str | None = None,
    jobId: str | None = None,
) -> dict[str, Any]:
    """How far a thing is with its jobs."""
    listed = [
        one
        for one in await _of_thing(call.state, thingName)
        if status in (None, one.status) and jobId in (None, one.job)
    ]
    found, more = page(listed, lambda one: one.job, nextToken, maxResults)
    return {"executionSummaries": [{"jobId": one.job, "jobExecutionSummary": _summary(one)} for one in found], **more}


@iot.operation
async def cancel_job_execution(
    call: Call,
    jobId: str,
    thingName: str,
    force: bool = False,
    expectedVersion: int | None = None,
    statusDetails: dict[str, str] | None = None,
) -> None:
    """Cancel a job for one thing; what that has begun with `force` alone."""
    await _cancel(call.state, thingName, jobId, force, expectedVersion, statusDetails)
    await tell(call, [thingName])


@iot.operation
async def delete_job_execution(
    call: Call, jobId: str, thingName: str, executionNumber: int, force: bool = False
) -> None:
    """Forget an execution that has ended; one that is in progress with `force` alone."""
    await _delete(call.state, thingName, jobId, executionNumber, force)
    await tell(call, [thingName])


def _summary(one: Execution) -> dict[str, Any]:
    return {
        "status": one.status,
        "queuedAt": one.queued,
        "lastUpdatedAt": one.updated,
        "executionNumber": one.number,
        **given(startedAt=one.started, retryAttempt=one.retry or None),
    }


@transactional
async def _of_job(tx: Transaction, job_id: str) -> list[Execution]:
    await find_job(tx, job_id)
    return await executions_of(tx, job_id)


@transactional
async def _of_thing(tx: Transaction, thing: str) -> list[Execution]:
    await find_thing(tx, thing)
    return await executions.list(tx, thing)


@transactional
async def _cancel(
    tx: Transaction,
    thing: str,
    job_id: str,
    force: bool,
    expected: int | None,
    details: dict[str, str] | None,
) -> None:
    if (await find_execution(tx, thing, job_id)).status == "IN_PROGRESS" and not force:
        raise invalid_transition("The execution is in progress: cancel it with force.")
    await change(tx, thing, job_id, "CANCELED", details=details, expected=expected, forced=force)


@transactional
async def _delete(tx: Transaction, thing: str, job_id: str, number: int, force: bool) -> None:
    one = await find_execution(tx, thing, job_id, number)
    if one.status in PENDING and not force:
        raise invalid_transition("The execution has not ended: delete it with force.")
    await forget(tx, one)
