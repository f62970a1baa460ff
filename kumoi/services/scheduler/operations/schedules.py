"""Schedules: create, get, update, list, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import Arn, uuid
from kumoi.schedules import ScheduleError, parse
from kumoi.services.scheduler import firing, scheduler
from kumoi.services.scheduler.naming import conflict, invalid, not_found, page, schedule_arn
from kumoi.services.scheduler.occurrences import first, schedule_of
from kumoi.services.scheduler.operations.groups import find_group
from kumoi.services.scheduler.records import DEFAULT_GROUP, Definition, ScheduleRecord, schedules
from kumoi.services.scheduler.universal import is_universal, reads
from kumoi.state import Transaction, transactional


@scheduler.operation
async def create_schedule(
    call: Call, Name: str, GroupName: str = DEFAULT_GROUP, ClientToken: str | None = None, **definition: Any
) -> dict[str, Any]:
    """Create a schedule; the same request with the same ClientToken once more changes nothing."""
    await _create(call.state, _record(call, GroupName, Name, _definition(**definition), ClientToken))
    return {"ScheduleArn": schedule_arn(call.account, call.region, GroupName, Name)}


@scheduler.operation
async def update_schedule(
    call: Call, Name: str, GroupName: str = DEFAULT_GROUP, ClientToken: str | None = None, **definition: Any
) -> dict[str, Any]:
    """Replace all that is said of a schedule; what is not given gets its default."""
    await _update(call.state, GroupName, Name, _definition(**definition))
    return {"ScheduleArn": schedule_arn(call.account, call.region, GroupName, Name)}


@scheduler.operation
async def get_schedule(call: Call, Name: str, GroupName: str = DEFAULT_GROUP) -> dict[str, Any]:
    """A schedule."""
    schedule = await _find(call.state, GroupName, Name)
    definition = schedule.definition
    window: dict[str, Any] = {"Mode": "OFF"}
    if definition.window:
        window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": int(definition.window // 60)}
    return {
        **_summary(call, schedule),
        "ScheduleExpression": definition.expression,
        "ScheduleExpressionTimezone": definition.timezone,
        "StartDate": definition.start,
        "EndDate": definition.end,
        "Description": definition.description,
        "KmsKeyArn": definition.kms_key,
        "Target": definition.target,
        "FlexibleTimeWindow": window,
        "ActionAfterCompletion": "DELETE" if definition.delete_afterwards else "NONE",
    }


@scheduler.operation
async def list_schedules(
    call: Call,
    GroupName: str | None = None,
    NamePrefix: str = "",
    State: str | None = None,
    NextToken: str | None = None,
    MaxResults: int | None = None,
) -> dict[str, Any]:
    """Schedules of a group, or of all, by name."""
    found = [
        schedule
        for schedule in await _all(call.state, GroupName)
        if schedule.name.startswith(NamePrefix) and State in (None, _state(schedule))
    ]
    shown, more = page(found, lambda schedule: f"{schedule.group}/{schedule.name}", NextToken, MaxResults)
    listed = [{**_summary(call, schedule), "Target": {"Arn": schedule.definition.target["Arn"]}} for schedule in shown]
    return {"Schedules": listed, **more}


@scheduler.operation
async def delete_schedule(
    call: Call, Name: str, GroupName: str = DEFAULT_GROUP, ClientToken: str | None = None
) -> None:
    """Delete a schedule."""
    await _delete(call.state, GroupName, Name)


def _definition(
    *,
    ScheduleExpression: str,
    Target: dict[str, Any],
    FlexibleTimeWindow: dict[str, Any],
    StartDate: datetime | None = None,
    EndDate: datetime | None = None,
    Description: str | None = None,
    ScheduleExpressionTimezone: str = "UTC",
    State: str = "ENABLED",
    KmsKeyArn: str | None = None,
    ActionAfterCompletion: str = "NONE",
) -> Definition:
    """What a request says of a schedule; ValidationException where that could never work."""
    definition = Definition(
        expression=ScheduleExpression,
        timezone=ScheduleExpressionTimezone,
        start=None if StartDate is None else StartDate.timestamp(),
        end=None if EndDate is None else EndDate.timestamp(),
        window=_window(FlexibleTimeWindow),
        enabled=State == "ENABLED",
        target=Target,
        description=Description,
        kms_key=KmsKeyArn,
        delete_afterwards=ActionAfterCompletion == "DELETE",
    )
    _check(definition)
    return definition


def _window(given: dict[str, Any]) -> float:
    """The flexible window in seconds."""
    minutes = given.get("MaximumWindowInMinutes")
    if given["Mode"] == "OFF":
        if minutes is not None:
            raise invalid("MaximumWindowInMinutes must not be given where the FlexibleTimeWindow's Mode is OFF.")
        return 0.0
    if minutes is None:
        raise invalid("MaximumWindowInMinutes is required where the FlexibleTimeWindow's Mode is FLEXIBLE.")
    return float(minutes * 60)


def _check(definition: Definition) -> None:
    """Raise ValidationException for a definition that could never work."""
    try:
        parse("rate(1 minute)", timezone=definition.timezone)
    except ScheduleError:
        raise invalid(f"Invalid ScheduleExpressionTimezone {definition.timezone}.") from None
    try:
        schedule_of(definition, 0.0)
    except ScheduleError:
        raise invalid(f"Invalid Schedule Expression {definition.expression}.") from None
    if definition.start is not None and definition.end is not None and definition.start > definition.end:
        raise invalid("The StartDate must be before the EndDate.")
    _check_target(definition.target)


def _check_target(target: dict[str, Any]) -> None:
    named = target["Arn"]
    if is_universal(named):
        if reads(named):
            raise invalid(f"Unsupported API action {named.rpartition(':')[2]}: Scheduler calls none that only read.")
        if "Input" in target and not _is_json(target["Input"]):
            raise invalid("The Input of a universal target must be well-formed JSON.")
        return
    try:
        arn = Arn.parse(named)
    except ValueError:
        raise invalid(f"Provided Arn is not in correct format: {named}") from None
    if arn.service == "events":
        if "EventBridgeParameters" not in target or "Input" not in target:
            raise invalid("EventBridgeParameters and Input must be provided for an event bus as target.")
    elif "EventBridgeParameters" in target:
        raise invalid("EventBridgeParameters is only for an event bus as target.")
    if arn.service == "kinesis" and "KinesisParameters" not in target:
        raise invalid("KinesisParameters must be provided for a Kinesis stream as target.")
    if arn.service == "sqs" and named.endswith(".fifo") and "SqsParameters" not in target:
        raise invalid("SqsParameters must be provided for a FIFO queue as target.")


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _record(call: Call, group: str, name: str, definition: Definition, token: str | None) -> ScheduleRecord:
    return ScheduleRecord(
        group=group,
        name=name,
        id=uuid(),
        definition=definition,
        created=call.now,
        modified=call.now,
        anchor=_anchor(definition, call.now),
        token=token,
    )


def _anchor(definition: Definition, now: float) -> float:
    """What a rate counts from: whole seconds, as its occurrences are told."""
    return float(int(now)) if definition.start is None else definition.start


def _begin(schedule: ScheduleRecord, now: float) -> float:
    """The time from which on a schedule that was just made or changed may fire; a cron, never in the second begun."""
    known = schedule.definition
    return now if known.start is not None or known.expression.startswith("cron") else schedule.anchor


def _state(schedule: ScheduleRecord) -> str:
    return "ENABLED" if schedule.definition.enabled else "DISABLED"


def _summary(call: Call, schedule: ScheduleRecord) -> dict[str, Any]:
    return {
        "Arn": schedule_arn(call.account, call.region, schedule.group, schedule.name),
        "Name": schedule.name,
        "GroupName": schedule.group,
        "State": _state(schedule),
        "CreationDate": schedule.created,
        "LastModificationDate": schedule.modified,
    }


@transactional
async def _find(tx: Transaction, group: str, name: str) -> ScheduleRecord:
    schedule = await schedules.get(tx, group, name)
    if schedule is None:
        raise not_found(f"Schedule {name} does not exist.")
    return schedule


@transactional
async def _create(tx: Transaction, schedule: ScheduleRecord) -> None:
    await find_group(tx, schedule.group)
    known = await schedules.get(tx, schedule.group, schedule.name)
    if known is None:
        await schedules.put(tx, schedule)
        firing.set_timer(tx, schedule, first(schedule, _begin(schedule, tx.now)))
    elif known.token is None or (known.token, known.definition) != (schedule.token, schedule.definition):
        raise conflict(f"Schedule {schedule.name} already exists.")


@transactional
async def _update(tx: Transaction, group: str, name: str, definition: Definition) -> None:
    known = await _find(tx, group, name)
    was = known.definition
    when = (definition.expression, definition.timezone, definition.start)
    same = when == (was.expression, was.timezone, was.start) and was.enabled
    anchor = known.anchor if same else _anchor(definition, tx.now)
    schedule = msgspec.structs.replace(known, definition=definition, modified=tx.now, anchor=anchor)
    await schedules.put(tx, schedule)
    firing.set_timer(tx, schedule, first(schedule, tx.now if same else _begin(schedule, tx.now)))


@transactional
async def _all(tx: Transaction, group: str | None) -> list[ScheduleRecord]:
    if group is None:
        return await schedules.list(tx)
    await find_group(tx, group)
    return await schedules.list(tx, group)


@transactional
async def _delete(tx: Transaction, group: str, name: str) -> None:
    await firing.delete(tx, await _find(tx, group, name))
