"""Pages: the token is the key of the last item of the page before."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from kumoi.services.glue.errors import invalid

ItemT = TypeVar("ItemT")


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, most: int | None, usual: int
) -> tuple[Sequence[ItemT], dict[str, str]]:
    """One page of items that are in the order of their keys, and the token of the next where more follow."""
    if token:
        after = key_of(token)
        items = [item for item in items if key(item) > after]
    found = items[: most or usual]
    if len(found) == len(items):
        return found, {}
    return found, {"NextToken": token_of(key(found[-1]))}


def token_of(key: str) -> str:
    """The token of what follows a key."""
    return base64.b64encode(key.encode()).decode()


def key_of(token: str) -> str:
    """The key that a token is of; InvalidInputException."""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("Pagination token is not valid.") from None
