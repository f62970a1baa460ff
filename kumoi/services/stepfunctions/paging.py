"""Pages of lists: the token is where the next page begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from kumoi.services.stepfunctions.naming import small_number
from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")


def page(
    items: Sequence[ItemT], token: str | None, limit: int | None, default: int
) -> tuple[list[ItemT], dict[str, Any]]:
    """One page, and the nextToken member where more follow."""
    start = 0
    if token is not None:
        place = small_number(read_token(token))
        if place is None:
            raise bad_token(token)
        start = place
    size = limit or default
    found = list(items[start : start + size])
    if start + size >= len(items):
        return found, {}
    return found, {"nextToken": token_of(str(start + size))}


def token_of(text: str) -> str:
    """A token that says where the next page begins."""
    return base64.b64encode(f"at:{text}".encode()).decode()


def read_token(token: str) -> str:
    """What a token says; InvalidToken for one that is none."""
    try:
        text = base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise bad_token(token) from None
    if not text.startswith("at:"):
        raise bad_token(token)
    return text[3:]


def bad_token(token: str) -> AwsError:
    """InvalidToken."""
    return aws_error("InvalidToken", f"Invalid Token: 'Invalid token: {token[:100]}'")
