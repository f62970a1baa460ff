"""Tags of parameters."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.ssm import ssm
from kumoi.services.ssm.naming import parse_reference
from kumoi.services.ssm.records import Parameter, parameters
from kumoi.services.ssm.rules import check_tags
from kumoi.services.ssm.store import find
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


@ssm.operation
async def add_tags_to_resource(call: Call, ResourceType: str, ResourceId: str, Tags: list[dict[str, str]]) -> None:
    """Add tags, or give them other values."""
    await _change(call.state, ResourceType, ResourceId, {tag["Key"]: tag["Value"] for tag in Tags}, [])


@ssm.operation
async def remove_tags_from_resource(call: Call, ResourceType: str, ResourceId: str, TagKeys: list[str]) -> None:
    """Remove tags."""
    await _change(call.state, ResourceType, ResourceId, {}, TagKeys)


@ssm.operation
async def list_tags_for_resource(call: Call, ResourceType: str, ResourceId: str) -> dict[str, Any]:
    """The tags of a parameter."""
    found = await _tagged(call.state, ResourceType, ResourceId)
    return {"TagList": [{"Key": key, "Value": value} for key, value in found.tags.items()]}


@transactional
async def _change(tx: Transaction, kind: str, named: str, added: dict[str, str], removed: list[str]) -> None:
    found = await _tagged(tx, kind, named)
    tags = {key: value for key, value in {**found.tags, **added}.items() if key not in removed}
    check_tags(tags)
    await parameters.put(tx, msgspec.structs.replace(found, tags=tags))


@transactional
async def _tagged(tx: Transaction, kind: str, named: str) -> Parameter:
    """The parameter that a request about tags names; InvalidResourceType or InvalidResourceId."""
    if kind != "Parameter":
        raise aws_error(
            "InvalidResourceType",
            f"{kind} is not a valid resource type. Valid resource types are: Parameter. (Of Systems Manager Kumoi has "
            "Parameter Store alone.)",
        )
    try:
        reference = parse_reference(named)
    except AwsError:
        raise _no_resource(named) from None
    elsewhere = reference.account and (reference.account, reference.region) != (tx.account, tx.region)
    found = None if reference.selector or elsewhere else await find(tx, reference)
    if found is None:
        raise _no_resource(named)
    return found


def _no_resource(named: str) -> AwsError:
    return aws_error("InvalidResourceId", f'The resource ID "{named}" is not valid. Verify the ID and try again.')
