"""Tags of applications and deployment groups."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.codedeploy import codedeploy
from kumoi.services.codedeploy.operations.applications import find_application, tags_of
from kumoi.services.codedeploy.operations.groups import find_group
from kumoi.services.codedeploy.records import Application, Group, applications, groups
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_ARN = re.compile(
    r"arn:[^:]+:codedeploy:[^:]+:\d*:"
    r"(?:application:(?P<application>[^/]+)|deploymentgroup:(?P<owner>[^/]+)/(?P<group>.+))"
)


@codedeploy.operation
async def list_tags_for_resource(call: Call, ResourceArn: str, NextToken: str | None = None) -> dict[str, Any]:
    """The tags of an application or a group."""
    found = await _tagged(call.state, ResourceArn)
    return {"Tags": [{"Key": key, "Value": value} for key, value in found.tags.items()]}


@codedeploy.operation
async def tag_resource(call: Call, ResourceArn: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    await _change(call.state, ResourceArn, tags_of(Tags), [])
    return {}


@codedeploy.operation
async def untag_resource(call: Call, ResourceArn: str, TagKeys: list[str]) -> dict[str, Any]:
    """Remove tags."""
    await _change(call.state, ResourceArn, {}, TagKeys)
    return {}


@transactional
async def _tagged(tx: Transaction, arn: str) -> Application | Group:
    named = _ARN.fullmatch(arn)
    if named is None:
        raise aws_error("ArnNotSupportedException", f"{arn} is no application and no deployment group.")
    if named["application"]:
        return await find_application(tx, named["application"])
    return await find_group(tx, named["owner"], named["group"])


@transactional
async def _change(tx: Transaction, arn: str, added: dict[str, str], removed: list[str]) -> None:
    found = await _tagged(tx, arn)
    tags = {key: value for key, value in {**found.tags, **added}.items() if key not in removed}
    changed = msgspec.structs.replace(found, tags=tags)
    if isinstance(changed, Application):
        await applications.put(tx, changed)
    else:
        await groups.put(tx, changed)
