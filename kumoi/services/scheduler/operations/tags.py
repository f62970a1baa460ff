"""Tags of groups of schedules."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.scheduler import scheduler
from kumoi.services.scheduler.naming import invalid
from kumoi.services.scheduler.operations.groups import find_group
from kumoi.services.scheduler.records import groups
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_TAGS = 50


@scheduler.operation
async def tag_resource(call: Call, ResourceArn: str, Tags: list[dict[str, str]]) -> None:
    """Add tags to a group, replacing those of the same key."""
    await _change(call.state, _group(ResourceArn), {tag["Key"]: tag["Value"] for tag in Tags}, ())


@scheduler.operation
async def untag_resource(call: Call, ResourceArn: str, TagKeys: list[str]) -> None:
    """Remove tags from a group."""
    await _change(call.state, _group(ResourceArn), {}, tuple(TagKeys))


@scheduler.operation
async def list_tags_for_resource(call: Call, ResourceArn: str) -> dict[str, Any]:
    """A group's tags."""
    group = await find_group(call.state, _group(ResourceArn))
    return {"Tags": [{"Key": key, "Value": value} for key, value in group.tags.items()]}


def _group(resource: str) -> str:
    try:
        parsed = Arn.parse(resource)
    except ValueError:
        raise invalid(f"{resource} is not an ARN.") from None
    if not parsed.resource.startswith("schedule-group/"):
        raise invalid(f"{resource} is not the ARN of a schedule group.")
    return parsed.resource.removeprefix("schedule-group/")


@transactional
async def _change(tx: Transaction, name: str, added: dict[str, str], removed: tuple[str, ...]) -> None:
    group = await find_group(tx, name)
    tags = {key: value for key, value in {**group.tags, **added}.items() if key not in removed}
    if len(tags) > MAX_TAGS:
        raise aws_error("ServiceQuotaExceededException", f"A resource can have up to {MAX_TAGS} tags.")
    await groups.put(tx, msgspec.structs.replace(group, tags=tags))
