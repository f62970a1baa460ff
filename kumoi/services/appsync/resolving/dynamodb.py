"""The requests that programs make of a table, and what they get: plain values.

Source: "AppSync resolver mapping template reference for DynamoDB".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from kumoi.services.appsync.resolving.outcomes import FieldError

Ask = Callable[..., Any]
"""Calls an operation of DynamoDB; raises FieldError."""


async def answer(ask: Ask, table: str, request: Mapping[str, Any]) -> Any:
    """Make a request of a table; raises FieldError."""
    operation = request.get("operation")
    made = _OPERATIONS.get(str(operation))
    if made is None:
        raise FieldError(f"Unsupported operation '{operation}'.", "MappingTemplate")
    try:
        return await made(ask, table, request)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise FieldError(f"Unable to transform for exception: {error}", "MappingTemplate") from None


async def _get(ask: Ask, table: str, request: Mapping[str, Any]) -> Any:
    given: dict[str, Any] = {"TableName": table, "Key": low(request["key"]), **_projection(request)}
    if "consistentRead" in request:
        given["ConsistentRead"] = bool(request["consistentRead"])
    return _item((await ask("GetItem", **given)).get("Item"))


async def _put(ask: Ask, table: str, request: Mapping[str, Any]) -> Any:
    item = {**low(request.get("attributeValues") or {}), **low(request["key"])}
    await _changed(ask, "PutItem", table, request, Item=item)
    return _item(item)


async def _update(ask: Ask, table: str, request: Mapping[str, Any]) -> Any:
    update = request.get("update") or {}
    given: dict[str, Any] = {"Key": low(request["key"]), "ReturnValues": "ALL_NEW"}
    if update.get("expression"):
        given["UpdateExpression"] = update["expression"]
    found = await _changed(ask, "UpdateItem", table, request, update, **given)
    return _item(found.get("Attributes"))


async def _delete(ask: Ask, table: str, request: Mapping[str, Any]) -> Any:
    found = await _changed(ask, "DeleteItem", table, request, Key=low(request["key"]), ReturnValues="ALL_OLD")
    return _item(found.get("Attributes"))


async def _changed(
    ask: Ask,
    operation: str,
    table: str,
    request: Mapping[str, Any],
    update: Mapping[str, Any] | None = None,
    **given: Any,
) -> Any:
    """A change under a condition; one that does not hold is an error with the item as it is."""
    condition = request.get("condition") or {}
    given |= {"TableName": table, **_names_and_values(update or {}, condition)}
    if condition.get("expression"):
        given["ConditionExpression"] = condition["expression"]
    try:
        return await ask(operation, **given)
    except FieldError as error:
        if error.kind != "DynamoDB:ConditionalCheckFailedException":
            raise
        found = await ask("GetItem", TableName=table, Key=low(request["key"]), ConsistentRead=True)
        error.data = _item(found.get("Item"))
        raise


async def _query(ask: Ask, table: str, request: Mapping[str, Any]) -> Any:
    query = request["query"]
    return await _paged(ask, "Query", table, request, query, KeyConditionExpression=query["expression"])


async def _scan(ask: Ask, table: str, request: Mapping[str, Any]) -> Any:
    return await _paged(ask, "Scan", table, request, {})


async def _paged(
    ask: Ask, operation: str, table: str, request: Mapping[str, Any], query: Mapping[str, Any], **given: Any
) -> Any:
    condition = request.get("filter") or {}
    projection = request.get("projection") or {}
    given |= {"TableName": table, **_names_and_values(query, condition, projection)}
    if condition.get("expression"):
        given["FilterExpression"] = condition["expression"]
    if projection.get("expression"):
        given["ProjectionExpression"] = projection["expression"]
    for name, member, kind in _PAGED:
        if request.get(name) is not None:
            given[member] = kind(request[name])
    if request.get("nextToken"):
        given["ExclusiveStartKey"] = _start(str(request["nextToken"]))
    found = await ask(operation, **given)
    last = found.get("LastEvaluatedKey")
    return {
        "items": [_item(item) for item in found.get("Items", ())],
        "nextToken": None if not last else base64.urlsafe_b64encode(orjson.dumps(_sendable(last))).decode(),
        "scannedCount": found.get("ScannedCount", 0),
    }


_PAGED: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("index", "IndexName", str),
    ("limit", "Limit", int),
    ("consistentRead", "ConsistentRead", bool),
    ("scanIndexForward", "ScanIndexForward", bool),
    ("select", "Select", str),
    ("totalSegments", "TotalSegments", int),
    ("segment", "Segment", int),
)
_OPERATIONS: dict[str, Callable[[Ask, str, Mapping[str, Any]], Any]] = {
    "GetItem": _get,
    "PutItem": _put,
    "UpdateItem": _update,
    "DeleteItem": _delete,
    "Query": _query,
    "Scan": _scan,
}


def _projection(request: Mapping[str, Any]) -> dict[str, Any]:
    projection = request.get("projection") or {}
    if not projection.get("expression"):
        return {}
    return {"ProjectionExpression": projection["expression"], **_names_and_values(projection)}


def _names_and_values(*expressions: Mapping[str, Any]) -> dict[str, Any]:
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    for one in expressions:
        names |= one.get("expressionNames") or {}
        values |= low(one.get("expressionValues") or {})
    given: dict[str, Any] = {}
    if names:
        given["ExpressionAttributeNames"] = names
    if values:
        given["ExpressionAttributeValues"] = values
    return given


def _start(token: str) -> dict[str, Any]:
    try:
        return low(orjson.loads(base64.urlsafe_b64decode(token)))
    except (ValueError, binascii.Error, AttributeError):
        raise FieldError("Invalid pagination token given.", "DynamoDB:ValidationException") from None


def low(values: Mapping[str, Any]) -> dict[str, Any]:
    """Typed values of JSON as DynamoDB takes them: numbers are texts, binaries bytes."""
    return {name: _low(value) for name, value in values.items()}


def _low(value: Any) -> Any:
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return {"N": _number_text(held)}
        case "NS":
            return {"NS": [_number_text(one) for one in held]}
        case "B":
            return {"B": held if isinstance(held, bytes) else base64.b64decode(held)}
        case "BS":
            return {"BS": [base64.b64decode(one) for one in held]}
        case "NULL":
            return {"NULL": True}
        case "L":
            return {"L": [_low(one) for one in held]}
        case "M":
            return {"M": low(held)}
    return {kind: held}


def _number_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _sendable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"B": base64.b64encode(bytes(value["B"])).decode()} if "B" in value else value
        for name, value in values.items()
    }


def _item(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: plain(value) for name, value in item.items()} if item else None


def plain(value: Mapping[str, Any]) -> Any:
    """A typed value as programs see it; sets are lists."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return number(held)
        case "NS":
            return [number(one) for one in held]
        case "B":
            return base64.b64encode(bytes(held)).decode()
        case "BS":
            return [base64.b64encode(bytes(one)).decode() for one in held]
        case "NULL":
            return None
        case "L":
            return [plain(one) for one in held]
        case "M":
            return {name: plain(one) for name, one in held.items()}
        case "SS":
            return list(held)
    return held


def number(text: str) -> int | float:
    """A number of DynamoDB's; one that JSON could not hold exactly is rounded."""
    try:
        whole = int(text)
    except ValueError:
        return float(text)
    return whole if -(2**63) <= whole < 2**63 else float(text)
