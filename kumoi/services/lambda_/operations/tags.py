"""TagResource, UntagResource and ListTags, for functions, event source mappings and code signing configurations."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import invalid
from kumoi.services.lambda_.event_sources.records import Mapping, mappings
from kumoi.services.lambda_.identifiers import FunctionIdentifier
from kumoi.services.lambda_.operations.code_signing import find_config
from kumoi.services.lambda_.operations.find import find_head, identify
from kumoi.services.lambda_.records import CodeSigningConfig, FunctionHead, code_signing_configs, heads
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_TAGS = 50
_MAPPING = ":event-source-mapping:"


@lambda_.operation
async def tag_resource(call: Call, Resource: str, Tags: dict[str, str]) -> None:
    """Add tags, replacing those of the same key."""
    if not Tags:
        raise invalid("An error occurred and the request cannot be processed.")
    await _change(call.state, _tagged(call, Resource), Resource, Tags, ())


@lambda_.operation
async def untag_resource(call: Call, Resource: str, TagKeys: list[str]) -> None:
    """Remove tags."""
    await _change(call.state, _tagged(call, Resource), Resource, {}, tuple(TagKeys))


@lambda_.operation
async def list_tags(call: Call, Resource: str) -> dict[str, Any]:
    """The tags of a function, an event source mapping or a code signing configuration."""
    return {"Tags": (await _find(call.state, _tagged(call, Resource), Resource)).tags}


def _tagged(call: Call, Resource: str) -> FunctionIdentifier | None:
    """The function that is meant; None for a mapping or a code signing configuration."""
    if ":code-signing-config:" in Resource or _MAPPING in Resource:
        return None
    if ":function:" not in Resource:
        raise invalid("Kumoi tags functions, event source mappings and code signing configurations; this is none.")
    identifier = identify(call, Resource)
    if identifier.qualifier is not None:
        raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    return identifier


def check_tag_count(resource: str, tags: dict[str, str]) -> None:
    """Refuse more tags than a resource can have."""
    if len(tags) > MAX_TAGS:
        raise invalid(f"The number of tags exceeds the limit of {MAX_TAGS} for {resource}.")


@transactional
async def _find(
    tx: Transaction, function: FunctionIdentifier | None, resource: str
) -> FunctionHead | CodeSigningConfig | Mapping:
    if function is not None:
        return await find_head(tx, function)
    if _MAPPING not in resource:
        return await find_config(tx, resource)
    _, _, _, region, account, _, identifier = resource.split(":")
    mapping = await mappings.get(tx, account, region, identifier)
    if mapping is None:
        raise aws_error("ResourceNotFoundException", "The resource you requested does not exist.", Type="User")
    return mapping


@transactional
async def _change(
    tx: Transaction,
    function: FunctionIdentifier | None,
    resource: str,
    added: dict[str, str],
    removed: tuple[str, ...],
) -> None:
    tagged = await _find(tx, function, resource)
    tags = {key: value for key, value in {**tagged.tags, **added}.items() if key not in removed}
    check_tag_count(resource, tags)
    if isinstance(tagged, FunctionHead):
        await heads.put(tx, msgspec.structs.replace(tagged, tags=tags))
    elif isinstance(tagged, Mapping):
        await mappings.put(tx, msgspec.structs.replace(tagged, tags=tags))
    else:
        await code_signing_configs.put(tx, msgspec.structs.replace(tagged, tags=tags))
