"""PutItem, GetItem, UpdateItem and DeleteItem."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.capacity import Consumed, collection_metrics, read_units
from kumoi.services.dynamodb.changes import Change, ConditionFailed, Prepared, prepare, put_of, store
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.expressions import Read, Write
from kumoi.services.dynamodb.keys import Item, key_named
from kumoi.services.dynamodb.naming import find_table, located, there
from kumoi.services.dynamodb.records import tables
from kumoi.services.dynamodb.storage import Row, answered, encoded, find
from kumoi.state import State, Transaction, transactional

NONE = "NONE"


@dynamodb.operation
async def put_item(
    call: Call,
    TableName: str,
    Item: Item,
    Expected: dict[str, Any] | None = None,
    ReturnValues: str = NONE,
    ReturnConsumedCapacity: str = NONE,
    ReturnItemCollectionMetrics: str = NONE,
    ConditionalOperator: str | None = None,
    ConditionExpression: str | None = None,
    ExpressionAttributeNames: dict[str, str] | None = None,
    ExpressionAttributeValues: Item | None = None,
    ReturnValuesOnConditionCheckFailure: str = NONE,
) -> dict[str, Any]:
    """Store an item in place of what is there, if the condition holds; ALL_OLD answers what was there."""
    state, name = located(call, TableName)
    asked = Write(Expected, ConditionalOperator, ConditionExpression)
    asked.check_mix(ExpressionAttributeNames, ExpressionAttributeValues)
    change = put_of(Item)
    _only_old(ReturnValues)
    _, condition = asked.parse(ExpressionAttributeNames, ExpressionAttributeValues)
    if condition is not None:
        change = msgspec.structs.replace(
            change, condition=condition, tell_old=ReturnValuesOnConditionCheckFailure == "ALL_OLD"
        )
    prepared, consumed = await changed(call, state, name, change)
    answer: dict[str, Any] = {}
    if ReturnValues == "ALL_OLD" and prepared.old is not None:
        answer["Attributes"] = prepared.old.item
    return told(call, answer, TableName, prepared, consumed, ReturnConsumedCapacity, ReturnItemCollectionMetrics)


@dynamodb.operation
async def delete_item(
    call: Call,
    TableName: str,
    Key: Item,
    Expected: dict[str, Any] | None = None,
    ConditionalOperator: str | None = None,
    ReturnValues: str = NONE,
    ReturnConsumedCapacity: str = NONE,
    ReturnItemCollectionMetrics: str = NONE,
    ConditionExpression: str | None = None,
    ExpressionAttributeNames: dict[str, str] | None = None,
    ExpressionAttributeValues: Item | None = None,
    ReturnValuesOnConditionCheckFailure: str = NONE,
) -> dict[str, Any]:
    """Delete an item, if it is there and the condition holds; ALL_OLD answers what was there."""
    state, name = located(call, TableName)
    asked = Write(Expected, ConditionalOperator, ConditionExpression)
    asked.check_mix(ExpressionAttributeNames, ExpressionAttributeValues)
    _only_old(ReturnValues)
    _, condition = asked.parse(ExpressionAttributeNames, ExpressionAttributeValues)
    change = Change(key=Key, condition=condition, tell_old=ReturnValuesOnConditionCheckFailure == "ALL_OLD")
    prepared, consumed = await changed(call, state, name, change)
    answer: dict[str, Any] = {}
    if ReturnValues == "ALL_OLD" and prepared.old is not None:
        answer["Attributes"] = prepared.old.item
    return told(call, answer, TableName, prepared, consumed, ReturnConsumedCapacity, ReturnItemCollectionMetrics)


@dynamodb.operation
async def update_item(
    call: Call,
    TableName: str,
    Key: Item,
    AttributeUpdates: dict[str, Any] | None = None,
    Expected: dict[str, Any] | None = None,
    ConditionalOperator: str | None = None,
    ReturnValues: str = NONE,
    ReturnConsumedCapacity: str = NONE,
    ReturnItemCollectionMetrics: str = NONE,
    UpdateExpression: str | None = None,
    ConditionExpression: str | None = None,
    ExpressionAttributeNames: dict[str, str] | None = None,
    ExpressionAttributeValues: Item | None = None,
    ReturnValuesOnConditionCheckFailure: str = NONE,
) -> dict[str, Any]:
    """Change attributes of an item, or make it, if the condition holds."""
    state, name = located(call, TableName)
    asked = Write(Expected, ConditionalOperator, ConditionExpression, AttributeUpdates, UpdateExpression, updates=True)
    asked.check_mix(ExpressionAttributeNames, ExpressionAttributeValues)
    update, condition = asked.parse(ExpressionAttributeNames, ExpressionAttributeValues)
    change = Change(
        key=Key, update=update, condition=condition, tell_old=ReturnValuesOnConditionCheckFailure == "ALL_OLD"
    )
    prepared, consumed = await changed(call, state, name, change)
    answer: dict[str, Any] = {}
    attributes = returned(prepared, ReturnValues)
    if attributes:
        answer["Attributes"] = attributes
    return told(call, answer, TableName, prepared, consumed, ReturnConsumedCapacity, ReturnItemCollectionMetrics)


@dynamodb.operation
async def get_item(
    call: Call,
    TableName: str,
    Key: Item,
    AttributesToGet: list[str] | None = None,
    ConsistentRead: bool = False,
    ReturnConsumedCapacity: str = NONE,
    ProjectionExpression: str | None = None,
    ExpressionAttributeNames: dict[str, str] | None = None,
) -> dict[str, Any]:
    """An item, or what a projection leaves of it; no Item when there is none."""
    state, name = located(call, TableName)
    asked = Read(AttributesToGet, ProjectionExpression)
    asked.check_mix(ExpressionAttributeNames)
    projection = asked.parse(ExpressionAttributeNames)
    row = await get(state, name, Key)
    units = read_units(row.size if row is not None else 0, consistent=ConsistentRead)
    call.meter("read_units", units)
    answer: dict[str, Any] = {}
    if row is not None:
        answer["Item"] = answered(call, row) if projection is None else projection.of(row.item)
    if ReturnConsumedCapacity != NONE:
        answer["ConsumedCapacity"] = Consumed(TableName, units).told(ReturnConsumedCapacity)
    return answer


async def get(state: State, name: str, key: Item) -> Row | None:
    """The item of a key: one row needs no transaction, where the table is remembered."""
    try:
        table = there(tables.glance(state, name))
    except LookupError:
        return await _get(state, name, key)
    raw = await state.read(encoded(table.id, key_named(table.keys, key)))
    return None if raw is None else Row(raw)


@transactional
async def _get(tx: Transaction, name: str, key: Item) -> Row | None:
    table = await find_table(tx, name)
    return await find(tx, table.id, key_named(table.keys, key))


async def changed(call: Call, state: State, name: str, change: Change) -> tuple[Prepared, Consumed]:
    """Make one change; what a condition that fails has consumed is metered."""
    try:
        return await write(state, name, change)
    except ConditionFailed as failed:
        call.meter("write_units", failed.consumed)
        raise


@transactional
async def write(tx: Transaction, name: str, change: Change) -> tuple[Prepared, Consumed]:
    """Make one change."""
    prepared = await prepare(tx, await find_table(tx, name), change)
    return prepared, await store(tx, prepared)


def returned(prepared: Prepared, ReturnValues: str) -> Item | None:
    """What UpdateItem answers as Attributes."""
    if ReturnValues == "ALL_OLD":
        return prepared.old.item if prepared.old else None
    if ReturnValues == "ALL_NEW":
        return prepared.new.item if prepared.new else None
    if ReturnValues == "UPDATED_OLD":
        return prepared.touched.of(prepared.old.item) if prepared.old and prepared.touched else None
    if ReturnValues == "UPDATED_NEW":
        return prepared.touched.of(prepared.new.item) if prepared.new and prepared.touched else None
    return None


def told(
    call: Call,
    answer: dict[str, Any],
    table_name: str,
    prepared: Prepared,
    consumed: Consumed,
    capacity: str,
    metrics: str,
) -> dict[str, Any]:
    """Add what a write consumed, where it is asked for; the write is metered in any case."""
    consumed.meter(call, "write_units")
    if capacity != NONE:
        consumed.table_name = table_name
        answer["ConsumedCapacity"] = consumed.told(capacity)
    if metrics != NONE:
        answer["ItemCollectionMetrics"] = collection_metrics(prepared.table, dict(prepared.key_attributes), metrics)
    return answer


def _only_old(ReturnValues: str) -> None:
    if ReturnValues not in ("ALL_OLD", NONE):
        raise invalid("ReturnValues can only be ALL_OLD or NONE")
