"""Tags of clusters, instances and subnet groups."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.rds import rds
from kumoi.services.rds.naming import invalid, no_cluster, no_group, no_instance, parse_arn
from kumoi.services.rds.paging import tags_of
from kumoi.services.rds.records import clusters, instances, subnet_groups
from kumoi.state import Transaction, transactional


@rds.operation
async def add_tags_to_resource(call: Call, ResourceName: str, Tags: list[dict[str, str]]) -> None:
    """Add tags, or give them other values."""
    await _change(call.state, ResourceName, tags_of(Tags), [])


@rds.operation
async def remove_tags_from_resource(call: Call, ResourceName: str, TagKeys: list[str]) -> None:
    """Remove tags."""
    await _change(call.state, ResourceName, {}, TagKeys)


@rds.operation
async def list_tags_for_resource(
    call: Call, ResourceName: str, Filters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The tags of a cluster, an instance or a subnet group."""
    tags = await _change(call.state, ResourceName, {}, [])
    return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}


@transactional
async def _change(tx: Transaction, resource: str, added: dict[str, str], removed: list[str]) -> dict[str, str]:
    kind, name = parse_arn(resource)
    if kind == "cluster":
        cluster = await clusters.get(tx, name)
        if cluster is None:
            raise no_cluster(name)
        tags = _changed(cluster.tags, added, removed)
        if tags != cluster.tags:
            await clusters.put(tx, msgspec.structs.replace(cluster, tags=tags))
        return tags
    if kind == "db":
        instance = await instances.get(tx, name)
        if instance is None:
            raise no_instance(name)
        tags = _changed(instance.tags, added, removed)
        if tags != instance.tags:
            await instances.put(tx, msgspec.structs.replace(instance, tags=tags))
        return tags
    if kind == "subgrp":
        group = await subnet_groups.get(tx, name)
        if group is None:
            raise no_group(name)
        tags = _changed(group.tags, added, removed)
        if tags != group.tags:
            await subnet_groups.put(tx, msgspec.structs.replace(group, tags=tags))
        return tags
    raise invalid(f"Invalid resource name: {resource}")


def _changed(tags: dict[str, str], added: dict[str, str], removed: list[str]) -> dict[str, str]:
    found = {key: value for key, value in {**tags, **added}.items() if key not in removed}
    if len(found) > 50:
        raise invalid("The number of tags exceeds the limit of 50.")
    return found
