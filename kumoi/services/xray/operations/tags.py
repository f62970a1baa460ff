"""Tags of groups and sampling rules."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.xray import xray
from kumoi.services.xray.answers import invalid
from kumoi.services.xray.records import groups, rules
from kumoi.services.xray.tags import MOST_TAGS, given_tags
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@xray.operation
async def tag_resource(call: Call, ResourceARN: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    await _change(call.state, ResourceARN, given_tags(Tags), [])
    return {}


@xray.operation
async def untag_resource(call: Call, ResourceARN: str, TagKeys: list[str]) -> dict[str, Any]:
    """Remove tags."""
    await _change(call.state, ResourceARN, {}, TagKeys)
    return {}


@xray.operation
async def list_tags_for_resource(call: Call, ResourceARN: str, NextToken: str | None = None) -> dict[str, Any]:
    """The tags of a group or a sampling rule, all on one page."""
    if NextToken is not None:
        raise invalid("Invalid NextToken.")
    tags = await _change(call.state, ResourceARN, {}, [])
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


@transactional
async def _change(tx: Transaction, resource: str, added: dict[str, str], removed: list[str]) -> dict[str, str]:
    try:
        kind, _, rest = Arn.parse(resource).resource.partition("/")
    except ValueError:
        raise invalid(f"Invalid ARN: {resource}") from None
    missing = aws_error("ResourceNotFoundException", f"{resource} does not exist.", ResourceName=resource)
    if kind == "group":
        group = await groups.get(tx, rest.partition("/")[0])
        if group is None or not resource.endswith(f"/{group.id}"):
            raise missing
        tags = _changed(group.tags, added, removed, resource)
        if tags != group.tags:
            await groups.put(tx, msgspec.structs.replace(group, tags=tags))
        return tags
    rule = await rules.get(tx, rest) if kind == "sampling-rule" else None
    if rule is None:
        raise missing
    tags = _changed(rule.tags, added, removed, resource)
    if tags != rule.tags:
        await rules.put(tx, msgspec.structs.replace(rule, tags=tags))
    return tags


def _changed(tags: dict[str, str], added: dict[str, str], removed: list[str], resource: str) -> dict[str, str]:
    found = {key: value for key, value in {**tags, **added}.items() if key not in removed}
    if len(found) > MOST_TAGS:
        raise aws_error("TooManyTagsException", f"A resource can have up to {MOST_TAGS} tags.", ResourceName=resource)
    return found
