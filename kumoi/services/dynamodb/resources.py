"""DynamoDB's CloudFormation resource types. Source: "DynamoDB resource type reference"."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType

_TABLE = (
    *("AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "GlobalSecondaryIndexes", "KeySchema"),
    *("LocalSecondaryIndexes", "OnDemandThroughput", "ProvisionedThroughput", "TableClass", "WarmThroughput"),
)


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


async def _delete_table(call: ResourceCall) -> None:
    await call.ask("dynamodb", "DeleteTable", TableName=call.physical_id)


RESOURCES = (
    ResourceType(
        "AWS::DynamoDB::Table",
        _create_table,
        _delete_table,
        _update_table,
        replaced_by=frozenset(("TableName", "KeySchema", "LocalSecondaryIndexes")),
        expected=lambda call: call.name("TableName", 255),
    ),
)
