"""BatchGetItem and BatchWriteItem: many items of several tables, not atomic, at most 16 MB an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.capacity import Consumed, ConsumedByTable, collection_metrics, metrics_by_table, read_units
from kumoi.services.dynamodb.changes import Change, Prepared, key_of_change, prepare, put_of, store
from kumoi.services.dynamodb.errors import WRONG_KEY, invalid
from kumoi.services.dynamodb.expressions import Read
from kumoi.services.dynamodb.keys import Item, ItemKey, normalised_key
from kumoi.services.dynamodb.language.projections import Projection
from kumoi.services.dynamodb.naming import find_table, table_name
from kumoi.services.dynamodb.records import Table
from kumoi.services.dynamodb.storage import Row, answered, find
from kumoi.state import Transaction, transactional

MOST_GETS, MOST_WRITES = 100, 25
MOST_ANSWERED = 16 * 1024 * 1024
DUPLICATES = "Provided list of item keys contains duplicates"
TWO_KINDS = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)


@dynamodb.operation
async def batch_get_item(
    call: Call, RequestItems: dict[str, dict[str, Any]], ReturnConsumedCapacity: str = "NONE"
) -> dict[str, Any]:
    """Items of several tables by their keys; those that are not there are left out."""
    if not RequestItems:
        raise invalid("The requestItems parameter is required for BatchGetItem")
    for table, asked in RequestItems.items():
        if len(asked["Keys"]) > MOST_GETS:
            raise invalid(
                f"1 validation error detected: Value at 'RequestItems.{table}.member.Keys' failed to satisfy "
                f"constraint: Member must have length less than or equal to {MOST_GETS}"
            )
    if sum(len(asked["Keys"]) for asked in RequestItems.values()) > MOST_GETS:
        raise invalid("Too many items requested for the BatchGetItem call")
    wanted = {table: (table_name(call, table), asked["Keys"]) for table, asked in RequestItems.items()}
    _check_mix(RequestItems)
    projections = {table: _projection(asked) for table, asked in RequestItems.items()}
    found = await _get(call.state, wanted)
    answer: dict[str, Any] = {"Responses": {}, "UnprocessedKeys": {}}
    consumed, size = ConsumedByTable(), 0
    for table, asked in RequestItems.items():
        items = answer["Responses"][table] = []
        projection, consistent = projections[table], bool(asked.get("ConsistentRead"))
        units = 0.0
        for number, row in enumerate(found[table]):
            size += row.size if row else 0
            if size > MOST_ANSWERED:
                answer["UnprocessedKeys"][table] = asked | {"Keys": asked["Keys"][number:]}
                break
            units += read_units(row.size if row else 0, consistent=consistent)
            if row is not None:
                items.append(answered(call, row) if projection is None else projection.of(row.item))
        consumed.add(Consumed(table, units))
    consumed.meter(call, "read_units")
    answer["ConsumedCapacity"] = consumed.told(ReturnConsumedCapacity)
    return answer


def _check_mix(requests: Mapping[str, Mapping[str, Any]]) -> None:
    """One call asks all its tables in one way."""
    said = {name: value for asked in requests.values() for name, value in asked.items() if value is not None}
    Read(said.get("AttributesToGet"), said.get("ProjectionExpression")).check_mix(None)


def _projection(asked: Mapping[str, Any]) -> Projection | None:
    read = Read(asked.get("AttributesToGet"), asked.get("ProjectionExpression"))
    names = asked.get("ExpressionAttributeNames")
    read.check_mix(names)
    return read.parse(names)


@transactional
async def _get(tx: Transaction, wanted: Mapping[str, tuple[str, list[Item]]]) -> dict[str, list[Row | None]]:
    seen: set[tuple[str, ItemKey]] = set()
    found: dict[str, list[Row | None]] = {}
    for table_as_written, (name, keys) in wanted.items():
        table = await find_table(tx, name)
        rows = found[table_as_written] = []
        for asked in keys:
            _, key = normalised_key(table.keys, asked)
            if (name, key) in seen:
                raise invalid(DUPLICATES)
            seen.add((name, key))
            rows.append(await find(tx, table.id, key))
    return found


@dynamodb.operation
async def batch_write_item(
    call: Call,
    RequestItems: dict[str, list[dict[str, Any]]],
    ReturnConsumedCapacity: str = "NONE",
    ReturnItemCollectionMetrics: str = "NONE",
) -> dict[str, Any]:
    """Put and delete items of several tables, each on its own."""
    if not RequestItems:
        raise invalid("The requestItems parameter is required for BatchWriteItem")
    if sum(len(requests) for requests in RequestItems.values()) > MOST_WRITES:
        raise invalid("Too many items requested for the BatchWriteItem call")
    wanted = {
        table: (table_name(call, table), [_change(request) for request in requests])
        for table, requests in RequestItems.items()
    }
    written = await _write(call.state, wanted)
    consumed = ConsumedByTable()
    for table, _, units in written:
        units.table_name = table
        consumed.add(units)
    consumed.meter(call, "write_units")
    metrics = (
        (table, collection_metrics(prepared.table, dict(prepared.key_attributes), ReturnItemCollectionMetrics))
        for table, prepared, _ in written
    )
    return {
        "UnprocessedItems": {},
        "ConsumedCapacity": consumed.told(ReturnConsumedCapacity),
        "ItemCollectionMetrics": metrics_by_table(metrics),
    }


def _change(request: Mapping[str, Any]) -> Change:
    put, delete = request.get("PutRequest"), request.get("DeleteRequest")
    if (put is None) == (delete is None):
        raise invalid(TWO_KINDS)
    if delete is not None:
        return Change(key=delete["Key"])
    assert put is not None
    return put_of(put["Item"])


def _key(table: Table, change: Change) -> ItemKey:
    item = change.item
    if item is not None and any(kind not in item.get(name, ()) for name, kind in table.keys.types.items()):
        raise invalid(WRONG_KEY)
    return key_of_change(table, change)[1]


@transactional
async def _write(
    tx: Transaction, wanted: Mapping[str, tuple[str, list[Change]]]
) -> list[tuple[str, Prepared, Consumed]]:
    seen: set[tuple[str, ItemKey]] = set()
    written = []
    for table_as_written, (name, changes) in wanted.items():
        table = await find_table(tx, name)
        for change in changes:
            key = _key(table, change)
            if (name, key) in seen:
                raise invalid(DUPLICATES)
            seen.add((name, key))
        for change in changes:
            prepared = await prepare(tx, table, change)
            written.append((table_as_written, prepared, await store(tx, prepared)))
    return written
