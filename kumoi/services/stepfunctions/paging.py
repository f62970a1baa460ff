"""Pages of lists: the token is where the next page begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from kumoi.wire.errors import aws_error

ItemT = TypeVar("ItemT")


def page(
    items: Sequence[ItemT], token: str | None, limit: int | None, default: int
) -> tuple[list[ItemT], dict[str, Any]]:
    """One page, and the nextToken member where more follow."""
    start = 0 if token is None else _place(token)
    size = limit or default
    found = list(items[start : start + size])
    if start + size >= len(items):
        return found, {}
    return found, {"nextToken": base64.b64encode(f"at:{start + size}".encode()).decode()}


def _place(token: str) -> int:
    try:
        text = base64.b64decode(token, validate=True).decode()
        if not text.startswith("at:") or not text[3:].isdigit():
            raise ValueError
        return int(text[3:])
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise aws_error("InvalidToken", f"Invalid Token: 'Invalid token: {token[:100]}'") from None
