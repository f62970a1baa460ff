"""Tags of certificates, by ACM's own operations and by those that services share."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.acm import acm
from kumoi.services.acm.answers import tag_list
from kumoi.services.acm.records import Certificate
from kumoi.services.acm.store import change, find
from kumoi.services.acm.tags import check_tags, tags_of


@acm.operation
async def add_tags_to_certificate(call: Call, CertificateArn: str, Tags: list[dict[str, str]]) -> None:
    """Add tags, or give them other values."""
    await _add(call, CertificateArn, Tags)


@acm.operation
async def tag_resource(call: Call, ResourceArn: str, Tags: list[dict[str, str]]) -> None:
    """Add tags, or give them other values."""
    await _add(call, ResourceArn, Tags)


async def _add(call: Call, arn: str, given: list[dict[str, str]]) -> None:
    added = tags_of(given)

    def tagged(one: Certificate) -> Certificate:
        tags = {**one.tags, **added}
        check_tags(tags)
        return replace(one, tags=tags)

    await change(call, arn, tagged)


@acm.operation
async def remove_tags_from_certificate(call: Call, CertificateArn: str, Tags: list[dict[str, str]]) -> None:
    """Remove tags: where a value is given, only those that have it."""
    gone = {one["Key"]: one.get("Value") for one in Tags}

    def untagged(one: Certificate) -> Certificate:
        kept = {name: value for name, value in one.tags.items() if name not in gone or gone[name] not in (None, value)}
        return replace(one, tags=kept)

    await change(call, CertificateArn, untagged)


@acm.operation
async def untag_resource(call: Call, ResourceArn: str, TagKeys: list[str]) -> None:
    """Remove tags."""

    def untagged(one: Certificate) -> Certificate:
        return replace(one, tags={name: value for name, value in one.tags.items() if name not in TagKeys})

    await change(call, ResourceArn, untagged)


@acm.operation
async def list_tags_for_certificate(call: Call, CertificateArn: str) -> dict[str, Any]:
    """The tags of a certificate."""
    return {"Tags": tag_list((await find(call, CertificateArn)).tags)}


@acm.operation
async def list_tags_for_resource(call: Call, ResourceArn: str) -> dict[str, Any]:
    """The tags of a certificate."""
    return {"Tags": tag_list((await find(call, ResourceArn)).tags)}
