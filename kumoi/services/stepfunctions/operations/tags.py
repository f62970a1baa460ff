"""Tags of state machines and activities."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.stepfunctions import stepfunctions
from kumoi.services.stepfunctions.naming import activity_name, machine_arn
from kumoi.services.stepfunctions.records import ActivityRecord, MachineRecord, activities, machines
from kumoi.services.stepfunctions.tagging import MOST_TAGS, check_tags
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@stepfunctions.operation
async def tag_resource(call: Call, resourceArn: str, tags: list[dict[str, str]]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    await _change(call.state, resourceArn, check_tags(tags), [])
    return {}


@stepfunctions.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str]) -> dict[str, Any]:
    """Remove tags."""
    await _change(call.state, resourceArn, {}, tagKeys)
    return {}


@stepfunctions.operation
async def list_tags_for_resource(call: Call, resourceArn: str) -> dict[str, Any]:
    """The tags of a resource."""
    found = await _find(call.state, resourceArn)
    return {"tags": [{"key": key, "value": value} for key, value in found.tags.items()]}


@transactional
async def _find(tx: Transaction, arn: str) -> MachineRecord | ActivityRecord:
    found: MachineRecord | ActivityRecord | None
    if ":activity:" in arn:
        found = await activities.get(tx, activity_name(arn))
    else:
        found = await machines.get(tx, machine_arn(arn).name)
    if found is None:
        raise aws_error("ResourceNotFound", f"Resource not found: '{arn}'", resourceName=arn)
    return found


@transactional
async def _change(tx: Transaction, arn: str, added: dict[str, str], removed: list[str]) -> None:
    found = await _find(tx, arn)
    tags = {key: value for key, value in {**found.tags, **added}.items() if key not in removed}
    if len(tags) > MOST_TAGS:
        raise aws_error("TooManyTags", f"Too many tags: '{arn}' may have at most 50", resourceName=arn)
    changed = msgspec.structs.replace(found, tags=tags)
    if isinstance(changed, ActivityRecord):
        await activities.put(tx, changed)
    else:
        await machines.put(tx, changed)
