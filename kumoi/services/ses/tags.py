"""Tags as the v2 API gives them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kumoi.wire.errors import aws_error

MOST = 50


def tags_of(given: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags by their keys; BadRequestException for too many of them."""
    found = {one["Key"]: one["Value"] for one in given or ()}
    if len(found) > MOST:
        raise aws_error("BadRequestException", f"A resource can have at most {MOST} tags.")
    return found


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as answers tell them."""
    return [{"Key": name, "Value": value} for name, value in tags.items()]
