"""Automerge: a change that was made to an older version, merged into the item as it is; pure.

What only the change has is added; lists are joined, sets united, maps merged by these same rules; where scalars or
types differ, the item's own value stays. Source: "Conflict detection and sync" of the AppSync developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.appsync.resolving.tables.values import number

_SETS = ("SS", "NS", "BS")


def merged(existing: Mapping[str, Any], incoming: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of both; values are typed."""
    made = dict(existing)
    for name, value in incoming.items():
        made[name] = _merged(existing[name], value) if name in existing else value
    return made


def _merged(existing: Mapping[str, Any], incoming: Mapping[str, Any]) -> Any:
    ((kind, mine),) = existing.items()
    if kind not in incoming:
        return existing
    theirs = incoming[kind]
    if kind == "L":
        return {"L": [*mine, *theirs]}
    if kind == "M":
        return {"M": merged(mine, theirs)}
    if kind in _SETS:
        known = {number(one) if kind == "NS" else one for one in mine}
        return {kind: [*mine, *(one for one in theirs if (number(one) if kind == "NS" else one) not in known)]}
    return existing
