"""Changes of versioned data sources: each makes a version of the item, and a row of the delta table, or a conflict.

A change says which version it was made to. Where the item has another one, the resolver's handler decides. The item and
its row are written in one transaction, on condition that the item is still the one that was read. Source: "Versioned
data sources" and "Conflict detection and sync" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.tables import conflicts, delta
from kumoi.services.appsync.resolving.tables.failures import settled
from kumoi.services.appsync.resolving.tables.table import Expressions, Table, bracketed
from kumoi.services.appsync.resolving.tables.updates import Change, applied, changes_of
from kumoi.services.appsync.resolving.tables.values import low, plain_item
from kumoi.wire.errors import AwsError

MOST_ATTEMPTS = 10
_CANCELLED = "DynamoDB:TransactionCanceledException"
_OWN = ("_version", "_lastChangedAt", "_deleted", "_ttl")
Item = dict[str, Any]


class Wanted(NamedTuple):
    """What a change makes of the item it finds: all of it, and what it says of single attributes (for a conflict).

    `incoming` is None for a deletion. `relative` are what it does to values whatever they are.
    """

    make: Callable[[Item], Item]
    incoming: Item | None
    relative: tuple[Change, ...] = ()


async def _put(table: Table, request: Mapping[str, Any]) -> Any:
    key = low(request["key"])
    attributes = low(request.get("attributeValues") or {})
    item = {name: value for name, value in {**attributes, **key}.items() if name not in _OWN}
    return await _changed(table, request, Wanted(lambda _: item, item))


async def _update(table: Table, request: Mapping[str, Any]) -> Any:
    key, expressions = low(request["key"]), Expressions()
    changes = changes_of(expressions.add(request.get("update")) or "", expressions.names, expressions.values)
    changes = [one for one in changes if one.path[0] not in _OWN]

    def make(item: Item) -> Item:
        return applied(changes, item or key)

    plain = {one.path[0]: one.literal for one in changes if one.section == "SET" and one.literal and len(one.path) == 1}
    incoming = {str(name): value for name, value in plain.items()}
    relative = [one for one in changes if one.path[0] not in plain and one.section != "REMOVE"]
    return await _changed(table, request, Wanted(make, incoming, tuple(relative)))


async def _delete(table: Table, request: Mapping[str, Any]) -> Any:
    return await _changed(table, request, Wanted(lambda item: item, None))


async def _changed(table: Table, request: Mapping[str, Any], wanted: Wanted) -> Any:
    """Make the change, and again while others change the item meanwhile."""
    key = low(request["key"])
    for _ in range(MOST_ATTEMPTS):
        answer = await table.ask("GetItem", TableName=table.name, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        if wanted.incoming is None and item is None and not (request.get("condition") or {}).get("expression"):
            return None
        drop = wanted.incoming is None
        if item is not None and conflicts.conflicting(table, request, item):
            verdict = await conflicts.decide(table, item, wanted.incoming, plain_item(key) or {})
            drop = verdict is None
            made = item if verdict is None else applied(list(wanted.relative), {**verdict, **key})
        else:
            made = wanted.make(item or {})
        made = _versioned(table, item, {**made, **key}, drop)
        try:
            await _write(table, request, item, made, drop)
        except FieldError as error:
            failed = _failed(error)
            if not failed:
                raise
            now = (await table.ask("GetItem", TableName=table.name, Key=key, ConsistentRead=True)).get("Item")
            if _version(now) != _version(item):
                continue
            condition = FieldError("The conditional request failed", "DynamoDB:ConditionalCheckFailedException")
            return await settled(table, request, condition, None, _again)
        return plain_item(made)
    raise FieldError("The item is changed by others all the time.", "MaxConflicts")


async def _again(table: Table, request: Mapping[str, Any]) -> Any:
    operation = str(request.get("operation"))
    if operation not in OPERATIONS:
        raise FieldError(f"Unsupported operation '{operation}'.", "MappingTemplate")
    return await OPERATIONS[operation](table, request)


def _version(item: Mapping[str, Any] | None) -> Any:
    return None if item is None else item.get("_version", {"N": "0"})


def _versioned(table: Table, item: Item | None, made: Item, drop: bool) -> Item:
    """The new version, with what tells of it."""
    now = table.field.asked.call.now
    version = int((item or {}).get("_version", {"N": "0"})["N"]) + 1
    made = {name: value for name, value in made.items() if name not in _OWN}
    made |= {"_version": {"N": str(version)}, "_lastChangedAt": {"N": str(int(now * 1000))}}
    before = item or {}
    if drop:
        made |= {"_deleted": {"BOOL": True}, "_ttl": {"N": str(int(now) + 60 * delta.minutes(table, "baseTableTTL"))}}
    elif "_deleted" in before:
        made |= {name: before[name] for name in ("_deleted", "_ttl") if name in before}
    return made


async def _write(table: Table, request: Mapping[str, Any], item: Item | None, made: Item, drop: bool) -> None:
    expressions = Expressions()
    key = low(request["key"])
    asked = expressions.add(request.get("condition"))
    if item is None:
        expressions.names["#kumoi_key"] = next(iter(key))
        unchanged = "attribute_not_exists(#kumoi_key)"
    elif "_version" in item:
        expressions.names["#kumoi_version"] = "_version"
        expressions.values[":kumoi_version"] = item["_version"]
        unchanged = "#kumoi_version = :kumoi_version"
    else:
        expressions.names["#kumoi_version"] = "_version"
        unchanged = "attribute_not_exists(#kumoi_version)"
    condition = f"{bracketed(asked)} AND {unchanged}" if asked else unchanged
    given = {"TableName": table.name, "ConditionExpression": condition, **expressions.given()}
    gone = drop and not delta.minutes(table, "baseTableTTL")
    base = {"Delete": {"Key": key, **given}} if gone else {"Put": {"Item": made, **given}}
    row = delta.row(table, request, key, made)
    await table.ask(
        "TransactWriteItems",
        TransactItems=[base, {"Put": {"TableName": delta.table_name(table), "Item": row}}],
    )


def _failed(error: FieldError) -> bool:
    """Whether it was the condition on the item that did not hold."""
    cause = error.__cause__
    if error.kind != _CANCELLED or not isinstance(cause, AwsError):
        return False
    reasons = cause.members.get("CancellationReasons") or [{}]
    return bool(reasons[0].get("Code") == "ConditionalCheckFailed")


OPERATIONS: dict[str, Callable[[Table, Mapping[str, Any]], Awaitable[Any]]] = {
    "PutItem": _put,
    "UpdateItem": _update,
    "DeleteItem": _delete,
}
