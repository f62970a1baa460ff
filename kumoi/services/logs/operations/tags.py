"""Tags of log groups and destinations: by ARN, and of groups in the older form by name."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.logs import logs
from kumoi.services.logs.destination_records import destinations, find_destination
from kumoi.services.logs.events import find_group
from kumoi.services.logs.records import groups
from kumoi.services.logs.rules import group_name
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_TAGS = 50


@logs.operation
async def tag_resource(call: Call, resourceArn: str, tags: dict[str, str]) -> None:
    """Add tags to a group, named by its ARN with or without `:*`, or to a destination."""
    await _change_resource(call, resourceArn, tags, ())


@logs.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str]) -> None:
    """Remove tags from a group or a destination, named by its ARN."""
    await _change_resource(call, resourceArn, {}, tuple(tagKeys))


@logs.operation
async def list_tags_for_resource(call: Call, resourceArn: str) -> dict[str, Any]:
    """The tags of a group or a destination, by its ARN."""
    if destination := _destination(resourceArn):
        return {"tags": (await find_destination(call.state, destination)).tags}
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


def _destination(arn: str) -> Arn | None:
    """The ARN, where it is a destination's."""
    return Arn.parse(arn) if arn.split(":")[5:6] == ["destination"] else None


async def _change_resource(call: Call, arn: str, added: dict[str, str], removed: tuple[str, ...]) -> None:
    if destination := _destination(arn):
        await _change_destination(call.state, destination, added, removed)
    else:
        await _change(call.state, group_name(arn), added, removed)


@transactional
async def _change(tx: Transaction, name: str, added: dict[str, str], removed: tuple[str, ...]) -> None:
    group = await find_group(tx, name)
    await groups.put(tx, msgspec.structs.replace(group, tags=_changed(group.tags, added, removed)))


@transactional
async def _change_destination(tx: Transaction, arn: Arn, added: dict[str, str], removed: tuple[str, ...]) -> None:
    found = await find_destination(tx, arn)
    await destinations.put(tx, msgspec.structs.replace(found, tags=_changed(found.tags, added, removed)))


def _changed(had: dict[str, str], added: dict[str, str], removed: tuple[str, ...]) -> dict[str, str]:
    tags = {key: value for key, value in {**had, **added}.items() if key not in removed}
    if len(tags) > MAX_TAGS:
        raise aws_error("TooManyTagsException", f"A resource can have up to {MAX_TAGS} tags.")
    return tags
