"""Groups: traces that a filter expression means, under a name."""

from __future__ import annotations

import base64
import os
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.xray import xray
from kumoi.services.xray.answers import invalid, page
from kumoi.services.xray.groups import DEFAULT, default_group, find_group, shown
from kumoi.services.xray.records import Group, groups
from kumoi.services.xray.searching import compiled
from kumoi.services.xray.tags import given_tags
from kumoi.state import Transaction, transactional

MOST_GROUPS = 25


@xray.operation
async def create_group(
    call: Call,
    GroupName: str,
    FilterExpression: str | None = None,
    InsightsConfiguration: dict[str, Any] | None = None,
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Make a group."""
    if FilterExpression:
        compiled(FilterExpression)
    insights, notifications = _insights(InsightsConfiguration)
    group = Group(
        name=GroupName,
        id=base64.b32encode(os.urandom(32)).decode().rstrip("="),
        expression=FilterExpression,
        insights=insights,
        notifications=notifications,
        tags=given_tags(Tags),
    )
    await _create(call.state, group)
    return {"Group": shown(call, group)}


@transactional
async def _create(tx: Transaction, group: Group) -> None:
    known = await groups.list(tx)
    if group.name == DEFAULT or any(one.name == group.name for one in known):
        raise invalid(f"Group {group.name} already exists.")
    if len(known) >= MOST_GROUPS:
        raise invalid(f"The number of groups cannot exceed {MOST_GROUPS}.")
    await groups.put(tx, group)


@xray.operation
async def update_group(
    call: Call,
    GroupName: str | None = None,
    GroupARN: str | None = None,
    FilterExpression: str | None = None,
    InsightsConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Change a group's expression or its insights."""
    if FilterExpression:
        compiled(FilterExpression)
    group = await find_group(call, GroupName, GroupARN)
    changes: dict[str, Any] = {}
    if FilterExpression is not None:
        if group.name == DEFAULT:
            raise invalid("The filter expression of the default group cannot be changed.")
        changes["expression"] = FilterExpression
    if InsightsConfiguration is not None:
        merged = {
            "InsightsEnabled": group.insights,
            "NotificationsEnabled": group.notifications,
            **InsightsConfiguration,
        }
        changes["insights"], changes["notifications"] = _insights(merged)
    group = msgspec.structs.replace(group, **changes)
    await _put(call.state, group)
    return {"Group": shown(call, group)}


@transactional
async def _put(tx: Transaction, group: Group) -> None:
    await groups.put(tx, group)


@xray.operation
async def get_group(call: Call, GroupName: str | None = None, GroupARN: str | None = None) -> dict[str, Any]:
    """A group."""
    return {"Group": shown(call, await find_group(call, GroupName, GroupARN))}


@xray.operation
async def get_groups(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """All groups, the default one among them."""
    found = {DEFAULT: default_group(), **{group.name: group for group in await _list(call.state)}}
    some, following = page(sorted(found.values(), key=lambda one: one.name), lambda one: one.name, NextToken)
    return {"Groups": [shown(call, group) for group in some], **following}


@transactional
async def _list(tx: Transaction) -> list[Group]:
    return await groups.list(tx)


@xray.operation
async def delete_group(call: Call, GroupName: str | None = None, GroupARN: str | None = None) -> dict[str, Any]:
    """Remove a group."""
    group = await find_group(call, GroupName, GroupARN)
    if group.name == DEFAULT:
        raise invalid("The default group cannot be deleted.")
    await _delete(call.state, group.name)
    return {}


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await groups.delete(tx, name)


def _insights(given: dict[str, Any] | None) -> tuple[bool, bool]:
    """Whether insights and their notifications are on: notifications need insights."""
    found = given or {}
    insights, notifications = bool(found.get("InsightsEnabled")), bool(found.get("NotificationsEnabled"))
    if notifications and not insights:
        raise invalid("Insights must be enabled to enable notifications.")
    return insights, notifications
