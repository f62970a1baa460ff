"""EventBridge Scheduler's CloudFormation resource types. Source: "EventBridge Scheduler resource type reference"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType

_SCHEDULE = (
    *("Description", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "ScheduleExpression"),
    *("ScheduleExpressionTimezone", "State", "Target"),
)


def _schedule(call: ResourceCall, name: str) -> dict[str, Any]:
    given: dict[str, Any] = {"Name": name, **call.given(*_SCHEDULE)}
    for member in ("StartDate", "EndDate"):
        stated = call.properties.get(member)
        if stated:
            moment = datetime.fromisoformat(str(stated))
            given[member] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    window = dict(given.get("FlexibleTimeWindow", {"Mode": "OFF"}))
    if "MaximumWindowInMinutes" in window:
        window["MaximumWindowInMinutes"] = int(window["MaximumWindowInMinutes"])
    given["FlexibleTimeWindow"] = window
    return given


async def _create_schedule(call: ResourceCall) -> Resource:
    name = call.name("Name", 64)
    answer = await call.ask("scheduler", "CreateSchedule", **_schedule(call, name))
    return Resource(name, {"Arn": answer["ScheduleArn"]})


async def _update_schedule(call: ResourceCall) -> Resource:
    await call.ask("scheduler", "UpdateSchedule", **_schedule(call, call.physical_id))
    return Resource(call.physical_id, call.attributes)


async def _delete_schedule(call: ResourceCall) -> None:
    await call.ask("scheduler", "DeleteSchedule", Name=call.physical_id, **call.given("GroupName"))


async def _create_group(call: ResourceCall) -> Resource:
    name = call.name("Name", 64)
    answer = await call.ask("scheduler", "CreateScheduleGroup", Name=name, Tags=call.tag_list())
    return Resource(name, {"Arn": answer["ScheduleGroupArn"]})


async def _delete_group(call: ResourceCall) -> None:
    await call.ask("scheduler", "DeleteScheduleGroup", Name=call.physical_id)


RESOURCES = (
    ResourceType(
        "AWS::Scheduler::Schedule",
        _create_schedule,
        _delete_schedule,
        _update_schedule,
        replaced_by=frozenset(("Name", "GroupName")),
        expected=lambda call: call.name("Name", 64),
    ),
    ResourceType(
        "AWS::Scheduler::ScheduleGroup", _create_group, _delete_group, expected=lambda call: call.name("Name", 64)
    ),
)
