"""Pages of lists that are sorted by one text; pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from kumoi.wire.errors import aws_error

ItemT = TypeVar("ItemT")


def page(
    items: Iterable[ItemT], order: Callable[[ItemT], str], marker: str | None, limit: int
) -> tuple[list[ItemT], dict[str, Any]]:
    """One page of items in their order, and the members that tell whether more follow."""
    after = None if marker is None else _read(marker)
    left = sorted((one for one in items if after is None or order(one) > after), key=order)
    found = left[:limit]
    if len(found) == len(left):
        return found, {"Truncated": False}
    return found, {"Truncated": True, "NextMarker": base64.b64encode(order(found[-1]).encode()).decode()}


def _read(marker: str) -> str:
    try:
        return base64.b64decode(marker, validate=True).decode()
    except (binascii.Error, ValueError):
        raise aws_error("InvalidMarkerException", "Could not deserialize marker") from None
