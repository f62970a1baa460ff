"""Tags of work groups."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.athena import athena
from kumoi.services.athena.errors import invalid
from kumoi.services.athena.operations.work_groups import work_group
from kumoi.services.athena.paging import page
from kumoi.services.athena.records import work_groups
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@athena.operation
async def tag_resource(call: Call, ResourceARN: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    await _change(call.state, ResourceARN, {one.get("Key", ""): one.get("Value", "") for one in Tags}, [])
    return {}


@athena.operation
async def untag_resource(call: Call, ResourceARN: str, TagKeys: list[str]) -> dict[str, Any]:
    """Remove tags."""
    await _change(call.state, ResourceARN, {}, TagKeys)
    return {}


@athena.operation
async def list_tags_for_resource(
    call: Call, ResourceARN: str, NextToken: str | None = None, MaxResults: int | None = None
) -> dict[str, Any]:
    """The tags of a work group."""
    tags = await _change(call.state, ResourceARN, {}, [])
    shown, more = page(list(tags), lambda key: key, NextToken, MaxResults, 200)
    return {"Tags": [{"Key": key, "Value": tags[key]} for key in shown], **more}


@transactional
async def _change(tx: Transaction, resource: str, added: dict[str, str], removed: list[str]) -> dict[str, str]:
    kind, _, name = resource.rpartition(":")[2].partition("/")
    if kind != "workgroup":
        raise aws_error("ResourceNotFoundException", f"{resource} is no work group.")
    found = await work_group(tx, name)
    tags = {key: value for key, value in {**found.tags, **added}.items() if key not in removed}
    if len(tags) > 50:
        raise invalid("A work group can have up to 50 tags.")
    if tags != found.tags:
        await work_groups.put(tx, msgspec.structs.replace(found, tags=tags))
    return tags
