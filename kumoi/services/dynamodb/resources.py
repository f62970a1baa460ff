"""DynamoDB's CloudFormation resource types. Source: "DynamoDB resource type reference"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from kumoi.doorway.resource_types import Reading, Resource, ResourceCall, ResourceType

_TABLE = (
    *("AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "GlobalSecondaryIndexes", "KeySchema"),
    *("LocalSecondaryIndexes", "OnDemandThroughput", "ProvisionedThroughput", "TableClass", "WarmThroughput"),
)
_REPLICA = (
    *("ContributorInsightsSpecification", "DeletionProtectionEnabled", "KinesisStreamSpecification"),
    *("PointInTimeRecoverySpecification", "ResourcePolicy", "TableClass", "Tags"),
)
"""What a global table states for each of its replicas; the stack's region's are settled, the others have its own."""


def _numbers(value: Any) -> Any:
    """Throughput numbers may be texts in templates."""
    if isinstance(value, dict):
        return {
            name: int(one) if name.endswith(("Units",)) and isinstance(one, str) else _numbers(one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _stream(call: ResourceCall) -> dict[str, Any] | None:
    stated = call.properties.get("StreamSpecification")
    return None if not stated else {"StreamEnabled": True, "StreamViewType": stated["StreamViewType"]}


def _encryption(call: ResourceCall) -> dict[str, Any] | None:
    stated = _numbers(call.properties.get("SSESpecification"))
    if not stated:
        return None
    return {"Enabled": stated.get("SSEEnabled", False)} | {
        name: stated[name] for name in ("SSEType", "KMSMasterKeyId") if name in stated
    }


async def _create_table(call: ResourceCall) -> Resource:
    name = call.name("TableName", 255)
    given = _numbers(call.given(*_TABLE))
    for index in given.get("GlobalSecondaryIndexes", []):
        index.pop("ContributorInsightsSpecification", None)
    tags = [tag for tag in call.tag_list() if not tag["Key"].startswith("aws:")]
    await call.ask(
        "dynamodb",
        "CreateTable",
        TableName=name,
        StreamSpecification=_stream(call),
        SSESpecification=_encryption(call),
        Tags=tags or None,
        **given,
    )
    call.begin(Resource(name))
    await _settle(call, name)
    return await _table(call, name)


async def _settle(call: ResourceCall, name: str) -> None:
    """The settings that have operations of their own."""
    expiry = call.properties.get("TimeToLiveSpecification")
    if expiry and expiry != call.before.get("TimeToLiveSpecification"):
        await call.ask("dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=_numbers(expiry))
    recovery = call.properties.get("PointInTimeRecoverySpecification")
    if recovery and recovery != call.before.get("PointInTimeRecoverySpecification"):
        await call.ask(
            "dynamodb",
            "UpdateContinuousBackups",
            TableName=name,
            PointInTimeRecoverySpecification=_numbers(recovery),
        )
    await _settle_policy(call, name)
    await _settle_destination(call, name)
    insights = call.properties.get("ContributorInsightsSpecification")
    if insights != call.before.get("ContributorInsightsSpecification"):
        on = _numbers((insights or {}).get("Enabled"))
        action = {"ContributorInsightsAction": "ENABLE" if on else "DISABLE"}
        await call.ask("dynamodb", "UpdateContributorInsights", TableName=name, **action)


async def _settle_policy(call: ResourceCall, name: str) -> None:
    policy, before = call.properties.get("ResourcePolicy"), call.before.get("ResourcePolicy")
    if policy == before:
        return
    arn = (await call.ask("dynamodb", "DescribeTable", TableName=name))["Table"]["TableArn"]
    if policy:
        text = orjson.dumps(policy["PolicyDocument"]).decode()
        await call.ask("dynamodb", "PutResourcePolicy", ResourceArn=arn, Policy=text)
    else:
        await call.ask("dynamodb", "DeleteResourcePolicy", ResourceArn=arn)


async def _settle_destination(call: ResourceCall, name: str) -> None:
    wanted, before = (one.get("KinesisStreamSpecification") for one in (call.properties, call.before))
    if wanted == before:
        return
    if before:
        given = {"TableName": name, "StreamArn": before["StreamArn"]}
        await call.ask("dynamodb", "DisableKinesisStreamingDestination", **given)
    if wanted:
        precision = wanted.get("ApproximateCreationDateTimePrecision")
        given = {"TableName": name, "StreamArn": wanted["StreamArn"]}
        if precision:
            given["EnableKinesisStreamingConfiguration"] = {"ApproximateCreationDateTimePrecision": precision}
        await call.ask("dynamodb", "EnableKinesisStreamingDestination", **given)


async def _table(call: ResourceCall, name: str) -> Resource:
    table = (await call.ask("dynamodb", "DescribeTable", TableName=name))["Table"]
    attributes = {"Arn": table["TableArn"], "TableId": table.get("TableId", "")}
    if "LatestStreamArn" in table:
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Resource(name, attributes)


async def _update_table(call: ResourceCall) -> Resource:
    name, before = call.physical_id, call.before
    changed: dict[str, Any] = {}
    for member in ("BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled", "TableClass"):
        if call.properties.get(member) != before.get(member) and member in call.properties:
            changed[member] = _numbers(call.properties[member])
    if call.properties.get("StreamSpecification") != before.get("StreamSpecification"):
        if before.get("StreamSpecification"):
            await call.ask("dynamodb", "UpdateTable", TableName=name, StreamSpecification={"StreamEnabled": False})
        stream = _stream(call)
        if stream:
            changed["StreamSpecification"] = stream
    if changed:
        await call.ask("dynamodb", "UpdateTable", TableName=name, **changed)
    await _bring_indexes(call, name)
    await _settle(call, name)
    return await _table(call, name)


async def _bring_indexes(call: ResourceCall, name: str) -> None:
    """Make and drop global indexes, one at a time as the service wants it."""
    wanted = {one["IndexName"]: one for one in call.properties.get("GlobalSecondaryIndexes", [])}
    had = {one["IndexName"]: one for one in call.before.get("GlobalSecondaryIndexes", [])}
    for index in had.keys() - wanted.keys():
        await _update_index(call, name, {"Delete": {"IndexName": index}})
    for index in wanted.keys() - had.keys():
        await _update_index(call, name, {"Create": _numbers(wanted[index])})


async def _update_index(call: ResourceCall, name: str, update: dict[str, Any]) -> None:
    await call.ask(
        "dynamodb",
        "UpdateTable",
        TableName=name,
        AttributeDefinitions=call.properties["AttributeDefinitions"],
        GlobalSecondaryIndexUpdates=[update],
    )


async def _create_global(call: ResourceCall) -> Resource:
    """A table in the stack's region, and a replica in each of the others."""
    made = await _create_table(_here(call))
    await _bring_replicas(call, made.physical_id)
    return made


