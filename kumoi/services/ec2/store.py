"""Items in the key space: found, made with their tags, changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.networks.records import Item, items
from kumoi.services.ec2.errors import invalid
from kumoi.services.ec2.kinds import KINDS, check_id, new_id, not_found
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_TAGS = 50
_LONGEST_KEY, _LONGEST_VALUE = 127, 255
TagSpecifications = list[dict[str, Any]]


async def find(tx: Transaction, kind: str, item_id: str) -> Item:
    """The item; raises where the id is malformed, or there is none."""
    check_id(kind, item_id)
    found = await items.get(tx, kind, item_id)
    if found is None:
        raise not_found(kind, item_id)
    return found


@transactional
async def find_one(tx: Transaction, kind: str, item_id: str) -> Item:
    """As `find`, in a transaction of its own."""
    return await find(tx, kind, item_id)


@transactional
async def every(tx: Transaction, *kinds: str) -> list[Item]:
    """All items of some kinds."""
    return [one for kind in kinds for one in await items.list(tx, kind)]


async def in_vpc(tx: Transaction, kind: str, vpc_id: str) -> list[Item]:
    """The items of a kind in a VPC."""
    return [one for one in await items.list(tx, kind) if one.get("VpcId") == vpc_id]


async def put(tx: Transaction, *changed: Item) -> None:
    """Store items."""
    for item in changed:
        await items.put(tx, item)


async def drop(tx: Transaction, *gone: Item) -> None:
    """Delete items."""
    for item in gone:
        await items.delete(tx, item.kind, item.id)


async def by_token(tx: Transaction, kind: str, token: str | None) -> Item | None:
    """What an earlier request with the same client token made."""
    if not token:
        return None
    return next((one for one in await items.list(tx, kind) if one.token == token), None)


def new_item(
    kind: str,
    members: dict[str, Any],
    tags: dict[str, str] | None = None,
    *,
    settings: dict[str, Any] | None = None,
    token: str | None = None,
) -> Item:
    """An item under a new id, which is one of its members."""
    item_id = new_id(kind)
    named = {KINDS[kind].member: item_id, **{name: value for name, value in members.items() if value is not None}}
    return Item(kind=kind, id=item_id, members=named, tags=tags or {}, settings=settings or {}, token=token or "")


def tags_of(kind: str, given: TagSpecifications | None) -> dict[str, str]:
    """The tags that a request gives to what it makes; InvalidParameterValue for those of another kind."""
    found: dict[str, str] = {}
    for one in given or ():
        of = one.get("ResourceType")
        if of != kind:
            raise invalid(f"'{of}' is not a valid taggable resource type for this operation.")
        found |= read_tags(one.get("Tags") or ())
    return checked_tags(found)


def read_tags(given: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Tags as clients write them."""
    found = {}
    for tag in given:
        key, value = tag.get("Key"), tag.get("Value") or ""
        if not key or len(key) > _LONGEST_KEY:
            raise invalid(f"Tag key must not be empty, and up to {_LONGEST_KEY} characters long")
        if len(value) > _LONGEST_VALUE + 1:
            raise invalid(f"Tag value exceeds the maximum length of {_LONGEST_VALUE + 1} characters")
        found[str(key)] = str(value)
    return found


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags of one item; TagLimitExceeded for too many."""
    if len([key for key in tags if not key.startswith("aws:")]) > MOST_TAGS:
        raise aws_error("TagLimitExceeded", f"The maximum number of tags ({MOST_TAGS}) has been reached.")
    return tags
