"""Tags of alarms and dashboards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.cloudwatch import cloudwatch
from kumoi.services.cloudwatch.errors import invalid
from kumoi.services.cloudwatch.records import alarms, dashboards
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_TAGS = 50


def tags_of(given: Sequence[dict[str, str]] | None) -> dict[str, str]:
    """Tags by their keys."""
    return {tag["Key"]: tag["Value"] for tag in given or ()}


@cloudwatch.operation
async def tag_resource(call: Call, ResourceARN: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    await _change(call.state, ResourceARN, tags_of(Tags), [])
    return {}


@cloudwatch.operation
async def untag_resource(call: Call, ResourceARN: str, TagKeys: list[str]) -> dict[str, Any]:
    """Remove tags."""
    await _change(call.state, ResourceARN, {}, TagKeys)
    return {}


@cloudwatch.operation
async def list_tags_for_resource(call: Call, ResourceARN: str) -> dict[str, Any]:
    """The tags of an alarm or a dashboard."""
    tags = await _change(call.state, ResourceARN, {}, [])
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


@transactional
async def _change(tx: Transaction, resource: str, added: dict[str, str], removed: list[str]) -> dict[str, str]:
    try:
        path = Arn.parse(resource).resource
    except ValueError:
        raise invalid(f"{resource} is not a valid ARN.") from None
    if path.startswith("alarm:"):
        alarm = await alarms.get(tx, path.removeprefix("alarm:"))
        if alarm is not None:
            tags = _changed(alarm.tags, added, removed)
            if tags != alarm.tags:
                await alarms.put(tx, msgspec.structs.replace(alarm, tags=tags))
            return tags
    if path.startswith("dashboard/"):
        dashboard = await dashboards.get(tx, path.removeprefix("dashboard/"))
        if dashboard is not None:
            tags = _changed(dashboard.tags, added, removed)
            if tags != dashboard.tags:
                await dashboards.put(tx, msgspec.structs.replace(dashboard, tags=tags))
            return tags
    raise aws_error("ResourceNotFoundException", f"{resource} does not exist.")


def _changed(tags: dict[str, str], added: dict[str, str], removed: list[str]) -> dict[str, str]:
    found = {key: value for key, value in {**tags, **added}.items() if key not in removed}
    if len(found) > MOST_TAGS:
        raise invalid(f"A resource can have up to {MOST_TAGS} tags.")
    return found
