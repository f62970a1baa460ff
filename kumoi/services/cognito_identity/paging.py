"""Pages of pools and identities, in the order of their ids."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from kumoi.services.cognito_identity.errors import invalid

ItemT = TypeVar("ItemT")
MOST = 60


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, most: int | None
) -> tuple[Sequence[ItemT], dict[str, str]]:
    """One page of items in the order of their keys, and the token of the next where more follow."""
    items = sorted(items, key=key)
    if token is not None:
        after = read_token(token)
        items = [item for item in items if key(item) > after]
    found = items[: most or MOST]
    if len(found) == len(items):
        return found, {}
    return found, {"NextToken": base64.b64encode(key(found[-1]).encode()).decode()}


def read_token(token: str) -> str:
    """The key that a token goes on behind; InvalidParameterException for a text that is none."""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("Invalid NextToken") from None
