"""Tags of identities, configuration sets, templates and contact lists."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.ses import sesv2
from kumoi.services.ses.tagged import KINDS
from kumoi.services.ses.tags import tag_list, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


def _missing(arn: str) -> AwsError:
    return aws_error("NotFoundException", f"Resource {arn} does not exist.")


@transactional
async def _tagged(tx: Transaction, arn: str) -> tuple[Any, Any]:
    """The space and the record of an ARN."""
    try:
        kind, _, name = Arn.parse(arn).resource.partition("/")
    except ValueError:
        raise aws_error("BadRequestException", f"{arn[:200]} is no ARN of a resource.") from None
    found = await KINDS[kind].get(tx, name) if kind in KINDS else None
    if found is None:
        raise _missing(arn)
    return KINDS[kind], found


@transactional
async def _change(tx: Transaction, arn: str, added: dict[str, str], removed: list[str]) -> None:
    space, found = await _tagged(tx, arn)
    tags = {name: value for name, value in {**found.tags, **added}.items() if name not in removed}
    tags_of(tag_list(tags))
    await space.put(tx, msgspec.structs.replace(found, tags=tags))


@sesv2.operation
async def tag_resource(call: Call, ResourceArn: str, Tags: list[dict[str, str]]) -> None:
    """Add tags, or give them other values."""
    await _change(call.state, ResourceArn, tags_of(Tags), [])


@sesv2.operation
async def untag_resource(call: Call, ResourceArn: str, TagKeys: list[str]) -> None:
    """Remove tags."""
    await _change(call.state, ResourceArn, {}, TagKeys)


@sesv2.operation
async def list_tags_for_resource(call: Call, ResourceArn: str) -> dict[str, Any]:
    """The tags of a resource."""
    _, found = await _tagged(call.state, ResourceArn)
    return {"Tags": tag_list(found.tags)}
