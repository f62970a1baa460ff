"""DynamoDB's CloudFormation resource types. Source: "DynamoDB resource type reference"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType
from kumoi.services.dynamodb.template_replicas import of_region
from kumoi.services.dynamodb.template_scaling import bring_scaling, drop_scaling, scaled, with_capacity
from kumoi.services.dynamodb.template_settings import numbers, retag, settle
from kumoi.wire.errors import aws_error

_TABLE = (
    *("AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "GlobalSecondaryIndexes", "KeySchema"),
    *("LocalSecondaryIndexes", "OnDemandThroughput", "ProvisionedThroughput", "TableClass", "WarmThroughput"),
)


def _stream(call: ResourceCall) -> dict[str, Any] | None:
    stated = call.properties.get("StreamSpecification")
    return None if not stated else {"StreamEnabled": True, "StreamViewType": stated["StreamViewType"]}


def _encryption(call: ResourceCall) -> dict[str, Any] | None:
    stated = numbers(call.properties.get("SSESpecification"))
    if not stated:
        return None
    return {"Enabled": stated.get("SSEEnabled", False)} | {
        name: stated[name] for name in ("SSEType", "KMSMasterKeyId") if name in stated
    }


async def _create_table(call: ResourceCall) -> Resource:
    if call.properties.get("ImportSourceSpecification"):
        raise aws_error("ValidationError", f"Kumoi's {call.kind} does not take ImportSourceSpecification yet.")
    name = call.name("TableName", 255)
    given = numbers(call.given(*_TABLE))
    if indexes := _indexes(call.properties):
        given["GlobalSecondaryIndexes"] = list(indexes.values())
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
    await settle(call, name)
    return await _table(call, name)


async def _table(call: ResourceCall, name: str) -> Resource:
    table = (await call.ask("dynamodb", "DescribeTable", TableName=name))["Table"]
    attributes = {"Arn": table["TableArn"], "TableId": table.get("TableId", "")}
    if "LatestStreamArn" in table:
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Resource(name, attributes)


async def _update_table(call: ResourceCall) -> Resource:
    """Change what the template says otherwise: an index that goes first, then the table, then an index that comes.

    Each change is compared with the table as it is: a rollback comes after some of them were made.
    """
    name, wanted, before = call.physical_id, _indexes(call.properties), _indexes(call.before)
    table = (await call.ask("dynamodb", "DescribeTable", TableName=name))["Table"]
    had = _indexes(table)
    for index in wanted.keys() & had.keys() & before.keys():
        _check_index(wanted[index], before[index], had[index])
    come, go = wanted.keys() - had.keys(), had.keys() & before.keys() - wanted.keys()
    if len(come) + len(go) > 1:
        raise aws_error("InvalidRequest", "Cannot perform more than one GSI creation or deletion in a single update")
    for index in go:
        await _update_index(call, name, {"Delete": {"IndexName": index}})
    changed = _changes(call, table) | _throughput_changes(call, table)
    if _says_otherwise(call, "StreamSpecification"):
        stream, now = _stream(call), table.get("StreamSpecification")
        if now and now != stream:
            await call.ask("dynamodb", "UpdateTable", TableName=name, StreamSpecification={"StreamEnabled": False})
        if stream and now != stream:
            changed["StreamSpecification"] = stream
    if changed:
        await call.ask("dynamodb", "UpdateTable", TableName=name, **changed)
    for index in come:
        await _update_index(call, name, {"Create": wanted[index]})
    await settle(call, name)
    await retag(call, table["TableArn"])
    return await _table(call, name)


def _says_otherwise(call: ResourceCall, member: str) -> bool:
    return bool(call.properties.get(member) != call.before.get(member))


def _indexes(properties: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The global indexes of a template, or of a table, by name; without what is settled apart."""
    apart = ("ContributorInsightsSpecification",)
    return {
        one["IndexName"]: {member: value for member, value in one.items() if member not in apart}
        for one in numbers(properties.get("GlobalSecondaryIndexes", []))
    }


