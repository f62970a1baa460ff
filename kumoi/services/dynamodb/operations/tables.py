"""CreateTable, DescribeTable, DeleteTable and ListTables.

A table is usable when CreateTable answers; the answer says CREATING as AWS's does, and the next DescribeTable ACTIVE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.dynamodb import dynamodb, journal, replicas, schema
from kumoi.services.dynamodb.copying import refuse_while_copied
from kumoi.services.dynamodb.describe import Count, describe, describe_deleted, table_arn
from kumoi.services.dynamodb.errors import invalid, no_such_table
from kumoi.services.dynamodb.expiry import EXPIRE_TOPIC, EXPIRIES
from kumoi.services.dynamodb.kinesis_log import destinations
from kumoi.services.dynamodb.naming import arn_of, table_name
from kumoi.services.dynamodb.records import Table, tables
from kumoi.services.dynamodb.replication import VERSIONS
from kumoi.services.dynamodb.resource_policies import check_document, policies, put_policy, stream_arn
from kumoi.services.dynamodb.storage import counts, new_id
from kumoi.services.dynamodb.streams.records import end_stream, with_stream
from kumoi.services.dynamodb.upkeep import erase_later, erase_rows_later
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_TAGS = 50


@dynamodb.operation
async def create_table(
    call: Call,
    TableName: str,
    KeySchema: list[dict[str, str]] | None = None,
    AttributeDefinitions: list[dict[str, str]] | None = None,
    BillingMode: str = "PROVISIONED",
    ProvisionedThroughput: dict[str, int] | None = None,
    LocalSecondaryIndexes: list[dict[str, Any]] | None = None,
    GlobalSecondaryIndexes: list[dict[str, Any]] | None = None,
    StreamSpecification: dict[str, Any] | None = None,
    SSESpecification: dict[str, Any] | None = None,
    Tags: list[dict[str, str]] | None = None,
    TableClass: str = "STANDARD",
    DeletionProtectionEnabled: bool = False,
    OnDemandThroughput: dict[str, int] | None = None,
    WarmThroughput: dict[str, int] | None = None,
    ResourcePolicy: str | None = None,
) -> dict[str, Any]:
    """Make a table; ResourceInUseException when there is one of that name."""
    table = planned(call, call.params)
    if ResourcePolicy is not None:
        check_document(ResourcePolicy)
    table = await _create(call.state, table, ResourcePolicy)
    return {"TableDescription": being_made(call, table)}


def planned(call: Call, given: Mapping[str, Any]) -> Table:
    """The table that CreateTable's members describe, without its numbers; ValidationException for what may not be."""
    name, billing = table_name(call, given["TableName"]), given.get("BillingMode") or "PROVISIONED"
    units = schema.billing_mode(billing, given.get("ProvisionedThroughput"))
    if not given.get("KeySchema") or given.get("AttributeDefinitions") is None:
        raise invalid("One or more parameter values were invalid: KeySchema and AttributeDefinitions must be specified")
    types = schema.attribute_types(given["AttributeDefinitions"])
    keys = schema.table_keys(given["KeySchema"], types)
    local = schema.local_indexes(given.get("LocalSecondaryIndexes"), keys, types)
    indexes = [*local, *schema.global_indexes(given.get("GlobalSecondaryIndexes"), types, billing)]
    schema.check_names(indexes)
    schema.check_all_used(types, keys, indexes)
    tags = given.get("Tags") or ()
    if len(tags) > MOST_TAGS:
        raise invalid(f"Too many tags: a table has at most {MOST_TAGS}")
    table_class = given.get("TableClass", "STANDARD")
    return Table(
        name=name,
        id=0,
        uuid=uuid(),
        created=round(call.now, 3),
        keys=keys,
        attributes=types,
        indexes=tuple(indexes),
        billing=billing,
        throughput=units,
        on_demand=schema.on_demand(given.get("OnDemandThroughput"), billing),
        warm=given.get("WarmThroughput") or {},
        stream=schema.stream_view(given.get("StreamSpecification")),
        protected=bool(given.get("DeletionProtectionEnabled")),
        table_class="" if table_class == "STANDARD" else table_class,
        encryption=schema.encryption(given.get("SSESpecification"), call.arn("kms", "alias/aws/dynamodb")),
        tags={tag["Key"]: tag["Value"] for tag in tags},
    )


