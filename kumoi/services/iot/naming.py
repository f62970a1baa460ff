"""Errors in IoT's words, and pages of lists: pure rules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")
MOST_TOPIC, MOST_SLASHES = 256, 7
"""Bytes and slashes of a topic or a filter."""


def invalid(text: str) -> AwsError:
    """InvalidRequestException."""
    return aws_error("InvalidRequestException", text)


def not_found(text: str) -> AwsError:
    """ResourceNotFoundException."""
    return aws_error("ResourceNotFoundException", text)


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, limit: int | None
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page of items in the order of their keys, and the nextToken member where more follow."""
    if token is not None:
        after = _opened(token, "nextToken")
        items = [item for item in items if key(item) > after]
    found = items[: limit or 100]
    if len(found) == len(items):
        return found, {}
    return found, {"nextToken": base64.urlsafe_b64encode(key(found[-1]).encode()).decode()}


def marked_page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], marker: str | None, size: int | None, *, ascending: bool
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page of items sorted by their keys, either way, and the nextMarker member where more follow."""
    listed = sorted(items, key=key, reverse=not ascending)
    if marker is not None:
        bound = _opened(marker, "marker")
        listed = [item for item in listed if (key(item) > bound if ascending else key(item) < bound)]
    found = listed[: size or 25]
    if len(found) == len(listed):
        return found, {}
    return found, {"nextMarker": base64.urlsafe_b64encode(key(found[-1]).encode()).decode()}


def _opened(token: str, name: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise invalid(f"The {name} is not valid.") from None


def given(**members: Any) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}
