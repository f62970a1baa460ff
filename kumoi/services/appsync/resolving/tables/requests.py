"""The requests that programs make of a table, and what they get: plain values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.tables import batches, syncing, versions
from kumoi.services.appsync.resolving.tables.failures import settled
from kumoi.services.appsync.resolving.tables.table import Expressions, Table, projected
from kumoi.services.appsync.resolving.tables.values import (
    bad_token,
    low,
    plain_item,
    position_of,
    sendable,
    token_of,
)

Make = Callable[[Table, Mapping[str, Any]], Awaitable[Any]]


async def answer(table: Table, request: Mapping[str, Any]) -> Any:
    """Make a request of a table; raises FieldError."""
    operation = str(request.get("operation"))
    made = _OPERATIONS.get(operation)
    if made is None:
        raise FieldError(f"Unsupported operation '{operation}'.", "MappingTemplate")
    if table.versioned and operation in _UNVERSIONED:
        raise FieldError(
            f"Unsupported operation '{operation}': {table.source} is a versioned data source.", "MappingTemplate"
        )
    if table.versioned:
        made = versions.OPERATIONS.get(operation, made)
    elif operation == "Sync":
        raise FieldError(
            f"Unsupported operation 'Sync': {table.source} is not a versioned data source.", "MappingTemplate"
        )
    try:
        return await made(table, request)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError) as error:
        raise FieldError(f"Unable to transform for exception: {error}", "MappingTemplate") from None


async def _get(table: Table, request: Mapping[str, Any]) -> Any:
    given: dict[str, Any] = {"TableName": table.name, "Key": low(request["key"]), **projected(request)}
    if "consistentRead" in request:
        given["ConsistentRead"] = bool(request["consistentRead"])
    return plain_item((await table.ask("GetItem", **given)).get("Item"))


async def _put(table: Table, request: Mapping[str, Any]) -> Any:
    item = {**low(request.get("attributeValues") or {}), **low(request["key"])}

    async def put(condition: Mapping[str, Any]) -> Any:
        await table.ask("PutItem", TableName=table.name, Item=item, **condition)
        return plain_item(item)

    return await _changed(table, request, put, item)


async def _update(table: Table, request: Mapping[str, Any]) -> Any:
    update = request.get("update") or {}
    given: dict[str, Any] = {"TableName": table.name, "Key": low(request["key"]), "ReturnValues": "ALL_NEW"}
    expressions = Expressions()
    text = expressions.add(update)
    if text is not None:
        given["UpdateExpression"] = text
    condition = expressions.add(request.get("condition"))
    if condition is not None:
        given["ConditionExpression"] = condition

    async def change(_: Mapping[str, Any]) -> Any:
        found = await table.ask("UpdateItem", **given, **expressions.given())
        return plain_item(found.get("Attributes"))

    return await _changed(table, request, change, None)


async def _delete(table: Table, request: Mapping[str, Any]) -> Any:
    async def remove(condition: Mapping[str, Any]) -> Any:
        given = {"TableName": table.name, "Key": low(request["key"]), "ReturnValues": "ALL_OLD"}
        return plain_item((await table.ask("DeleteItem", **given, **condition)).get("Attributes"))

    return await _changed(table, request, remove, {})


async def _changed(
    table: Table,
    request: Mapping[str, Any],
    change: Callable[[Mapping[str, Any]], Awaitable[Any]],
    intended: Mapping[str, Any] | None,
) -> Any:
    """A change under a condition; one that does not hold is judged by what the item is and was meant to become."""
    expressions = Expressions()
    text = expressions.add(request.get("condition"))
    given = {} if text is None else {"ConditionExpression": text, **expressions.given()}
    try:
        return await change(given)
    except FieldError as error:
        if error.kind != "DynamoDB:ConditionalCheckFailedException":
            raise
        return await settled(table, request, error, intended, answer)


async def _query(table: Table, request: Mapping[str, Any]) -> Any:
    expressions = Expressions()
    text = expressions.add(request["query"])
    return await _paged(table, "Query", request, expressions, KeyConditionExpression=text)


async def _scan(table: Table, request: Mapping[str, Any]) -> Any:
    return await _paged(table, "Scan", request, Expressions())


async def _paged(
    table: Table, operation: str, request: Mapping[str, Any], expressions: Expressions, **given: Any
) -> Any:
    given["TableName"] = table.name
    for member, text in (
        ("FilterExpression", expressions.add(request.get("filter"))),
        ("ProjectionExpression", expressions.add(request.get("projection"))),
    ):
        if text is not None:
            given[member] = text
    for name, member, kind in _PAGED:
        if request.get(name) is not None:
            given[member] = kind(request[name])
    if request.get("nextToken"):
        given["ExclusiveStartKey"] = _start(request["nextToken"])
    found = await table.ask(operation, **given, **expressions.given())
    last = found.get("LastEvaluatedKey")
    return {
        "items": [plain_item(item) for item in found.get("Items", ())],
        "nextToken": None if not last else token_of(sendable(last)),
        "scannedCount": found.get("ScannedCount", 0),
    }


def _start(token: Any) -> dict[str, Any]:
    try:
        return low(position_of(token))
    except (ValueError, AttributeError, TypeError):
        raise bad_token() from None


_PAGED: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("index", "IndexName", str),
    ("limit", "Limit", int),
    ("consistentRead", "ConsistentRead", bool),
    ("scanIndexForward", "ScanIndexForward", bool),
    ("select", "Select", str),
    ("totalSegments", "TotalSegments", int),
    ("segment", "Segment", int),
)
_OPERATIONS: dict[str, Make] = {
    "GetItem": _get,
    "PutItem": _put,
    "UpdateItem": _update,
    "DeleteItem": _delete,
    "Query": _query,
    "Scan": _scan,
    "Sync": syncing.sync,
    **batches.OPERATIONS,
}
_UNVERSIONED = frozenset(("BatchPutItem", "BatchDeleteItem", "TransactWriteItems"))
"""What would change items beside their versions."""
