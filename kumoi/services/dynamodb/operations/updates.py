"""UpdateTable: billing, throughput, streams, protection, and global indexes made and dropped while the table is used.

A new index is written by every write from the moment it is declared, and filled from the table in the background
(`upkeep.py`); until then it is CREATING and refuses to be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.dynamodb import dynamodb, replicas, schema
from kumoi.services.dynamodb.copying import refuse_while_copied
from kumoi.services.dynamodb.describe import Count, describe
from kumoi.services.dynamodb.errors import invalid, invalid_values, no_such_table
from kumoi.services.dynamodb.naming import arn_of, table_name
from kumoi.services.dynamodb.operations.tables import drop_table
from kumoi.services.dynamodb.records import Index, Table, tables
from kumoi.services.dynamodb.storage import counts, new_id
from kumoi.services.dynamodb.streams.records import end_stream, with_stream
from kumoi.services.dynamodb.upkeep import Backfill, backfill_later, erase_rows_later
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

NOTHING_ASKED = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
    "SSESpecification or ReplicaUpdates is required"
)

SHARED = ("AttributeDefinitions", "BillingMode", "ProvisionedThroughput", "GlobalSecondaryIndexUpdates", "TableClass")
"""What a change of one replica changes in all of them."""


@dynamodb.operation
async def update_table(
    call: Call,
    TableName: str,
    AttributeDefinitions: list[dict[str, str]] | None = None,
    BillingMode: str | None = None,
    ProvisionedThroughput: dict[str, int] | None = None,
    GlobalSecondaryIndexUpdates: list[dict[str, Any]] | None = None,
    StreamSpecification: dict[str, Any] | None = None,
    SSESpecification: dict[str, Any] | None = None,
    TableClass: str | None = None,
    DeletionProtectionEnabled: bool | None = None,
    OnDemandThroughput: dict[str, int] | None = None,
    WarmThroughput: dict[str, int] | None = None,
    ReplicaUpdates: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Change a table; the answer says UPDATING as AWS's does, the next DescribeTable ACTIVE."""
    name = table_name(call, TableName)
    given = {member: value for member, value in call.params.items() if value is not None}
    if not given.keys() - {"TableName", "AttributeDefinitions"}:
        raise invalid(NOTHING_ASKED)
    _check_index_updates(GlobalSecondaryIndexUpdates or [])
    given["DefaultKey"] = call.arn("kms", "alias/aws/dynamodb")
    table, counted, dropped = await _update(call.state, name, given)
    description = describe(table, arn_of(call, name), counted)
    description["TableStatus"] = "UPDATING"
    for index in description.get("GlobalSecondaryIndexes", ()):
        if index["IndexName"] in dropped:
            index["IndexStatus"] = "DELETING"
        elif any((one.get("Update") or {}).get("IndexName") == index["IndexName"] for one in _updates(given)):
            index["IndexStatus"] = "UPDATING"
    return {"TableDescription": description}


