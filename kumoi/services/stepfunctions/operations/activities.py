"""Activities: tasks that workers fetch by long polls."""

from __future__ import annotations

from functools import partial
from typing import Any

from kumoi.doorway import Call
from kumoi.services.stepfunctions import stepfunctions
from kumoi.services.stepfunctions.engine import Engine
from kumoi.services.stepfunctions.interpreter import Interpreter
from kumoi.services.stepfunctions.lookup import find_activity
from kumoi.services.stepfunctions.naming import activity_name, check_name
from kumoi.services.stepfunctions.paging import page
from kumoi.services.stepfunctions.records import ActivityRecord, TokenRecord, activities, activity_tasks, tokens
from kumoi.services.stepfunctions.tagging import check_tags
from kumoi.state import Transaction, transactional

LONG_POLL = 60.0
"""Real seconds that GetActivityTask waits for a task."""


@stepfunctions.operation
async def create_activity(
    call: Call,
    name: str,
    tags: list[dict[str, str]] | None = None,
    encryptionConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make an activity; one of the name that exists is answered."""
    check_name(name)
    encryption = encryptionConfiguration or {"type": "AWS_OWNED_KEY"}
    made = ActivityRecord(name=name, created=call.now, tags=check_tags(tags), encryption=encryption)
    stored = await _create(call.state, made)
    return {"activityArn": call.arn("states", f"activity:{name}"), "creationDate": stored.created}


@transactional
async def _create(tx: Transaction, made: ActivityRecord) -> ActivityRecord:
    there = await activities.get(tx, made.name)
    if there is not None:
        return there
    await activities.put(tx, made)
    return made


@stepfunctions.operation
async def delete_activity(call: Call, activityArn: str) -> dict[str, Any]:
    """Delete an activity."""
    await _delete(call.state, activity_name(activityArn))
    return {}


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await activities.delete(tx, name)
    await activity_tasks.delete_all(tx, name)


@stepfunctions.operation
async def describe_activity(call: Call, activityArn: str) -> dict[str, Any]:
    """An activity."""
    found = await find_activity(call, activityArn)
    return {
        "activityArn": activityArn,
        "name": found.name,
        "creationDate": found.created,
        "encryptionConfiguration": found.encryption,
    }


@stepfunctions.operation
async def list_activities(call: Call, maxResults: int = 0, nextToken: str | None = None) -> dict[str, Any]:
    """The activities of the account and region."""
    found, more = page(await _all(call.state), nextToken, maxResults, 100)
    listed = [
        {"activityArn": call.arn("states", f"activity:{one.name}"), "name": one.name, "creationDate": one.created}
        for one in found
    ]
    return {"activities": listed, **more}


@transactional
async def _all(tx: Transaction) -> list[ActivityRecord]:
    return await activities.list(tx)


@stepfunctions.operation
async def get_activity_task(call: Call, activityArn: str, workerName: str | None = None) -> dict[str, Any]:
    """The next task of an activity, waited for up to a minute; nothing when none has come."""
    name = (await find_activity(call, activityArn)).name
    engine = call.part(Engine)
    async with call.state.watch(f"stepfunctions.activity.{name}") as watch:
        while True:
            found, token = await _take(call.state, name)
            if not found and not await watch.wait(LONG_POLL):
                return {}
            if token is None:
                continue
            arn = f"arn:aws:states:{token.region}:{token.account}:execution:{token.machine}:{token.execution}"
            driver = await engine.driver(arn)
            take = partial(Interpreter.taken, frame_id=token.frame, scheduled=token.scheduled, worker=workerName)
            if driver is not None and await driver.post(take):
                return {"taskToken": token.token, "input": token.input}


@transactional
async def _take(tx: Transaction, name: str) -> tuple[bool, TokenRecord | None]:
    """Whether there was a task, and its token unless nobody waits for it any more."""
    for waiting in await activity_tasks.list(tx, name, limit=1):
        await activity_tasks.delete(tx, name, waiting.place)
        return True, await tokens.get(tx, waiting.token)
    return False, None
