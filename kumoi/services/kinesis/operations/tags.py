"""Tags of streams and of consumers."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.kinesis import kinesis
from kumoi.services.kinesis.errors import invalid
from kumoi.services.kinesis.lookup import StreamName as Name
from kumoi.services.kinesis.lookup import consumer_of, find_stream
from kumoi.services.kinesis.records import consumers, streams
from kumoi.state import Transaction, transactional

MOST_TAGS = 50
_TAG = re.compile(r"[\w\s.:/=+\-@]*")


def check_tags(name: str, account: str, had: dict[str, str], added: dict[str, str]) -> None:
    """InvalidArgumentException for tags that cannot be added to those a stream has."""
    if not all(_TAG.fullmatch(text) for tag in added.items() for text in tag):
        raise invalid(
            "Some tags contain invalid characters. Valid characters: "
            "Unicode letters, digits, white space, _ . / = + - % @ :."
        )
    if len({**had, **added}) > MOST_TAGS:
        raise invalid(
            f"Failed to add tags to stream {name} under account {account} "
            f"because a given stream cannot have more than {MOST_TAGS} tags associated with it."
        )


@kinesis.operation
async def add_tags_to_stream(
    call: Call, Tags: dict[str, str], StreamName: str | None = None, StreamARN: str | None = None
) -> None:
    """Add tags to a stream, or give them other values."""
    name = Name.of(call, StreamName, StreamARN)
    await _change(name.state(call), name, None, Tags, [])


@kinesis.operation
async def remove_tags_from_stream(
    call: Call, TagKeys: list[str], StreamName: str | None = None, StreamARN: str | None = None
) -> None:
    """Remove tags from a stream."""
    name = Name.of(call, StreamName, StreamARN)
    await _change(name.state(call), name, None, {}, TagKeys)


@kinesis.operation
async def list_tags_for_stream(
    call: Call,
    StreamName: str | None = None,
    ExclusiveStartTagKey: str | None = None,
    Limit: int = MOST_TAGS,
    StreamARN: str | None = None,
) -> dict[str, Any]:
    """The tags of a stream by key, a page at a time."""
    name = Name.of(call, StreamName, StreamARN)
    tags = (await find_stream(name.state(call), name)).tags
    behind = sorted(key for key in tags if ExclusiveStartTagKey is None or key > ExclusiveStartTagKey)
    page = behind[:Limit]
    return {"Tags": [{"Key": key, "Value": tags[key]} for key in page], "HasMoreTags": len(behind) > len(page)}


@kinesis.operation
async def tag_resource(call: Call, Tags: dict[str, str], ResourceARN: str) -> None:
    """Add tags to a stream or a consumer."""
    name = Name.of_arn(ResourceARN)
    await _change(name.state(call), name, ResourceARN, Tags, [])


@kinesis.operation
async def untag_resource(call: Call, TagKeys: list[str], ResourceARN: str) -> None:
    """Remove tags from a stream or a consumer."""
    name = Name.of_arn(ResourceARN)
    await _change(name.state(call), name, ResourceARN, {}, TagKeys)


@kinesis.operation
async def list_tags_for_resource(call: Call, ResourceARN: str) -> dict[str, Any]:
    """The tags of a stream or a consumer."""
    name = Name.of_arn(ResourceARN)
    tags = await _tags(name.state(call), name, ResourceARN)
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}


@transactional
async def _tags(tx: Transaction, name: Name, arn: str) -> dict[str, str]:
    if _consumer(arn):
        return (await consumer_of(tx, None, None, arn))[1].tags
    return (await name.get(tx)).tags


@transactional
async def _change(tx: Transaction, name: Name, arn: str | None, added: dict[str, str], removed: list[str]) -> None:
    stream = await name.get(tx)
    consumer = (await consumer_of(tx, None, None, arn))[1] if arn is not None and _consumer(arn) else None
    had = stream.tags if consumer is None else consumer.tags
    check_tags(stream.name, stream.account, had, added)
    tags = {key: value for key, value in {**had, **added}.items() if key not in removed}
    if consumer is None:
        await streams.put(tx, msgspec.structs.replace(stream, tags=tags))
    else:
        await consumers.put(tx, msgspec.structs.replace(consumer, tags=tags))


def _consumer(arn: str) -> bool:
    return "/consumer/" in arn
