"""Pages of lists that are sorted by a time or a name; pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson

from kumoi.wire.errors import aws_error

ItemT = TypeVar("ItemT")
Order = tuple[float | str, str]


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], Order], token: str | None, size: int, *, reverse: bool = False
) -> tuple[list[ItemT], dict[str, Any]]:
    """One page of items in the order of their keys, and the NextToken member where more follow."""
    ordered = sorted(items, key=key, reverse=reverse)
    if token is not None:
        last = _read(token)
        try:
            ordered = [one for one in ordered if (key(one) < last if reverse else key(one) > last)]
        except TypeError:
            raise _no_token() from None
    found = ordered[:size]
    if len(found) == len(ordered):
        return found, {}
    return found, {"NextToken": base64.b64encode(orjson.dumps(key(found[-1]))).decode()}


def _read(token: str) -> Order:
    try:
        first, second = orjson.loads(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise _no_token() from None
    if not isinstance(first, float | int | str) or not isinstance(second, str):
        raise _no_token()
    return first, second


def _no_token() -> Exception:
    return aws_error("InvalidNextTokenException", "The NextToken value is invalid.")
