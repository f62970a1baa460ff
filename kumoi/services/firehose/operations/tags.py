"""Tags of delivery streams."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.firehose import firehose
from kumoi.services.firehose.records import DeliveryStream
from kumoi.services.firehose.store import change, find
from kumoi.services.firehose.tags import MOST, check_tags, tags_of


@firehose.operation
async def tag_delivery_stream(call: Call, DeliveryStreamName: str, Tags: list[dict[str, str]]) -> None:
    """Add tags, or give them other values."""
    added = tags_of(Tags)

    def tagged(stream: DeliveryStream) -> DeliveryStream:
        tags = {**stream.tags, **added}
        check_tags(tags)
        return replace(stream, tags=tags)

    await change(call.state, DeliveryStreamName, tagged)


@firehose.operation
async def untag_delivery_stream(call: Call, DeliveryStreamName: str, TagKeys: list[str]) -> None:
    """Remove tags."""

    def untagged(stream: DeliveryStream) -> DeliveryStream:
        return replace(stream, tags={key: value for key, value in stream.tags.items() if key not in TagKeys})

    await change(call.state, DeliveryStreamName, untagged)


@firehose.operation
async def list_tags_for_delivery_stream(
    call: Call, DeliveryStreamName: str, ExclusiveStartTagKey: str | None = None, Limit: int = MOST
) -> dict[str, Any]:
    """The tags of a delivery stream by key, a page at a time."""
    tags = (await find(call, DeliveryStreamName)).tags
    left = sorted(key for key in tags if ExclusiveStartTagKey is None or key > ExclusiveStartTagKey)
    return {"Tags": [{"Key": key, "Value": tags[key]} for key in left[:Limit]], "HasMoreTags": len(left) > Limit}
