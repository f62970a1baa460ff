"""What a cached object answers to a viewer's conditions and ranges. Rules: RFC 9110, sections 13 and 14."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from kumoi.services.cloudfront.edge.messages import every, first
from kumoi.wire.http import HeaderList

_RANGE = re.compile(r"\s*bytes\s*=\s*(?:(\d{1,18})\s*-\s*(\d{0,18})|-\s*(\d{1,18}))\s*")


def not_modified(request: HeaderList, response: HeaderList) -> bool:
    """Whether a viewer has the object already. If-None-Match, where there is one, decides alone."""
    asked = every(request, "if-none-match")
    if asked:
        etag = first(response, "etag")
        tags = [tag.strip() for value in asked for tag in value.split(",")]
        if "*" in tags:
            return True
        return etag is not None and _bare(etag) in {_bare(tag) for tag in tags}
    since = _moment(first(request, "if-modified-since"))
    if since is None:
        return False
    modified = _moment(first(response, "last-modified"))
    return modified is not None and modified <= since


def _bare(tag: str) -> str:
    return tag.removeprefix("W/")


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def one_range(request: HeaderList, response: HeaderList, length: int) -> tuple[int, int] | None:
    """(first, last) byte that a viewer asks for; None for the whole object; ValueError for what it does not have.

    Several ranges at once get the whole object. If-Range that does not hold does so, too.
    """
    asked = first(request, "range")
    match = _RANGE.fullmatch(asked) if asked is not None else None
    if match is None:
        return None
    condition = first(request, "if-range")
    if condition is not None and condition not in (first(response, "etag"), first(response, "last-modified")):
        return None
    begin, end, suffix = match.groups()
    if suffix is not None:
        if int(suffix) == 0 or length == 0:
            raise ValueError(asked)
        return max(0, length - int(suffix)), length - 1
    start = int(begin)
    last = min(int(end), length - 1) if end else length - 1
    if end and int(end) < start:
        return None
    if start >= length:
        raise ValueError(asked)
    return start, last
