"""Errors in IoT's words, and pages of lists: pure rules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")


def invalid(text: str) -> AwsError:
    """InvalidRequestException."""
    return aws_error("InvalidRequestException", text)


def not_found(text: str) -> AwsError:
    """ResourceNotFoundException."""
    return aws_error("ResourceNotFoundException", text)


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, limit: int | None
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page of items in the order of their keys, and the nextToken member where more follow."""
    if token is not None:
        try:
            after = base64.b64decode(token, altchars=b"-_", validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise invalid("The nextToken is not valid.") from None
        items = [item for item in items if key(item) > after]
    found = items[: limit or 100]
    if len(found) == len(items):
        return found, {}
    return found, {"nextToken": base64.urlsafe_b64encode(key(found[-1]).encode()).decode()}


def given(**members: Any) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}
