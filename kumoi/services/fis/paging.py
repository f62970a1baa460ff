"""Pages of FIS's lists."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kumoi.services.fis.rules import invalid

ItemT = TypeVar("ItemT")
PAGE = 100


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, limit: int | None
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page of items, and the nextToken member where more follow. A token names the last item shown."""
    begin = 0
    if token is not None:
        try:
            last = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, ValueError):
            raise invalid("The nextToken is not valid.") from None
        begin = next((index + 1 for index, item in enumerate(items) if key(item) == last), -1)
        if begin < 0:
            raise invalid("The nextToken is not valid.")
    found = items[begin : begin + (limit or PAGE)]
    if begin + len(found) >= len(items):
        return found, {}
    return found, {"nextToken": base64.b64encode(key(found[-1]).encode()).decode()}