def _here(call: ResourceCall) -> ResourceCall:
    """A global table's properties as those of the table in the stack's region."""
    return replace(call, properties=_own(call, call.properties), before=_own(call, call.before))


def _own(call: ResourceCall, properties: Mapping[str, Any]) -> dict[str, Any]:
    replicas = properties.get("Replicas", ())
    own: Mapping[str, Any] = next((one for one in replicas if one.get("Region") == call.region), {})
    settled = {member: own[member] for member in _REPLICA if member in own}
    write = properties.get("WriteProvisionedThroughputSettings") or {}
    read = own.get("ReadProvisionedThroughputSettings") or {}
    if properties.get("BillingMode", "PROVISIONED") == "PROVISIONED" and properties:
        settled["ProvisionedThroughput"] = {
            "ReadCapacityUnits": read.get("ReadCapacityUnits") or _least(read, "ReadCapacityAutoScalingSettings"),
            "WriteCapacityUnits": _least(write, "WriteCapacityAutoScalingSettings"),
        }
    return {**properties, **settled}


def _least(settings: Mapping[str, Any], member: str) -> Any:
    """Where auto scaling begins; Kumoi does not throttle, so nothing scales."""
    return (settings.get(member) or {}).get("MinCapacity", 1)


async def _update_global(call: ResourceCall) -> Resource:
    made = await _update_table(_here(call))
    await _bring_replicas(call, made.physical_id)
    return made


