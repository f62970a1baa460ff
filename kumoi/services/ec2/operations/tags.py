"""Tags of whatever a network is made of."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.networks.records import Item
from kumoi.services.ec2.describing import Filters, page
from kumoi.services.ec2.errors import missing
from kumoi.services.ec2.filters import matching
from kumoi.services.ec2.kinds import KINDS, kind_of
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import checked_tags, every, find, put, read_tags
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


async def _find(tx: Transaction, item_id: str) -> Item:
    kind = kind_of(item_id)
    if kind is None:
        raise aws_error("InvalidID", f"The ID '{item_id}' is not valid")
    return await find(tx, kind, item_id)


@operation
async def create_tags(call: Call, Resources: list[str], Tags: list[dict[str, Any]]) -> None:
    """Give tags to things; those of the same keys are replaced."""
    if not Tags:
        raise missing("tag")
    await _create(call.state, tuple(Resources), read_tags(Tags))


@transactional
async def _create(tx: Transaction, ids: tuple[str, ...], tags: dict[str, str]) -> None:
    for one in ids:
        item = await _find(tx, one)
        await put(tx, msgspec.structs.replace(item, tags=checked_tags({**item.tags, **tags})))


@operation
async def delete_tags(call: Call, Resources: list[str], Tags: list[dict[str, Any]] | None = None) -> None:
    """Take tags away: those of a key, those of a key and a value, or without any all of one's own."""
    await _delete(call.state, tuple(Resources), Tags)


@transactional
async def _delete(tx: Transaction, ids: tuple[str, ...], tags: list[dict[str, Any]] | None) -> None:
    for one in ids:
        item = await _find(tx, one)
        left = {key: value for key, value in item.tags.items() if not _goes(key, value, tags)}
        await put(tx, msgspec.structs.replace(item, tags=left))


def _goes(key: str, value: str, tags: list[dict[str, Any]] | None) -> bool:
    if not tags:
        return not key.startswith("aws:")
    return any(one.get("Key") == key and one.get("Value") in (None, value) for one in tags)


@operation
async def describe_tags(
    call: Call, Filters: Filters | None = None, MaxResults: int | None = None, NextToken: str | None = None
) -> dict[str, Any]:
    """Every tag, with what has it."""
    told = []
    for item in await every(call.state, *KINDS):
        about = {"ResourceId": item.id, "ResourceType": item.kind}
        told += [{**about, "Key": key, "Value": value} for key, value in item.tags.items()]
    return page("Tags", matching("tag", _with_tags(told), Filters), MaxResults, NextToken)


def _with_tags(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with itself as its tags, so that the filters for tags find it."""
    return [{**one, "Tags": [{"Key": one["Key"], "Value": one["Value"]}]} for one in told]
