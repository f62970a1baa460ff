"""Tags of topics."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.sns import sns
from kumoi.services.sns.naming import invalid, topic_arn
from kumoi.services.sns.records import topics
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_TAGS = 50


def tags_of(given: list[dict[str, str]]) -> dict[str, str]:
    """Tags by their keys; refused when keys repeat, or when there are too many."""
    tags = {tag["Key"]: tag["Value"] for tag in given}
    if len(tags) < len(given):
        raise invalid("Duplicated keys are not allowed.")
    _check_count(tags)
    return tags


def _check_count(tags: dict[str, str]) -> None:
    if len(tags) > MOST_TAGS:
        raise aws_error("TagLimitExceededException", "Could not complete request: tag quota of per resource exceeded")


@sns.operation
async def tag_resource(call: Call, ResourceArn: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    state, name = _place(call, ResourceArn)
    await _change(state, name, tags_of(Tags), [])
    return {}


@sns.operation
async def untag_resource(call: Call, ResourceArn: str, TagKeys: list[str]) -> dict[str, Any]:
    """Remove tags."""
    state, name = _place(call, ResourceArn)
    await _change(state, name, {}, TagKeys)
    return {}


@sns.operation
async def list_tags_for_resource(call: Call, ResourceArn: str) -> dict[str, Any]:
    """The tags of a topic."""
    state, name = _place(call, ResourceArn)
    tags = await _change(state, name, {}, [])
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _place(call: Call, arn: str) -> tuple[State, str]:
    parsed = topic_arn(arn, call.region, "ResourceArn")
    return call.doorway.state.at(parsed.account, parsed.region), parsed.resource


@transactional
async def _change(tx: Transaction, name: str, added: dict[str, str], removed: list[str]) -> dict[str, str]:
    topic = await topics.get(tx, name)
    if topic is None:
        raise aws_error("ResourceNotFoundException", "Resource does not exist")
    tags = {key: value for key, value in {**topic.tags, **added}.items() if key not in removed}
    _check_count(tags)
    if tags != topic.tags:
        await topics.put(tx, msgspec.structs.replace(topic, tags=tags))
    return tags
