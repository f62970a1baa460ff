"""EventBridge's CloudFormation resource types. Source: "Amazon EventBridge resource type reference"."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Reading, Resource, ResourceCall, ResourceType


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


async def _bring_tags(call: ResourceCall, arn: str) -> None:
    """Bring a resource's tags to what the template and the stack say."""
    wanted = call.all_tags()
    gone = sorted({one["Key"] for one in call.before.get("Tags") or ()} - wanted.keys())
    if gone:
        await call.ask("events", "UntagResource", ResourceARN=arn, TagKeys=gone)
    if wanted:
        await call.ask("events", "TagResource", ResourceARN=arn, Tags=call.tag_list())


async def _create_rule(call: ResourceCall) -> Resource:
    name = call.name("Name", 64)
    answer = await call.ask("events", "PutRule", **_rule(call, name), Tags=call.tag_list())
    bus = str(call.properties.get("EventBusName", "default")).rpartition("/")[2]
    made = call.begin(Resource(name if bus == "default" else f"{bus}|{name}", {"Arn": answer["RuleArn"]}))
    await _bring_targets(call, name)
    return made


async def _update_rule(call: ResourceCall) -> Resource:
    name = call.physical_id.rpartition("|")[2]
    answer = await call.ask("events", "PutRule", **_rule(call, name))
    await _bring_targets(call, name)
    await _bring_tags(call, answer["RuleArn"])
    return Resource(call.physical_id, call.attributes)


async def _delete_rule(call: ResourceCall) -> None:
    name, bus = call.physical_id.rpartition("|")[2], call.properties.get("EventBusName")
    targets = await call.ask("events", "ListTargetsByRule", Rule=name, EventBusName=bus)
    ids = [one["Id"] for one in targets.get("Targets", [])]
    if ids:
        await call.ask("events", "RemoveTargets", Rule=name, EventBusName=bus, Ids=ids)
    await call.ask("events", "DeleteRule", Name=name, EventBusName=bus)


async def _read_rule(call: ResourceCall) -> Reading:
    bus, _, name = call.physical_id.rpartition("|")
    rule = await call.ask("events", "DescribeRule", Name=name, EventBusName=bus or None)
    targets = await call.ask("events", "ListTargetsByRule", Rule=name, EventBusName=bus or None)
    told = {member: rule.get(member) for member in ("Description", "EventPattern", "RoleArn", "ScheduleExpression")}
    told |= {"Name": name, "State": rule["State"], "Targets": targets.get("Targets") or None}
    return Reading(Resource(call.physical_id, {"Arn": rule["Arn"]}), told)


_BUS = ("Description", "DeadLetterConfig", "KmsKeyIdentifier", "LogConfig")


async def _create_bus(call: ResourceCall) -> Resource:
    call.required("Name")
    tags = call.tag_list()
    answer = await call.ask("events", "CreateEventBus", **call.given("Name", *_BUS), Tags=tags)
    name = str(call.properties["Name"])
    made = call.begin(Resource(name, {"Arn": answer["EventBusArn"], "Name": name}))
    await _put_bus_policy(call, name)
    return made


async def _update_bus(call: ResourceCall) -> Resource:
    given = call.given(*_BUS)
    for name in set(call.before) & set(_BUS) - set(given):
        given[name] = {} if name in ("DeadLetterConfig", "LogConfig") else ""
    answer = await call.ask("events", "UpdateEventBus", Name=call.physical_id, **given)
    await _put_bus_policy(call, call.physical_id)
    await _bring_tags(call, answer["Arn"])
    return Resource(call.physical_id, call.attributes)


async def _put_bus_policy(call: ResourceCall, bus: str) -> None:
    policy = call.properties.get("Policy")
    if policy:
        await call.ask("events", "PutPermission", EventBusName=bus, Policy=_json(policy))
    elif call.before.get("Policy"):
        await call.ask("events", "RemovePermission", EventBusName=bus, RemoveAllPermissions=True)


async def _delete_bus(call: ResourceCall) -> None:
    await call.ask("events", "DeleteEventBus", Name=call.physical_id)


async def _put_statement(call: ResourceCall) -> Resource:
    """EventBusPolicy: one statement of a bus's policy, given whole or by its parts."""
    call.required("StatementId")
    bus, sid = call.properties.get("EventBusName", "default"), str(call.properties["StatementId"])
    statement = call.properties.get("Statement")
    if statement is None:
        parts = call.given("Action", "Principal", "Condition")
        await call.ask("events", "PutPermission", EventBusName=bus, StatementId=sid, **parts)
    else:
        described = await call.ask("events", "DescribeEventBus", Name=bus)
        policy = orjson.loads(described.get("Policy") or '{"Version": "2012-10-17", "Statement": []}')
        others = [one for one in policy["Statement"] if one.get("Sid") != sid]
        policy["Statement"] = [*others, {**statement, "Sid": sid}]
        await call.ask("events", "PutPermission", EventBusName=bus, Policy=_json(policy))
    return Resource(f"{bus}|{sid}")


