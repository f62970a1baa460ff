"""Tags of keys."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.kms import kms
from kumoi.services.kms.answers import tag_list
from kumoi.services.kms.pages import page
from kumoi.services.kms.records import Key
from kumoi.services.kms.store import change, check_stays, find_key, own, state_of
from kumoi.services.kms.tags import check_tags, tags_of


@kms.operation
async def tag_resource(call: Call, KeyId: str, Tags: list[dict[str, str]]) -> None:
    """Add tags, or give them other values."""
    named, added = own(call, KeyId), tags_of(Tags)

    def tagged(key: Key) -> Key:
        check_stays(key)
        tags = {**key.tags, **added}
        check_tags(tags)
        return replace(key, tags=tags)

    await change(state_of(call, named), named, tagged)


@kms.operation
async def untag_resource(call: Call, KeyId: str, TagKeys: list[str]) -> None:
    """Remove tags."""
    named = own(call, KeyId)

    def untagged(key: Key) -> Key:
        check_stays(key)
        return replace(key, tags={name: value for name, value in key.tags.items() if name not in TagKeys})

    await change(state_of(call, named), named, untagged)


@kms.operation
async def list_resource_tags(call: Call, KeyId: str, Limit: int = 50, Marker: str | None = None) -> dict[str, Any]:
    """The tags of a key."""
    key = (await find_key(call, KeyId, aliases=False)).key
    found, more = page(key.tags, str, Marker, Limit)
    return {"Tags": tag_list({name: key.tags[name] for name in found}), **more}
