"""Tags of groups."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.resource_groups import resource_groups
from kumoi.services.resource_groups.records import groups
from kumoi.services.resource_groups.store import bad, find, named
from kumoi.state import Transaction, transactional

_MOST = 50


@resource_groups.operation
async def tag(call: Call, Arn: str, Tags: dict[str, str]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    await _change(call.state, named(None, Arn), Tags, ())
    return {"Arn": Arn, "Tags": Tags}


@resource_groups.operation
async def untag(call: Call, Arn: str, Keys: list[str]) -> dict[str, Any]:
    """Remove tags."""
    await _change(call.state, named(None, Arn), {}, tuple(Keys))
    return {"Arn": Arn, "Keys": Keys}


@resource_groups.operation
async def get_tags(call: Call, Arn: str) -> dict[str, Any]:
    """The tags of a group."""
    return {"Arn": Arn, "Tags": (await find(call.state, named(None, Arn))).tags}


@transactional
async def _change(tx: Transaction, name: str, added: dict[str, str], removed: tuple[str, ...]) -> None:
    group = await find(tx, name)
    tags = {key: value for key, value in {**group.tags, **added}.items() if key not in removed}
    if len(tags) > _MOST:
        raise bad(f"A group can have up to {_MOST} tags")
    await groups.put(tx, replace(group, tags=tags))
