"""Conditions that did not hold: a success after all, an error with the item as it is, or for a function to decide.

A put or delete whose result is there already has succeeded; an update cannot tell. Source: "Handling a condition check
failure" of the resolver mapping template reference for DynamoDB.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.tables.table import Table
from kumoi.services.appsync.resolving.tables.values import low, plain_item, same

MOST_RETRIES = 10
Again = Callable[[Table, Mapping[str, Any]], Awaitable[Any]]


async def settled(
    table: Table, request: Mapping[str, Any], error: FieldError, intended: Mapping[str, Any] | None, again: Again
) -> Any:
    """What a change comes to whose condition did not hold; `intended` is the item that should be there, {} for none."""
    condition = request.get("condition") or {}
    if not condition.get("consistentRead", True):
        given: dict[str, Any] = {}
    else:
        given = {"ConsistentRead": True}
    found = (await table.ask("GetItem", TableName=table.name, Key=low(request["key"]), **given)).get("Item")
    if intended is not None and _alike(found or {}, intended, condition.get("equalsIgnore") or ()):
        return plain_item(found)
    error.data = plain_item(found)
    handler = condition.get("conditionalCheckFailedHandler") or {}
    if handler.get("strategy", "Reject") != "Custom":
        raise error
    return await _decided(table, request, error, str(handler["lambdaArn"]), again)


def _alike(found: Mapping[str, Any], intended: Mapping[str, Any], ignored: Any) -> bool:
    names = (found.keys() | intended.keys()) - set(ignored)
    return all(name in found and name in intended and same(found[name], intended[name]) for name in names)


async def _decided(table: Table, request: Mapping[str, Any], error: FieldError, function: str, again: Again) -> Any:
    field = table.field
    if table.retries >= MOST_RETRIES:
        raise error
    verdict = await table.invoke(
        function,
        {
            "arguments": field.arguments,
            "requestMapping": request,
            "currentValue": error.data,
            "resolver": {**table.told(), "outcome": {"type": error.kind, "message": error.message}},
            "identity": field.asked.caller.identity,
        },
    )
    action = verdict.get("action") if isinstance(verdict, dict) else None
    if action == "discard":
        return error.data
    if action == "retry" and isinstance(verdict.get("retryMapping"), dict):
        return await again(replace(table, retries=table.retries + 1), verdict["retryMapping"])
    if action == "reject":
        raise error
    raise FieldError("The condition check failed handler answered no action.", "DynamoDB:ConditionalCheckFailedHandler")
