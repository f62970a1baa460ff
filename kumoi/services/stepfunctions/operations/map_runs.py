"""Map runs: listed, described, changed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from kumoi.doorway import Call
from kumoi.services.stepfunctions import stepfunctions
from kumoi.services.stepfunctions.lookup import find_execution, place_of
from kumoi.services.stepfunctions.map_records import MapRunRecord, Tally, change_run, load_run, runs_of
from kumoi.services.stepfunctions.map_runs import MapRuns
from kumoi.services.stepfunctions.naming import invalid_arn
from kumoi.services.stepfunctions.paging import page
from kumoi.wire.errors import aws_error


@stepfunctions.operation
async def list_map_runs(
    call: Call, executionArn: str, maxResults: int = 0, nextToken: str | None = None
) -> dict[str, Any]:
    """The map runs that an execution has begun."""
    parsed, _ = await find_execution(call, executionArn)
    shown, more = page(await runs_of(place_of(call, parsed), executionArn), nextToken, maxResults, 100)
    listed = []
    for one in shown:
        place = one.arn.split(":")
        told: dict[str, Any] = {
            "executionArn": one.execution,
            "mapRunArn": one.arn,
            "stateMachineArn": ":".join([*place[:5], "stateMachine", place[6]]),
            "startDate": one.started,
        }
        listed.append(told if one.stopped is None else {**told, "stopDate": one.stopped})
    return {"mapRuns": listed, **more}


@stepfunctions.operation
async def describe_map_run(call: Call, mapRunArn: str) -> dict[str, Any]:
    """A map run, with how many of its children and items stand where."""
    record = await _find(call, mapRunArn)
    tally = await call.part(MapRuns).tally(call.state, record)
    answer: dict[str, Any] = {
        "mapRunArn": mapRunArn,
        "executionArn": record.execution,
        "status": record.status,
        "startDate": record.started,
        "maxConcurrency": record.concurrency,
        "toleratedFailurePercentage": record.percentage or 0.0,
        "toleratedFailureCount": int(record.count or 0),
        "itemCounts": _counts(record, tally, 1),
        "executionCounts": _counts(record, tally, 0),
        "redriveCount": record.redrives,
    }
    if record.redriven is not None:
        answer["redriveDate"] = record.redriven
    return answer if record.stopped is None else {**answer, "stopDate": record.stopped}


def _counts(record: MapRunRecord, tally: Tally, which: int) -> dict[str, int]:
    """The executions of a tally, or the items in them (1)."""
    found = Counter({status: counted[which] for status, counted in tally.items()})
    return {
        "pending": found["PENDING"],
        "running": found["RUNNING"],
        "succeeded": found["SUCCEEDED"],
        "failed": found["FAILED"],
        "timedOut": found["TIMED_OUT"],
        "aborted": found["ABORTED"],
        "total": found.total(),
        "resultsWritten": found.total() if record.written else 0,
        "failuresNotRedrivable": 0,
        "pendingRedrive": found["PENDING_REDRIVE"],
    }


@stepfunctions.operation
async def update_map_run(
    call: Call,
    mapRunArn: str,
    maxConcurrency: int | None = None,
    toleratedFailurePercentage: float | None = None,
    toleratedFailureCount: int | None = None,
) -> dict[str, Any]:
    """Change what a map run that is under way is held to."""
    record = await _find(call, mapRunArn)
    changes: dict[str, Any] = {
        "concurrency": maxConcurrency or None,
        "percentage": toleratedFailurePercentage,
        "count": toleratedFailureCount,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    record = await change_run(call.state, record.arn, given)
    call.part(MapRuns).held_to(record)
    return {}


async def _find(call: Call, arn: str) -> MapRunRecord:
    parts = arn.split(":")
    if len(parts) < 8 or parts[5] != "mapRun":
        raise invalid_arn(f"Invalid ARN prefix: {arn}")
    found = await load_run(call.state, arn)
    if found is None:
        raise aws_error("ResourceNotFound", f"Resource not found: '{arn}'", resourceName=arn)
    return found
