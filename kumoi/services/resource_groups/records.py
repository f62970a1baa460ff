"""What Resource Groups keeps: groups."""

from __future__ import annotations

import msgspec

from kumoi.names import arn
from kumoi.state.space import Space


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group: `query` is the text as it was given, `kind` the type of the query."""

    name: str
    kind: str
    query: str
    description: str | None = None
    criticality: int | None = None
    owner: str | None = None
    display_name: str | None = None
    tags: dict[str, str] = {}


groups: Space[Group] = Space("resource-groups.group", Group, lambda one: (one.name,))


def group_arn(account: str, region: str, name: str) -> str:
    """A group's ARN."""
    return arn("resource-groups", region, account, f"group/{name}")
