"""TagResource, UntagResource and ListTags, for functions."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import invalid
from kumoi.services.lambda_.identifiers import FunctionIdentifier
from kumoi.services.lambda_.operations.find import find_head, identify
from kumoi.services.lambda_.records import FunctionHead, heads
from kumoi.state import Transaction, transactional

MAX_TAGS = 50


@lambda_.operation
async def tag_resource(call: Call, Resource: str, Tags: dict[str, str]) -> None:
    """Add tags to a function, replacing those of the same key."""
    if not Tags:
        raise invalid("An error occurred and the request cannot be processed.")
    await _change(call.state, _tagged(call, Resource), Tags, ())


@lambda_.operation
async def untag_resource(call: Call, Resource: str, TagKeys: list[str]) -> None:
    """Remove tags from a function."""
    await _change(call.state, _tagged(call, Resource), {}, tuple(TagKeys))


@lambda_.operation
async def list_tags(call: Call, Resource: str) -> dict[str, Any]:
    """A function's tags."""
    return {"Tags": (await _head(call.state, _tagged(call, Resource))).tags}


def _tagged(call: Call, Resource: str) -> FunctionIdentifier:
    if ":function:" not in Resource:
        raise invalid("Kumoi tags functions; event source mappings and code signing configs have no tags yet.")
    identifier = identify(call, Resource)
    if identifier.qualifier is not None:
        raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    return identifier


@transactional
async def _head(tx: Transaction, identifier: FunctionIdentifier) -> FunctionHead:
    return await find_head(tx, identifier)


@transactional
async def _change(
    tx: Transaction, identifier: FunctionIdentifier, added: dict[str, str], removed: tuple[str, ...]
) -> None:
    head = await find_head(tx, identifier)
    tags = {key: value for key, value in {**head.tags, **added}.items() if key not in removed}
    if len(tags) > MAX_TAGS:
        raise invalid(f"The number of tags exceeds the limit of {MAX_TAGS} for {identifier.function_arn}.")
    await heads.put(tx, msgspec.structs.replace(head, tags=tags))
