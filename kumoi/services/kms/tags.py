"""Tags as requests give them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kumoi.wire.errors import aws_error

MOST_TAGS = 50


def tags_of(given: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags by their keys; TagException for a key that is there twice."""
    tags: dict[str, str] = {}
    for one in given:
        if one["TagKey"] in tags:
            raise aws_error("TagException", f"Duplicate tag keys: {one['TagKey']}")
        tags[one["TagKey"]] = one["TagValue"]
    return tags


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise TagException for more tags than a key may have."""
    if len(tags) > MOST_TAGS:
        raise aws_error("TagException", f"A key can have at most {MOST_TAGS} tags.")
