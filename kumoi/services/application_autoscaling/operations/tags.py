"""Tags of scalable targets."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.application_autoscaling import application_autoscaling
from kumoi.services.application_autoscaling.errors import invalid, no_resource
from kumoi.services.application_autoscaling.records import Target, targets
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_TAGS = 50


def check_tags(tags: dict[str, str]) -> dict[str, str]:
    """These tags; refused where a target cannot have them."""
    if len(tags) > MOST_TAGS:
        raise aws_error("TooManyTagsException", f"A scalable target can have up to {MOST_TAGS} tags.")
    reserved = [name for name in tags if name.lower().startswith("aws:") and not name.startswith("aws:cloudformation:")]
    if reserved:
        raise invalid(f"Tag keys that begin with aws: are reserved for AWS: {reserved[0]}")
    return tags


@application_autoscaling.operation
async def tag_resource(call: Call, ResourceARN: str, Tags: dict[str, str]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    await _change(call.state, ResourceARN, Tags, ())
    return {}


@application_autoscaling.operation
async def untag_resource(call: Call, ResourceARN: str, TagKeys: list[str]) -> dict[str, Any]:
    """Remove tags."""
    await _change(call.state, ResourceARN, {}, tuple(TagKeys))
    return {}


@application_autoscaling.operation
async def list_tags_for_resource(call: Call, ResourceARN: str) -> dict[str, Any]:
    """The tags of a target."""
    return {"Tags": (await _find(call.state, ResourceARN)).tags}


@transactional
async def _find(tx: Transaction, resource: str) -> Target:
    for one in await targets.list(tx):
        if one.arn(tx.account, tx.region) == resource:
            return one
    raise no_resource(resource)


@transactional
async def _change(tx: Transaction, resource: str, added: dict[str, str], removed: tuple[str, ...]) -> None:
    target = await _find(tx, resource)
    tags = {name: value for name, value in {**target.tags, **added}.items() if name not in removed}
    await targets.put(tx, replace(target, tags=check_tags(tags)))
