"""Pages of lists that are sorted by one text; pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from kumoi.wire.errors import aws_error

ItemT = TypeVar("ItemT")
_PAGE = 100


def page(
    items: Iterable[ItemT], order: Callable[[ItemT], str], token: str | None, limit: int | None
) -> tuple[list[ItemT], dict[str, Any]]:
    """One page of items in their order, and the NextToken member where more follow."""
    after = None if token is None else _read(token)
    left = sorted((one for one in items if after is None or order(one) > after), key=order)
    found = left[: limit or _PAGE]
    if len(found) == len(left):
        return found, {}
    return found, {"NextToken": base64.b64encode(order(found[-1]).encode()).decode()}


def _read(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise aws_error("InvalidRequestException", "The NextToken is not valid.") from None
