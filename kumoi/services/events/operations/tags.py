"""Tags of buses and rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.events import events
from kumoi.services.events.lookup import find_bus, find_rule
from kumoi.services.events.naming import invalid, split_rule_arn
from kumoi.services.events.records import EventBus, Rule, buses, rules
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_TAGS = 50


def tags_of(listed: Iterable[dict[str, str]] | None) -> dict[str, str]:
    """Tags as a mapping; ValidationException for more than a resource may have."""
    tags = {tag["Key"]: tag["Value"] for tag in listed or ()}
    if len(tags) > MAX_TAGS:
        raise aws_error("ValidationException", f"A resource can have up to {MAX_TAGS} tags.")
    return tags


@events.operation
async def tag_resource(call: Call, ResourceARN: str, Tags: list[dict[str, str]]) -> None:
    """Add tags to a bus or a rule, replacing those of the same key."""
    await _change(call.state, _parsed(ResourceARN), tags_of(Tags), ())


@events.operation
async def untag_resource(call: Call, ResourceARN: str, TagKeys: list[str]) -> None:
    """Remove tags from a bus or a rule."""
    await _change(call.state, _parsed(ResourceARN), {}, tuple(TagKeys))


@events.operation
async def list_tags_for_resource(call: Call, ResourceARN: str) -> dict[str, Any]:
    """The tags of a bus or a rule."""
    tags = (await _find(call.state, _parsed(ResourceARN))).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _parsed(resource: str) -> Arn:
    try:
        parsed = Arn.parse(resource)
    except ValueError:
        raise invalid("ResourceARN") from None
    if parsed.service != "events" or not parsed.resource.startswith(("event-bus/", "rule/")):
        raise invalid("ResourceARN", "Kumoi tags event buses and rules.")
    return parsed


@transactional
async def _find(tx: Transaction, resource: Arn) -> EventBus | Rule:
    if resource.resource.startswith("event-bus/"):
        return await find_bus(tx, resource.resource.removeprefix("event-bus/"))
    return await find_rule(tx, *split_rule_arn(resource))


@transactional
async def _change(tx: Transaction, resource: Arn, added: dict[str, str], removed: tuple[str, ...]) -> None:
    tagged = await _find(tx, resource)
    tags = {key: value for key, value in {**tagged.tags, **added}.items() if key not in removed}
    if len(tags) > MAX_TAGS:
        raise aws_error("ValidationException", f"A resource can have up to {MAX_TAGS} tags.")
    changed = msgspec.structs.replace(tagged, tags=tags)
    if isinstance(changed, Rule):
        await rules.put(tx, changed)
    else:
        await buses.put(tx, msgspec.structs.replace(changed, created=changed.created or tx.now, modified=tx.now))
