"""Tags of delivery streams; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kumoi.services.firehose.errors import invalid
from kumoi.wire.errors import aws_error

MOST = 50


def tags_of(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The tags of a request; InvalidArgumentException where a key is there twice."""
    found = {one["Key"]: one.get("Value", "") for one in given}
    if len(found) < len(given):
        raise invalid("Tag keys must be unique.")
    return found


def check_tags(tags: Mapping[str, str]) -> None:
    """LimitExceededException for more tags than a stream may have."""
    if len(tags) > MOST:
        raise aws_error("LimitExceededException", f"A delivery stream can have up to {MOST} tags.")
