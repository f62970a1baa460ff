"""Tags as they are given, and what they may be."""

from __future__ import annotations

from collections.abc import Sequence

from kumoi.wire.errors import aws_error

MOST_TAGS = 50


def given_tags(given: Sequence[dict[str, str]] | None) -> dict[str, str]:
    """Tags by their keys; TooManyTagsException."""
    found = {tag["Key"]: tag["Value"] for tag in given or ()}
    if len(found) > MOST_TAGS:
        raise aws_error("TooManyTagsException", f"A resource can have up to {MOST_TAGS} tags.")
    return found
