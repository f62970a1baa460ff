"""Tags of load balancers, listeners, rules and target groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.elbv2 import elbv2
from kumoi.services.elbv2.errors import invalid, refused
from kumoi.services.elbv2.lookup import find_balancer, find_group, find_listener, find_rule
from kumoi.services.elbv2.records import balancers, groups, listeners
from kumoi.state import Transaction, transactional

MOST = 50


def tags_of(given: Sequence[dict[str, str]]) -> dict[str, str]:
    """Tags as they are stored; raises DuplicateTagKeys and TooManyTags."""
    tags = {one["Key"]: one.get("Value", "") for one in given}
    if len(tags) < len(given):
        raise refused("DuplicateTagKeys", "Tag keys must be unique")
    if len(tags) > MOST:
        raise refused("TooManyTags", f"A resource can have at most {MOST} tags")
    return tags


@elbv2.operation
async def add_tags(call: Call, ResourceArns: list[str], Tags: list[dict[str, str]]) -> dict[str, Any]:
    """Add tags to resources."""
    await _change(call.state, ResourceArns, tags_of(Tags), ())
    return {}


@elbv2.operation
async def remove_tags(call: Call, ResourceArns: list[str], TagKeys: list[str]) -> dict[str, Any]:
    """Take tags away."""
    await _change(call.state, ResourceArns, {}, TagKeys)
    return {}


@elbv2.operation
async def describe_tags(call: Call, ResourceArns: list[str]) -> dict[str, Any]:
    """The tags of up to 20 resources."""
    if len(ResourceArns) > 20:
        raise invalid("A maximum of '20' resources can be specified")
    found = await _change(call.state, ResourceArns, {}, ())
    return {
        "TagDescriptions": [
            {"ResourceArn": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for arn, tags in found
        ]
    }


@transactional
async def _change(
    tx: Transaction, arns: Sequence[str], added: dict[str, str], removed: Sequence[str]
) -> list[tuple[str, dict[str, str]]]:
    return [(arn, await _of(tx, arn, added, removed)) for arn in arns]


async def _of(tx: Transaction, arn: str, added: dict[str, str], removed: Sequence[str]) -> dict[str, str]:
    """Change the tags of what an ARN names, and answer them."""

    def merged(before: dict[str, str]) -> dict[str, str]:
        after = {key: value for key, value in {**before, **added}.items() if key not in removed}
        if len(after) > MOST:
            raise refused("TooManyTags", f"The maximum number of tags has been reached on '{arn}'")
        return after

    kind = arn.partition("/")[0].rpartition(":")[2]
    if kind == "loadbalancer":
        balancer = await find_balancer(tx, arn)
        tags = merged(balancer.tags)
        await balancers.put(tx, msgspec.structs.replace(balancer, tags=tags))
    elif kind == "listener":
        listener = await find_listener(tx, arn)
        tags = merged(listener.tags)
        await listeners.put(tx, msgspec.structs.replace(listener, tags=tags))
    elif kind == "listener-rule":
        listener, rule = await find_rule(tx, arn)
        tags = merged(rule.tags)
        changed = msgspec.structs.replace(rule, tags=tags)
        rules = [changed if one.id == rule.id else one for one in listener.rules]
        await listeners.put(tx, msgspec.structs.replace(listener, rules=rules))
    elif kind == "targetgroup":
        group = await find_group(tx, arn)
        tags = merged(group.tags)
        await groups.put(tx, msgspec.structs.replace(group, tags=tags))
    else:
        raise invalid(f"'{arn}' is not a valid resource ARN")
    return tags
