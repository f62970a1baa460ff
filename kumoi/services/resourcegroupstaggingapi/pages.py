"""Pages of lists that are sorted by one text; pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping

from kumoi.wire.errors import AwsError, aws_error


def invalid(text: str) -> AwsError:
    """InvalidParameterException."""
    return aws_error("InvalidParameterException", text)


def after(names: Iterable[str], token: str | None) -> list[str]:
    """The names in their order, those behind the last of the page that a token tells."""
    if not token:
        return sorted(names)
    try:
        last = base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise aws_error("PaginationTokenExpiredException", "The PaginationToken is not valid.") from None
    return sorted(one for one in names if one > last)


def token_of(shown: list[str], left: list[str]) -> str:
    """The token of a page of `left`; empty behind the last one, as the service answers it."""
    return base64.b64encode(shown[-1].encode()).decode() if shown and len(shown) < len(left) else ""


def fitting(
    names: list[str], tags: Mapping[str, Mapping[str, str]], resources: int, most_tags: int | None
) -> list[str]:
    """The resources of a page: so many at most, and together so many tags, but one resource in any case."""
    if most_tags is None:
        return names[:resources]
    shown, count = list[str](), 0
    for name in names[:resources]:
        count += len(tags[name])
        if shown and count > most_tags:
            break
        shown.append(name)
    return shown
