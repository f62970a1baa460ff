"""Tags as Step Functions takes them."""

from __future__ import annotations

from collections.abc import Iterable

from kumoi.wire.errors import aws_error

MOST_TAGS = 50


def check_tags(tags: Iterable[dict[str, str]] | None) -> dict[str, str]:
    """Tags as a mapping; refused where there are too many or a key is reserved."""
    found = {tag.get("key", ""): tag.get("value", "") for tag in tags or ()}
    if len(found) > MOST_TAGS:
        raise aws_error("TooManyTags", "Too many tags: a resource has at most 50", resourceName="")
    return found
