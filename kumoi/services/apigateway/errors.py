"""Errors in API Gateway's words, and pages of its lists."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")


def not_found(text: str) -> AwsError:
    """NotFoundException, e.g. `Invalid Resource identifier specified`."""
    return aws_error("NotFoundException", text)


def bad(text: str) -> AwsError:
    """BadRequestException."""
    return aws_error("BadRequestException", text)


def conflict(text: str) -> AwsError:
    """ConflictException."""
    return aws_error("ConflictException", text)


def unbuilt(text: str) -> AwsError:
    """What Kumoi lacks, said where a request asks for it."""
    return aws_error("NotImplemented", f"Kumoi does not serve {text}; docs/rest-apis.md says what works.")


def page(items: Sequence[ItemT], position: str | None, limit: int | None, usual: int = 25) -> dict[str, Any]:
    """One page of a list as `items`, and `position` where more follow."""
    if limit is not None and not 1 <= limit <= 500:
        limit = usual if limit <= 0 else 500
    size = usual if limit is None else limit
    start = 0
    if position:
        try:
            start = int(base64.b64decode(position, validate=True))
        except (ValueError, binascii.Error):
            raise bad("Invalid position specified") from None
        if start < 0:
            raise bad("Invalid position specified")
    shown = list(items[start : start + size])
    if start + size >= len(items):
        return {"items": shown}
    return {"items": shown, "position": base64.b64encode(str(start + size).encode()).decode()}


def present(members: dict[str, Any]) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}
