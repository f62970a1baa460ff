"""Errors in X-Ray's words, time ranges and page tokens: pure rules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")

MAX_RANGE = 6 * 3600.0


def invalid(text: str) -> AwsError:
    """InvalidRequestException."""
    return aws_error("InvalidRequestException", text)


def time_range(start: datetime, end: datetime) -> tuple[int, int]:
    """A range of time as epoch milliseconds; no longer than six hours, and not backwards."""
    first, last = start.timestamp(), end.timestamp()
    if last <= first:
        raise invalid("StartTime must be before EndTime.")
    if last - first > MAX_RANGE:
        raise invalid("Time range cannot exceed 6 hours.")
    return int(first * 1000), int(last * 1000)


def token(value: str | int) -> str:
    """A page token."""
    return base64.urlsafe_b64encode(str(value).encode()).decode()


def read_token(text: str) -> str:
    """What a page token holds."""
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise invalid("Invalid NextToken.") from None


def read_time_token(text: str | None, otherwise: int) -> int:
    """The time (epoch ms) that a page goes on from."""
    if text is None:
        return otherwise
    found = read_token(text)
    if not found.isascii() or not found.isdigit() or len(found) > 15:
        raise invalid("Invalid NextToken.")
    return int(found)


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], next_token: str | None, limit: int = 100
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page of items in the order of their keys, and the NextToken member where more follow."""
    if next_token is not None:
        after = read_token(next_token)
        items = [item for item in items if key(item) > after]
    if len(items) <= limit:
        return items, {}
    return items[:limit], {"NextToken": token(key(items[limit - 1]))}
