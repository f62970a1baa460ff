"""Tags of log groups: by ARN, and in the older form by name."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.logs import logs
from kumoi.services.logs.events import find_group
from kumoi.services.logs.records import groups
from kumoi.services.logs.rules import group_name
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_TAGS = 50


@logs.operation
async def tag_resource(call: Call, resourceArn: str, tags: dict[str, str]) -> None:
    """Add tags to a group, named by its ARN with or without `:*`."""
    await _change(call.state, group_name(resourceArn), tags, ())


@logs.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str]) -> None:
    """Remove tags from a group, named by its ARN."""
    await _change(call.state, group_name(resourceArn), {}, tuple(tagKeys))


@logs.operation
async def list_tags_for_resource(call: Call, resourceArn: str) -> dict[str, Any]:
    """A group's tags, by its ARN."""
    return {"tags": (await find_group(call.state, group_name(resourceArn))).tags}


@logs.operation
async def tag_log_group(call: Call, logGroupName: str, tags: dict[str, str]) -> None:
    """Add tags to a group, named by its name (deprecated form)."""
    await _change(call.state, logGroupName, tags, ())


@logs.operation
async def untag_log_group(call: Call, logGroupName: str, tags: list[str]) -> None:
    """Remove tags from a group, named by its name (deprecated form)."""
    await _change(call.state, logGroupName, {}, tuple(tags))


@logs.operation
async def list_tags_log_group(call: Call, logGroupName: str) -> dict[str, Any]:
    """A group's tags, by its name (deprecated form)."""
    return {"tags": (await find_group(call.state, logGroupName)).tags}


@transactional
async def _change(tx: Transaction, name: str, added: dict[str, str], removed: tuple[str, ...]) -> None:
    group = await find_group(tx, name)
    tags = {key: value for key, value in {**group.tags, **added}.items() if key not in removed}
    if len(tags) > MAX_TAGS:
        raise aws_error("TooManyTagsException", f"A resource can have up to {MAX_TAGS} tags.")
    await groups.put(tx, msgspec.structs.replace(group, tags=tags))
