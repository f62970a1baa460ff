"""Pages of lists; pure. A token tells how many came before, so that it serves any order."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from kumoi.doorway import Call
from kumoi.services.ses.errors import invalid, is_v2
from kumoi.wire.errors import aws_error

ItemT = TypeVar("ItemT")


def page(call: Call, items: Sequence[ItemT], token: str | None, size: int | None, most: int) -> tuple[list[ItemT], Any]:
    """One page of items, and the token of the next (None for the last)."""
    start = 0 if not token else _read(call, token)
    limit = most if size is None or not 0 < size <= most else size
    end = start + limit
    more = base64.b64encode(f"ses:{end}".encode()).decode() if end < len(items) else None
    return list(items[start:end]), more


def _read(call: Call, token: str) -> int:
    try:
        kind, _, number = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        kind, number = "", ""
    if kind != "ses" or not number.isdecimal() or len(number) > 9:
        if is_v2(call):
            raise aws_error("InvalidNextTokenException", "The specified request includes an invalid or expired token.")
        raise invalid(call, "Invalid NextToken.")
    return int(number)