async def _delete_statement(call: ResourceCall) -> None:
    bus, _, sid = call.physical_id.rpartition("|")
    await call.ask("events", "RemovePermission", EventBusName=bus, StatementId=sid)


_ARCHIVE = ("Description", "KmsKeyIdentifier")


def _archive(call: ResourceCall) -> dict[str, Any]:
    given = call.given(*_ARCHIVE)
    if "RetentionDays" in call.properties:
        given["RetentionDays"] = int(call.properties["RetentionDays"])
    if call.properties.get("EventPattern"):
        given["EventPattern"] = _json(call.properties["EventPattern"])
    return given


async def _create_archive(call: ResourceCall) -> Resource:
    call.required("SourceArn")
    name = call.name("ArchiveName", 48)
    source = call.properties["SourceArn"]
    answer = await call.ask("events", "CreateArchive", ArchiveName=name, EventSourceArn=source, **_archive(call))
    return Resource(name, {"Arn": answer["ArchiveArn"], "ArchiveName": name})


async def _update_archive(call: ResourceCall) -> Resource:
    given = {"RetentionDays": 0, "EventPattern": "", **_archive(call)}  # what a template no longer says is taken away
    await call.ask("events", "UpdateArchive", ArchiveName=call.physical_id, **given)
    return Resource(call.physical_id, call.attributes)


async def _delete_archive(call: ResourceCall) -> None:
    await call.ask("events", "DeleteArchive", ArchiveName=call.physical_id)


_CONNECTION = ("AuthorizationType", "AuthParameters", "Description")


async def _connection(call: ResourceCall, name: str, arn: str) -> Resource:
    described = await call.ask("events", "DescribeConnection", Name=name)
    return Resource(name, {"Arn": arn, "Name": name, "SecretArn": described["SecretArn"]})


async def _create_connection(call: ResourceCall) -> Resource:
    call.required("AuthorizationType", "AuthParameters")
    name = call.name("Name", 64)
    answer = await call.ask("events", "CreateConnection", Name=name, **call.given(*_CONNECTION))
    call.begin(Resource(name))
    return await _connection(call, name, answer["ConnectionArn"])


async def _update_connection(call: ResourceCall) -> Resource:
    answer = await call.ask("events", "UpdateConnection", Name=call.physical_id, **call.given(*_CONNECTION))
    return await _connection(call, call.physical_id, answer["ConnectionArn"])


async def _delete_connection(call: ResourceCall) -> None:
    await call.ask("events", "DeleteConnection", Name=call.physical_id)


def _destination(call: ResourceCall) -> dict[str, Any]:
    given = call.given("ConnectionArn", "Description", "HttpMethod", "InvocationEndpoint")
    if "InvocationRateLimitPerSecond" in call.properties:
        given["InvocationRateLimitPerSecond"] = int(call.properties["InvocationRateLimitPerSecond"])
    return given


async def _create_destination(call: ResourceCall) -> Resource:
    call.required("ConnectionArn", "HttpMethod", "InvocationEndpoint")
    name = call.name("Name", 64)
    answer = await call.ask("events", "CreateApiDestination", Name=name, **_destination(call))
    arn = str(answer["ApiDestinationArn"])
    return Resource(name, {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0], "Name": name})


async def _update_destination(call: ResourceCall) -> Resource:
    await call.ask("events", "UpdateApiDestination", Name=call.physical_id, **_destination(call))
    return Resource(call.physical_id, call.attributes)


async def _delete_destination(call: ResourceCall) -> None:
    await call.ask("events", "DeleteApiDestination", Name=call.physical_id)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


RESOURCES = (
    ResourceType(
        "AWS::Events::Rule",
        _create_rule,
        _delete_rule,
        _update_rule,
        replaced_by=frozenset(("Name", "EventBusName")),
        expected=lambda call: call.name("Name", 64),
        read=_read_rule,
    ),
    ResourceType(
        "AWS::Events::EventBus",
        _create_bus,
        _delete_bus,
        _update_bus,
        replaced_by=frozenset(("Name", "EventSourceName")),
    ),
    ResourceType(
        "AWS::Events::EventBusPolicy",
        _put_statement,
        _delete_statement,
        _put_statement,
        replaced_by=frozenset(("EventBusName", "StatementId")),
    ),
    ResourceType(
        "AWS::Events::Archive",
        _create_archive,
        _delete_archive,
        _update_archive,
        replaced_by=frozenset(("ArchiveName", "SourceArn")),
        expected=lambda call: call.name("ArchiveName", 48),
    ),
    ResourceType(
        "AWS::Events::Connection",
        _create_connection,
        _delete_connection,
        _update_connection,
        replaced_by=frozenset(("Name",)),
        expected=lambda call: call.name("Name", 64),
    ),
    ResourceType(
        "AWS::Events::ApiDestination",
        _create_destination,
        _delete_destination,
        _update_destination,
        replaced_by=frozenset(("Name",)),
        expected=lambda call: call.name("Name", 64),
    ),
)
