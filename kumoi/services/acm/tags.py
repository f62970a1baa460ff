"""Tags as requests give them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kumoi.wire.errors import aws_error

MOST_TAGS = 50


def tags_of(given: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags by their keys; InvalidTagException for AWS's own."""
    tags = {one["Key"]: one.get("Value", "") for one in given}
    if any(name.lower().startswith("aws:") and not name.startswith("aws:cloudformation:") for name in tags):
        raise aws_error("InvalidTagException", "Tag keys that begin with aws: are AWS's own.")
    return tags


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise TooManyTagsException."""
    if len(tags) > MOST_TAGS:
        raise aws_error("TooManyTagsException", f"A certificate can have at most {MOST_TAGS} tags.")
