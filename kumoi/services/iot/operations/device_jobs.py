"""Jobs as devices do them, over HTTPS: what is next, and how it goes."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.iot import iot_jobs_data
from kumoi.services.iot.job_notices import by_status, shown, tell
from kumoi.services.iot.job_rules import (
    NEXT,
    SAID_BY_DEVICES,
    change,
    find_execution,
    find_job,
    start_next,
    todo,
)
from kumoi.services.iot.naming import invalid
from kumoi.services.iot.records import Execution, executions
from kumoi.state import Transaction, transactional


@iot_jobs_data.operation
async def get_pending_job_executions(call: Call, thingName: str) -> dict[str, Any]:
    """What a thing has to do."""
    found = by_status(await todo(call.state, thingName))
    return {"inProgressJobs": found.get("IN_PROGRESS", []), "queuedJobs": found.get("QUEUED", [])}


@iot_jobs_data.operation
async def describe_job_execution(
    call: Call,
    jobId: str,
    thingName: str,
    includeJobDocument: bool = True,
    executionNumber: int | None = None,
) -> dict[str, Any]:
    """An execution of a thing, `$next` for what comes next; nothing when there is none."""
    found = await _described(call.state, thingName, jobId, executionNumber)
    if found is None:
        return {}
    one, document = found
    return {"execution": shown(one, document if includeJobDocument else None, call.now)}


@iot_jobs_data.operation
async def start_next_pending_job_execution(
    call: Call,
    thingName: str,
    statusDetails: dict[str, str] | None = None,
    stepTimeoutInMinutes: int | None = None,
) -> dict[str, Any]:
    """Begin what comes next; nothing when there is none."""
    found = await _started(call.state, thingName, statusDetails, stepTimeoutInMinutes)
    if found is None:
        return {}
    one, document = found
    await tell(call, [thingName])
    return {"execution": shown(one, document, call.now)}


@iot_jobs_data.operation
async def update_job_execution(
    call: Call,
    jobId: str,
    thingName: str,
    status: str,
    statusDetails: dict[str, str] | None = None,
    stepTimeoutInMinutes: int | None = None,
    expectedVersion: int | None = None,
    includeJobExecutionState: bool = False,
    includeJobDocument: bool = False,
    executionNumber: int | None = None,
) -> dict[str, Any]:
    """Say how an execution goes."""
    if status not in SAID_BY_DEVICES:
        raise invalid(f"A device says one of {', '.join(SAID_BY_DEVICES)}, not {status}.")
    one = await change(
        call.state,
        thingName,
        jobId,
        status,
        details=statusDetails,
        expected=expectedVersion,
        number=executionNumber,
        minutes=stepTimeoutInMinutes,
    )
    await tell(call, [thingName])
    answer: dict[str, Any] = {}
    if includeJobExecutionState:
        answer["executionState"] = {
            "status": one.status,
            "statusDetails": one.details,
            "versionNumber": one.version,
        }
    if includeJobDocument:
        answer["jobDocument"] = (await find_job(call.state, jobId)).document
    return answer


@iot_jobs_data.operation
async def time_out_job_execution(call: Call, jobId: str, thingName: str) -> None:
    """End an execution whose time is over (no operation of AWS's API: the platform's timer asks for it)."""
    if await _time_out(call.state, thingName, jobId):
        await tell(call, [thingName])


@transactional
async def _time_out(tx: Transaction, thing: str, job_id: str) -> bool:
    one = await executions.get(tx, thing, job_id)
    if one is None or one.status != "IN_PROGRESS" or one.due is None or one.due > tx.now:
        return False
    await change(tx, thing, job_id, "TIMED_OUT")
    return True


@transactional
async def _described(tx: Transaction, thing: str, job_id: str, number: int | None) -> tuple[Execution, str] | None:
    if job_id == NEXT:
        waiting = await todo(tx, thing)
        if not waiting:
            return None
        one = waiting[0]
    else:
        one = await find_execution(tx, thing, job_id, number)
    return one, (await find_job(tx, one.job)).document


@transactional
async def _started(
    tx: Transaction, thing: str, details: dict[str, str] | None, minutes: int | None
) -> tuple[Execution, str] | None:
    one = await start_next(tx, thing, details, minutes)
    return None if one is None else (one, (await find_job(tx, one.job)).document)