async def _bring_replicas(call: ResourceCall, name: str) -> None:
    table = (await call.ask("dynamodb", "DescribeTable", TableName=name))["Table"]
    own = table["TableArn"].split(":")[3]
    had = {one["RegionName"] for one in table.get("Replicas", ())}
    wanted = {one["Region"] for one in call.properties.get("Replicas", ())} - {own}
    changes = [{"Delete": {"RegionName": one}} for one in sorted(had - wanted)]
    changes += [{"Create": {"RegionName": one}} for one in sorted(wanted - had)]
    if changes:
        await call.ask("dynamodb", "UpdateTable", TableName=name, ReplicaUpdates=changes)


async def _delete_global(call: ResourceCall) -> None:
    name = call.physical_id
    table = (await call.ask("dynamodb", "DescribeTable", TableName=name))["Table"]
    gone = [{"Delete": {"RegionName": one["RegionName"]}} for one in table.get("Replicas", ())]
    if gone:
        await call.ask("dynamodb", "UpdateTable", TableName=name, ReplicaUpdates=gone)
    await _delete_table(call)


async def _delete_table(call: ResourceCall) -> None:
    await call.ask("dynamodb", "DeleteTable", TableName=call.physical_id)


async def _read_table(call: ResourceCall) -> Reading:
    table = (await call.ask("dynamodb", "DescribeTable", TableName=call.physical_id))["Table"]
    expiry = await call.ask("dynamodb", "DescribeTimeToLive", TableName=call.physical_id)
    tags = await call.ask("dynamodb", "ListTagsOfResource", ResourceArn=table["TableArn"])
    mode = (table.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED")
    stream, lives = table.get("StreamSpecification") or {}, expiry["TimeToLiveDescription"]
    told = {
        "TableName": call.physical_id,
        "AttributeDefinitions": table["AttributeDefinitions"],
        "BillingMode": mode,
        "DeletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
        "GlobalSecondaryIndexes": [_index(one, mode) for one in table.get("GlobalSecondaryIndexes", ())] or None,
        "KeySchema": table["KeySchema"],
        "LocalSecondaryIndexes": [_index(one, "") for one in table.get("LocalSecondaryIndexes", ())] or None,
        "ProvisionedThroughput": _throughput(table) if mode == "PROVISIONED" else None,
        "StreamSpecification": {"StreamViewType": stream["StreamViewType"]} if stream.get("StreamEnabled") else None,
        "TableClass": (table.get("TableClassSummary") or {}).get("TableClass", "STANDARD"),
        "Tags": tags.get("Tags", []),
        "TimeToLiveSpecification": {"AttributeName": lives["AttributeName"], "Enabled": True}
        if lives.get("TimeToLiveStatus") == "ENABLED"
        else None,
    }
    return Reading(await _table(call, call.physical_id), told)


def _index(described: dict[str, Any], mode: str) -> dict[str, Any]:
    index = {name: described[name] for name in ("IndexName", "KeySchema", "Projection")}
    return index | {"ProvisionedThroughput": _throughput(described)} if mode == "PROVISIONED" else index


def _throughput(described: dict[str, Any]) -> dict[str, Any]:
    return {name: described["ProvisionedThroughput"][name] for name in ("ReadCapacityUnits", "WriteCapacityUnits")}


RESOURCES = (
    ResourceType(
        "AWS::DynamoDB::Table",
        _create_table,
        _delete_table,
        _update_table,
        replaced_by=frozenset(("TableName", "KeySchema", "LocalSecondaryIndexes")),
        expected=lambda call: call.name("TableName", 255),
        read=_read_table,
        identifier="TableName",
    ),
    ResourceType(
        "AWS::DynamoDB::GlobalTable",
        _create_global,
        _delete_global,
        _update_global,
        replaced_by=frozenset(("TableName", "KeySchema", "LocalSecondaryIndexes")),
        expected=lambda call: call.name("TableName", 255),
    ),
)
