"""CloudWatch Logs' CloudFormation resource types. Source: "CloudWatch Logs resource type reference"."""

from __future__ import annotations

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType


async def _create_group(call: ResourceCall) -> Resource:
    name = call.name("LogGroupName", 512)
    await call.ask("logs", "CreateLogGroup", logGroupName=name, tags=call.all_tags())
    made = call.begin(Resource(name, {"Arn": call.arn("logs", f"log-group:{name}:*")}))
    await _retain(call, name)
    return made


async def _update_group(call: ResourceCall) -> Resource:
    await _retain(call, call.physical_id)
    return Resource(call.physical_id, call.attributes)


async def _retain(call: ResourceCall, name: str) -> None:
    days = call.properties.get("RetentionInDays")
    if days is not None:
        await call.ask("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=int(days))
    elif "RetentionInDays" in call.before:
        await call.ask("logs", "DeleteRetentionPolicy", logGroupName=name)


async def _delete_group(call: ResourceCall) -> None:
    await call.ask("logs", "DeleteLogGroup", logGroupName=call.physical_id)


async def _create_stream(call: ResourceCall) -> Resource:
    name = call.name("LogStreamName", 512)
    await call.ask("logs", "CreateLogStream", logGroupName=call.properties["LogGroupName"], logStreamName=name)
    return Resource(name)


async def _delete_stream(call: ResourceCall) -> None:
    group = call.properties["LogGroupName"]
    await call.ask("logs", "DeleteLogStream", logGroupName=group, logStreamName=call.physical_id)


RESOURCES = (
    ResourceType(
        "AWS::Logs::LogGroup",
        _create_group,
        _delete_group,
        _update_group,
        replaced_by=frozenset(("LogGroupName",)),
        expected=lambda call: call.name("LogGroupName", 512),
    ),
    ResourceType("AWS::Logs::LogStream", _create_stream, _delete_stream),
)