def being_made(call: Call, table: Table) -> dict[str, Any]:
    """A new table as CreateTable tells it."""
    nothing = {id: Count(0, 0) for id in (table.id, *(index.id for index in table.indexes))}
    description = describe(table, arn_of(call, table.name), nothing)
    description["TableStatus"] = "CREATING"
    for index in description.get("GlobalSecondaryIndexes", ()):
        index["IndexStatus"] = "CREATING"
    return description


@transactional
async def _create(tx: Transaction, table: Table, policy: str | None) -> Table:
    table = await store_new(tx, table)
    if policy is not None:
        await put_policy(tx, table_arn(tx.account, tx.region, table.name), policy, None)
    return table


async def store_new(tx: Transaction, table: Table) -> Table:
    """Store a planned table, with its numbers; ResourceInUseException when there is one of that name."""
    if await tables.get(tx, table.name) is not None:
        raise aws_error("ResourceInUseException", f"Table already exists: {table.name}")
    made = [msgspec.structs.replace(index, id=await new_id(tx)) for index in table.indexes]
    table = msgspec.structs.replace(table, id=await new_id(tx), indexes=tuple(made))
    if table.stream:
        table = await with_stream(tx, table, table.stream)
    await tables.put(tx, table)
    return table


@dynamodb.operation
async def describe_table(call: Call, TableName: str) -> dict[str, Any]:
    """A table, its indexes, and how much lies in them."""
    table, counted = await _find(call.state, table_name(call, TableName))
    return {"Table": describe(table, arn_of(call, table.name), counted, warm=True)}


@transactional
async def _find(tx: Transaction, name: str) -> tuple[Table, dict[int, Count]]:
    table = await tables.get(tx, name)
    if table is None:
        raise no_such_table(name)
    return table, await counts(tx, table)


@dynamodb.operation
async def delete_table(call: Call, TableName: str) -> dict[str, Any]:
    """Drop a table with all its items; its stream stays readable for a day."""
    table, counted = await _delete(call.state, table_name(call, TableName))
    return {"TableDescription": describe_deleted(table, arn_of(call, table.name), counted)}


@transactional
async def _delete(tx: Transaction, name: str) -> tuple[Table, dict[int, Count]]:
    table, counted = await _find(tx, name)
    await drop_table(tx, table)
    await replicas.forget_replica(tx, table, tx.region)
    return table, counted


async def drop_table(tx: Transaction, table: Table) -> None:
    """Remove a table; ValidationException for one that is protected, ResourceInUseException while it is copied."""
    if table.protected:
        raise invalid(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first."
        )
    refuse_while_copied(table)
    await journal.trim(tx, table.id, float("inf"))
    await tables.delete(tx, table.name)
    for id in (table.id, *(index.id for index in table.indexes)):
        await erase_rows_later(tx, id)
    if table.stream:
        await end_stream(tx, table)
    erase_later(tx, (EXPIRIES, table.id))
    erase_later(tx, (VERSIONS, table.id))
    tx.cancel_timer(EXPIRE_TOPIC, f"{table.name}/{table.id}")
    for arn in (table_arn(tx.account, tx.region, table.name), stream_arn(tx, table)):
        await policies.delete(tx, arn)
    await destinations.delete_all(tx, table.name)


@dynamodb.operation
async def list_tables(call: Call, ExclusiveStartTableName: str | None = None, Limit: int = 100) -> dict[str, Any]:
    """The tables' names in order, a page at a time."""
    names = await _list(call.state, ExclusiveStartTableName, Limit + 1)
    answer: dict[str, Any] = {"TableNames": names[:Limit]}
    if len(names) > Limit:
        answer["LastEvaluatedTableName"] = names[Limit - 1]
    return answer


@transactional
async def _list(tx: Transaction, after: str | None, limit: int) -> list[str]:
    found = await tables.list(tx, after=None if after is None else (after,), limit=limit)
    return [table.name for table in found]
