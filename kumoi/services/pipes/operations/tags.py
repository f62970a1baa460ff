"""Tags of pipes."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.pipes import pipes as service
from kumoi.services.pipes.records import pipes
from kumoi.services.pipes.rules import invalid, not_found
from kumoi.state import Transaction, transactional

MOST_TAGS = 50


@service.operation
async def tag_resource(call: Call, resourceArn: str, tags: dict[str, str]) -> None:
    """Add tags, or give them other values."""
    await _change(call.doorway.state.at("", ""), _parsed(resourceArn), tags, [])


@service.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str]) -> None:
    """Remove tags."""
    await _change(call.doorway.state.at("", ""), _parsed(resourceArn), {}, tagKeys)


@service.operation
async def list_tags_for_resource(call: Call, resourceArn: str) -> dict[str, Any]:
    """A pipe's tags."""
    return {"tags": await _change(call.doorway.state.at("", ""), _parsed(resourceArn), {}, [])}


def _parsed(resource: str) -> Arn:
    try:
        arn = Arn.parse(resource)
    except ValueError:
        raise invalid(f"{resource} is not a valid ARN.") from None
    if not arn.resource.startswith("pipe/"):
        raise invalid(f"{resource} is not the ARN of a pipe.")
    return arn


@transactional
async def _change(tx: Transaction, arn: Arn, added: dict[str, str], removed: list[str]) -> dict[str, str]:
    name = arn.resource.removeprefix("pipe/")
    pipe = await pipes.get(tx, arn.account, arn.region, name)
    if pipe is None:
        raise not_found(name)
    tags = {key: value for key, value in {**pipe.tags, **added}.items() if key not in removed}
    if len(tags) > MOST_TAGS:
        raise invalid(f"A pipe can have up to {MOST_TAGS} tags.")
    if tags != pipe.tags:
        await pipes.put(tx, msgspec.structs.replace(pipe, tags=tags))
    return tags
