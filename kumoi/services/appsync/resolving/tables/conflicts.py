"""Conflicts: a change was made to another version of the item than the one it finds.

`OPTIMISTIC_CONCURRENCY` refuses it, `AUTOMERGE` merges it, `LAMBDA` asks a function. Clients of Amplify's DataStore
expect the error type `ConflictUnhandled` and the item as it is in `data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.tables.merging import merged
from kumoi.services.appsync.resolving.tables.table import Table
from kumoi.services.appsync.resolving.tables.values import number, plain_item
from kumoi.services.appsync.resolving.typed import typed_members

_NEVER_CHANGED = ("_version", "_lastChangedAt", "_deleted", "_ttl")


def conflicting(table: Table, request: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether a change was made to another version than the item's; without detection, none ever is."""
    if table.sync.get("conflictDetection", "NONE") != "VERSION":
        return False
    current = item.get("_version")
    if request.get("_version") is None:
        creates = request.get("operation") == "PutItem" and bool((request.get("condition") or {}).get("expression"))
        return current is not None and not creates
    return current is None or number(current["N"]) != request["_version"]


async def decide(
    table: Table, item: dict[str, Any], incoming: dict[str, Any] | None, key: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The attributes that a conflict comes to, None for an item that is to go; raises FieldError ConflictUnhandled."""
    handler = table.sync.get("conflictHandler", "NONE")
    if handler == "AUTOMERGE" and incoming is not None:
        return merged(item, incoming)
    if handler == "LAMBDA":
        return await _asked(table, item, incoming, key)
    raise unhandled(item)


def unhandled(item: Mapping[str, Any]) -> FieldError:
    """The change is refused; the client gets the item as it is."""
    return FieldError("Conflict resolver rejects mutation.", "ConflictUnhandled", plain_item(item))


async def _asked(
    table: Table, item: dict[str, Any], incoming: dict[str, Any] | None, key: Mapping[str, Any]
) -> dict[str, Any] | None:
    function = (table.sync.get("lambdaConflictHandlerConfig") or {}).get("lambdaConflictHandlerArn")
    if not function:
        raise FieldError("The conflict handler LAMBDA needs a lambdaConflictHandlerArn.", "ConflictHandler")
    field = table.field
    event = {
        "newItem": None if incoming is None else {**(plain_item(incoming) or {}), **key},
        "existingItem": plain_item(item),
        "arguments": field.arguments,
        "resolver": table.told(),
        "identity": field.asked.caller.identity,
    }
    verdict = await table.invoke(str(function), event)
    action = verdict.get("action") if isinstance(verdict, dict) else None
    if action == "REJECT":
        raise unhandled(item)
    if action == "REMOVE":
        return None
    resolved = verdict.get("item") if isinstance(verdict, dict) else None
    if action != "RESOLVE" or not isinstance(resolved, dict):
        raise FieldError("The conflict handler answered no action.", "ConflictHandler")
    mutable = {name: value for name, value in resolved.items() if name not in _NEVER_CHANGED}
    return {**item, **typed_members(mutable)}