def _check_index(wanted: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Of an index that stays, only the throughput changes."""
    for member in ("KeySchema", "Projection"):
        if wanted.get(member) not in (before.get(member), now.get(member)):
            raise aws_error(
                "InvalidRequest",
                "Cannot update GSI's properties other than Provisioned Throughput and Contributor Insights "
                "Specification. You can create a new GSI with a different name.",
            )


def _changes(call: ResourceCall, table: dict[str, Any]) -> dict[str, Any]:
    """What UpdateTable is asked to change, apart from throughput and streams."""
    changed: dict[str, Any] = {}
    for member, usual in (("DeletionProtectionEnabled", False), ("TableClass", "STANDARD"), ("WarmThroughput", None)):
        value = numbers(call.properties.get(member, usual))
        if _says_otherwise(call, member) and value is not None:
            changed[member] = value
    if _says_otherwise(call, "SSESpecification"):
        changed["SSESpecification"] = _encryption(call) or {"Enabled": False}
    if _says_otherwise(call, "OnDemandThroughput") and call.properties.get("BillingMode") == "PAY_PER_REQUEST":
        none = dict.fromkeys(("MaxReadRequestUnits", "MaxWriteRequestUnits"), -1)
        changed["OnDemandThroughput"] = none | (numbers(call.properties.get("OnDemandThroughput")) or {})
    return changed


def _throughput_changes(call: ResourceCall, table: dict[str, Any]) -> dict[str, Any]:
    """Another billing mode, or other throughput of the table and of the indexes that stay."""
    changed: dict[str, Any] = {}
    mode, had = call.properties.get("BillingMode", "PROVISIONED"), _mode(table)
    if mode != had:
        changed["BillingMode"] = mode
    member = "ProvisionedThroughput" if mode == "PROVISIONED" else "OnDemandThroughput"
    units = numbers(call.properties.get("ProvisionedThroughput"))
    otherwise = mode != had or _says_otherwise(call, member)
    if mode == "PROVISIONED" and units and otherwise and units != _throughput(table):
        changed[member] = units
    wanted, before, updates = _indexes(call.properties), _indexes(call.before), []
    for index in table.get("GlobalSecondaryIndexes", ()):
        name = index["IndexName"]
        stated, known = (one.get(name, {}).get(member) for one in (wanted, before))
        now = _throughput(index) if mode == "PROVISIONED" else index.get(member)
        if stated and stated != now and (mode != had or stated != known):
            updates.append({"Update": {"IndexName": name, member: stated}})
    return changed | ({"GlobalSecondaryIndexUpdates": updates} if updates else {})


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
    await bring_scaling(call, made.physical_id)
    return made


def _here(call: ResourceCall) -> ResourceCall:
    """A global table's properties as those of the table in the stack's region; the other replicas have its own."""
    return replace(call, properties=of_region(call.properties, call.region), before=of_region(call.before, call.region))


async def _as_scaled(call: ResourceCall, here: ResourceCall) -> ResourceCall:
    """An update that leaves capacity alone where it was scaled and is to be."""
    both = scaled(call.properties).keys() & scaled(call.before).keys()
    kept = [one for one in both if one.region == call.region]
    if not kept:
        return here
    table = (await call.ask("dynamodb", "DescribeTable", TableName=call.physical_id))["Table"]
    properties, before = (with_capacity(one, kept, table) for one in (here.properties, here.before))
    return replace(here, properties=properties, before=before)


async def _update_global(call: ResourceCall) -> Resource:
    made = await _update_table(await _as_scaled(call, _here(call)))
    await _bring_replicas(call, made.physical_id)
    await bring_scaling(call, made.physical_id)
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
    await drop_scaling(call, name)
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
    mode = _mode(table)
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


def _mode(table: dict[str, Any]) -> str:
    return str((table.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED"))


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
        listing=Listing("dynamodb", "ListTables", "TableNames", ("LastEvaluatedTableName", "ExclusiveStartTableName")),
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
