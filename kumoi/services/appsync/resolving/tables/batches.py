"""Requests of many items: batches over tables, and transactions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.tables.table import Expressions, Table, projected
from kumoi.services.appsync.resolving.tables.values import low, plain_item, same
from kumoi.wire.errors import AwsError

_CANCELLED = "DynamoDB:TransactionCanceledException"
_MEMBERS = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete", "ConditionCheck": "ConditionCheck"}


async def _batch_get(table: Table, request: Mapping[str, Any]) -> Any:
    wanted: dict[str, Any] = {}
    keys: dict[str, list[dict[str, Any]]] = {}
    added: dict[str, set[str]] = {}
    for name, asked in request["tables"].items():
        keys[name] = [low(key) for key in asked["keys"]]
        wanted[name] = {"Keys": keys[name], **projected(asked)}
        added[name] = _with_keys(wanted[name], keys[name])
        if "consistentRead" in asked:
            wanted[name]["ConsistentRead"] = bool(asked["consistentRead"])
    unprocessed = {name: [plain_item(key) for key in listed] for name, listed in keys.items()}
    answer = await _asked(table, "BatchGetItem", "unprocessedKeys", unprocessed, RequestItems=wanted)
    found = answer.get("Responses") or {}
    left = answer.get("UnprocessedKeys") or {}
    return {
        "data": {
            name: [_shown(_of_key(found.get(name, ()), key), added[name]) for key in listed]
            for name, listed in keys.items()
        },
        "unprocessedKeys": {name: [plain_item(key) for key in (left.get(name) or {}).get("Keys", ())] for name in keys},
    }


def _with_keys(wanted: dict[str, Any], keys: list[dict[str, Any]]) -> set[str]:
    """Project the keys as well, which items are told apart by; the attributes that nobody asked for."""
    if "ProjectionExpression" not in wanted or not keys:
        return set()
    names = wanted.get("ExpressionAttributeNames") or {}
    asked = {one.strip() for one in wanted["ProjectionExpression"].split(",")}
    missing = [name for name in keys[0] if name not in {names.get(one, one) for one in asked}]
    if missing:
        aliases = {f"#kumoi_key_{at}": name for at, name in enumerate(missing)}
        wanted["ProjectionExpression"] = ", ".join((wanted["ProjectionExpression"], *aliases))
        wanted["ExpressionAttributeNames"] = {**names, **aliases}
    return set(missing)


def _of_key(items: Any, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for item in items:
        if all(name in item and same(item[name], value) for name, value in key.items()):
            found: Mapping[str, Any] = item
            return found
    return None


def _shown(item: Mapping[str, Any] | None, without: set[str]) -> dict[str, Any] | None:
    found = plain_item(item)
    return found and {name: value for name, value in found.items() if name not in without}


async def _batch_put(table: Table, request: Mapping[str, Any]) -> Any:
    return await _batch_write(table, request["tables"], "PutRequest", "Item", "unprocessedItems")


async def _batch_delete(table: Table, request: Mapping[str, Any]) -> Any:
    return await _batch_write(table, request["tables"], "DeleteRequest", "Key", "unprocessedKeys")


async def _batch_write(table: Table, tables: Mapping[str, Any], kind: str, member: str, left: str) -> Any:
    given = {name: [low(one) for one in listed] for name, listed in tables.items()}
    shown = {name: [plain_item(one) for one in listed] for name, listed in given.items()}
    wanted = {name: [{kind: {member: one}} for one in listed] for name, listed in given.items()}
    answer = await _asked(table, "BatchWriteItem", left, shown, RequestItems=wanted)
    undone = {
        name: [plain_item(one[kind][member]) for one in (answer.get("UnprocessedItems") or {}).get(name, ())]
        for name in given
    }
    return {
        "data": {name: [None if one in undone[name] else one for one in listed] for name, listed in shown.items()},
        left: undone,
    }


async def _asked(table: Table, operation: str, left: str, unprocessed: dict[str, Any], **given: Any) -> Any:
    """Ask; where that fails, the error says that nothing was processed."""
    try:
        return await table.ask(operation, **given)
    except FieldError as error:
        nothing = {name: [None] * len(listed) for name, listed in unprocessed.items()}
        error.data = {"data": nothing, left: unprocessed}
        raise


async def _transact_get(table: Table, request: Mapping[str, Any]) -> Any:
    wanted = [
        {"Get": {"TableName": one["table"], "Key": low(one["key"]), **projected(one)}}
        for one in request["transactItems"]
    ]
    answer = await _transacted(table, "TransactGetItems", wanted, "items")
    found = [plain_item(one.get("Item")) for one in answer.get("Responses", ())]
    return {"items": found, "cancellationReasons": None}


async def _transact_write(table: Table, request: Mapping[str, Any]) -> Any:
    items = request["transactItems"]
    await _transacted(table, "TransactWriteItems", [_write(one) for one in items], "keys")
    return {"keys": [plain_item(low(one["key"])) for one in items], "cancellationReasons": None}


def _write(one: Mapping[str, Any]) -> dict[str, Any]:
    operation = str(one.get("operation"))
    if operation not in _MEMBERS:
        raise FieldError(f"Unsupported operation '{operation}' in transactItems.", "MappingTemplate")
    given: dict[str, Any] = {"TableName": one["table"]}
    expressions, key, condition = Expressions(), low(one["key"]), one.get("condition") or {}
    if operation == "PutItem":
        given["Item"] = {**low(one.get("attributeValues") or {}), **key}
    else:
        given["Key"] = key
    if operation == "UpdateItem":
        given["UpdateExpression"] = expressions.add(one["update"]) or ""
    text = expressions.add(condition)
    if text is not None:
        given["ConditionExpression"] = text
    if condition.get("returnValuesOnConditionCheckFailure", True):
        given["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return {_MEMBERS[operation]: given | expressions.given()}


async def _transacted(table: Table, operation: str, items: list[dict[str, Any]], result: str) -> Any:
    try:
        return await table.ask(operation, TransactItems=items)
    except FieldError as error:
        cause = error.__cause__
        reasons = cause.members.get("CancellationReasons") if isinstance(cause, AwsError) else None
        if error.kind == _CANCELLED and reasons is not None:
            error.data = {
                result: None,
                "items": [plain_item(one.get("Item")) for one in reasons],
                "cancellationReasons": [{"type": one["Code"], "message": one.get("Message")} for one in reasons],
            }
        raise


OPERATIONS: dict[str, Callable[[Table, Mapping[str, Any]], Awaitable[Any]]] = {
    "BatchGetItem": _batch_get,
    "BatchPutItem": _batch_put,
    "BatchDeleteItem": _batch_delete,
    "TransactGetItems": _transact_get,
    "TransactWriteItems": _transact_write,
}
