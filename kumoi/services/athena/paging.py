"""Pages of lists: the token is the key of the last item of the page before."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from kumoi.services.athena.errors import invalid

ItemT = TypeVar("ItemT")


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, most: int | None, usual: int = 50
) -> tuple[Sequence[ItemT], dict[str, str]]:
    """One page of items in the order of their keys, and the token of the next where more follow."""
    items = sorted(items, key=key)
    if token:
        after = _read(token)
        items = [item for item in items if key(item) > after]
    found = items[: most or usual]
    if len(found) == len(items):
        return found, {}
    return found, {"NextToken": base64.b64encode(key(found[-1]).encode()).decode()}


def _read(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("The NextToken is not valid.") from None