def _updates(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    updates: list[dict[str, Any]] = given.get("GlobalSecondaryIndexUpdates") or []
    return updates


def _check_index_updates(updates: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for update in updates:
        action = update.get("Create") or update.get("Update") or update.get("Delete")
        if action is None:
            raise invalid_values(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        name = action["IndexName"]
        if name in seen:
            raise invalid_values(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        seen.add(name)
    if sum("Create" in update or "Delete" in update for update in updates) > 1:
        raise aws_error(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )


@transactional
async def _update(
    tx: Transaction, name: str, given: Mapping[str, Any]
) -> tuple[Table, dict[int, Count], frozenset[str]]:
    """Change a table, and what the replicas of a global table have in common in each of them."""
    answer = await _update_here(tx, name, given)
    shared = {member: given[member] for member in SHARED if member in given}
    if shared.keys() - {"AttributeDefinitions"}:
        for region in answer[0].replicas:
            await _update_here(tx.at(tx.account, region), name, shared)
    return answer


async def _update_here(
    tx: Transaction, name: str, given: Mapping[str, Any]
) -> tuple[Table, dict[int, Count], frozenset[str]]:
    """The table as the answer tells it (with an index that is being dropped), its counts, and what is dropped."""
    table = await tables.get(tx, name)
    if table is None:
        raise no_such_table(name)
    if table.restoring:
        refuse_while_copied(table)
    table = _rebilled(table, given, tx.now)
    table = _resettled(table, given)
    if "StreamSpecification" in given:
        table = await _restreamed(tx, table, given["StreamSpecification"])
    for what, asked in replicas.changes_of(given.get("ReplicaUpdates") or ()):
        table = await _replicated(tx, table, what, asked)
    told, dropped = table, frozenset[str]()
    for update in _updates(given):
        if "Create" in update:
            table = told = await _with_index(tx, table, update["Create"], given)
        elif "Delete" in update:
            index = _existing(table, update["Delete"]["IndexName"])
            dropped = frozenset((index.name,))
            table = _without(table, index)
        else:
            table = told = _with_throughput(table, update["Update"])
    counted = await counts(tx, told)
    for index in told.indexes:
        if index.name in dropped:
            await erase_rows_later(tx, index.id)
    await tables.put(tx, table)
    return told, counted, dropped


def _rebilled(table: Table, given: Mapping[str, Any], now: float) -> Table:
    """The table with its billing mode and throughput."""
    mode, units = given.get("BillingMode", table.billing), given.get("ProvisionedThroughput")
    if mode == table.billing and units is None:
        return table
    if mode == "PAY_PER_REQUEST":
        wanted = schema.billing_mode(mode, units)
        indexes = tuple(msgspec.structs.replace(index, throughput=wanted) for index in table.indexes)
        changed = round(now, 3)
        return msgspec.structs.replace(table, billing=mode, throughput=wanted, indexes=indexes, billing_changed=changed)
    if units is None:
        raise invalid_values("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    wanted = schema.throughput(units)
    if mode == table.billing and wanted == table.throughput and "GlobalSecondaryIndexUpdates" not in given:
        raise invalid(
            "The provisioned throughput for the table will not change. The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the table: {wanted.read}. "
            f"Requested ReadCapacityUnits: {wanted.read}. "
            f"Current WriteCapacityUnits provisioned for the table: {wanted.write}. "
            f"Requested WriteCapacityUnits: {wanted.write}. "
            "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )
    if mode != table.billing:
        stated = {one["Update"]["IndexName"] for one in _updates(given) if "Update" in one}
        missing = [index.name for index in table.indexes if index.is_global and index.name not in stated]
        if missing:
            raise invalid_values(f"ProvisionedThroughput must be specified for index: {','.join(missing)}")
    return msgspec.structs.replace(table, billing=mode, throughput=wanted, on_demand={})


def _resettled(table: Table, given: Mapping[str, Any]) -> Table:
    """The table with what is merely stored."""
    changes: dict[str, Any] = {}
    if "DeletionProtectionEnabled" in given:
        changes["protected"] = given["DeletionProtectionEnabled"]
    if "TableClass" in given:
        changes["table_class"] = given["TableClass"]
    if "SSESpecification" in given:
        changes["encryption"] = schema.encryption(given["SSESpecification"], given["DefaultKey"])
    if "OnDemandThroughput" in given:
        stated = given["OnDemandThroughput"]
        kept = {name: value for name, value in table.on_demand.items() if name not in stated}
        changes["on_demand"] = kept | schema.on_demand(stated, table.billing)
    if "WarmThroughput" in given:
        changes["warm"] = given["WarmThroughput"]
    return msgspec.structs.replace(table, **changes) if changes else table


async def _replicated(tx: Transaction, table: Table, what: str, asked: Mapping[str, Any]) -> Table:
    """The table with a replica more or less."""
    if what == "Create":
        return await replicas.add_replica(tx, table, asked)
    region = replicas.other_replica(tx, table, asked)
    if what != "Delete":
        return table
    place = tx.at(tx.account, region)
    replica = await tables.get(place, table.name)
    if replica is not None:
        await drop_table(place, msgspec.structs.replace(replica, restoring=False))
    await replicas.forget_replica(tx, table, region)
    left = {one: status for one, status in table.replicas.items() if one != region}
    return msgspec.structs.replace(table, replicas=left)


async def _restreamed(tx: Transaction, table: Table, specification: Mapping[str, Any]) -> Table:
    """The table with its stream begun or ended."""
    view = schema.stream_view(specification)
    if view and table.stream:
        raise invalid(f"Table already has an enabled stream: TableName: {table.name}")
    if not view and not table.stream:
        raise invalid(f"Table already has a disabled stream: TableName: {table.name}")
    if view:
        return await with_stream(tx, table, view)
    if table.replicas:
        raise invalid(f"The stream of a table with replicas cannot be disabled: TableName: {table.name}")
    await end_stream(tx, table)
    return msgspec.structs.replace(table, stream="")


async def _with_index(tx: Transaction, table: Table, definition: Mapping[str, Any], given: Mapping[str, Any]) -> Table:
    """The table with an index that is to be filled."""
    types = schema.attribute_types(given.get("AttributeDefinitions"))
    types = {name: table.attributes.get(name, kind) for name, kind in types.items()}  # what is defined stays as it is
    index = schema.global_index(definition, types, table.billing)
    if table.index(index.name) is not None:
        raise invalid("Attempting to create an index which already exists")
    index = msgspec.structs.replace(index, id=await new_id(tx), backfilling=True)
    indexes = (*table.indexes, index)
    schema.check_names(indexes)
    if sum(one.is_global for one in indexes) > schema.MOST_GLOBAL:
        raise schema.too_many_global()
    backfill_later(tx, Backfill(table.name, index.name))
    merged = table.attributes | index.keys.types
    return msgspec.structs.replace(table, indexes=indexes, attributes=merged)


def _without(table: Table, index: Index) -> Table:
    """The table without an index, and without the attribute definitions that only it used."""
    indexes = tuple(one for one in table.indexes if one.name != index.name)
    used = {*table.keys.names, *(name for one in indexes for name in one.keys.names)}
    attributes = {name: kind for name, kind in table.attributes.items() if name in used}
    return msgspec.structs.replace(table, indexes=indexes, attributes=attributes)


def _with_throughput(table: Table, update: Mapping[str, Any]) -> Table:
    """The table with an index whose throughput is changed."""
    index = _existing(table, update["IndexName"])
    changes: dict[str, Any] = {}
    if "ProvisionedThroughput" in update:
        changes["throughput"] = schema.throughput(update["ProvisionedThroughput"])
    if "OnDemandThroughput" in update:
        changes["on_demand"] = schema.on_demand(update["OnDemandThroughput"], table.billing)
    changed = msgspec.structs.replace(index, **changes)
    indexes = tuple(changed if one.name == index.name else one for one in table.indexes)
    return msgspec.structs.replace(table, indexes=indexes)


def _existing(table: Table, name: str) -> Index:
    index = table.index(name)
    if index is None or not index.is_global:
        raise aws_error("ResourceNotFoundException", "Requested resource not found")
    return index
