"""EventBridge's CloudFormation resource types. Source: "Amazon EventBridge resource type reference"."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType


def _rule(call: ResourceCall, name: str) -> dict[str, Any]:
    given = call.given("Description", "EventBusName", "RoleArn", "ScheduleExpression", "State")
    pattern = call.properties.get("EventPattern")
    if pattern:
        given["EventPattern"] = pattern if isinstance(pattern, str) else orjson.dumps(pattern).decode()
    return {"Name": name, **given}


async def _bring_targets(call: ResourceCall, name: str) -> None:
    bus = call.properties.get("EventBusName")
    wanted = call.properties.get("Targets", [])
    gone = {one["Id"] for one in call.before.get("Targets", [])} - {one["Id"] for one in wanted}
    if gone:
        await call.ask("events", "RemoveTargets", Rule=name, EventBusName=bus, Ids=sorted(gone))
    if wanted:
        answer = await call.ask("events", "PutTargets", Rule=name, EventBusName=bus, Targets=wanted)
        for failure in answer.get("FailedEntries", []):
            raise ValueError(failure["ErrorMessage"])


async def _create_rule(call: ResourceCall) -> Resource:
    name = call.name("Name", 64)
    answer = await call.ask("events", "PutRule", **_rule(call, name))
    bus = str(call.properties.get("EventBusName", "default")).rpartition("/")[2]
    made = call.begin(Resource(name if bus == "default" else f"{bus}|{name}", {"Arn": answer["RuleArn"]}))
    await _bring_targets(call, name)
    return made


async def _update_rule(call: ResourceCall) -> Resource:
    name = call.physical_id.rpartition("|")[2]
    await call.ask("events", "PutRule", **_rule(call, name))
    await _bring_targets(call, name)
    return Resource(call.physical_id, call.attributes)


async def _delete_rule(call: ResourceCall) -> None:
    name, bus = call.physical_id.rpartition("|")[2], call.properties.get("EventBusName")
    targets = await call.ask("events", "ListTargetsByRule", Rule=name, EventBusName=bus)
    ids = [one["Id"] for one in targets.get("Targets", [])]
    if ids:
        await call.ask("events", "RemoveTargets", Rule=name, EventBusName=bus, Ids=ids)
    await call.ask("events", "DeleteRule", Name=name, EventBusName=bus)


async def _create_bus(call: ResourceCall) -> Resource:
    answer = await call.ask("events", "CreateEventBus", **call.given("Name", "Description"))
    name = str(call.properties["Name"])
    return Resource(name, {"Arn": answer["EventBusArn"], "Name": name})


async def _delete_bus(call: ResourceCall) -> None:
    await call.ask("events", "DeleteEventBus", Name=call.physical_id)


RESOURCES = (
    ResourceType(
        "AWS::Events::Rule",
        _create_rule,
        _delete_rule,
        _update_rule,
        replaced_by=frozenset(("Name", "EventBusName")),
        expected=lambda call: call.name("Name", 64),
    ),
    ResourceType("AWS::Events::EventBus", _create_bus, _delete_bus),
)
