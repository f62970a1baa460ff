"""Errors in API Gateway V2's words, and pages of its lists."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")


def not_found(kind: str, name: str) -> AwsError:
    """NotFoundException for a thing of a kind (`API`, `Route`, …)."""
    return aws_error("NotFoundException", f"Invalid {kind} identifier specified {name}")


def bad(text: str) -> AwsError:
    """BadRequestException."""
    return aws_error("BadRequestException", text)


def conflict(text: str) -> AwsError:
    """ConflictException."""
    return aws_error("ConflictException", text)


def page(items: Sequence[ItemT], MaxResults: str | None, NextToken: str | None) -> tuple[list[ItemT], dict[str, str]]:
    """One page of a list, and the NextToken member where more follow."""
    if MaxResults is None and NextToken is None:
        return list(items), {}
    try:
        limit = int(MaxResults) if MaxResults is not None else 100
        start = int(base64.b64decode(NextToken, validate=True)) if NextToken else 0
    except (ValueError, binascii.Error):
        raise bad("Invalid pagination token or MaxResults") from None
    if limit < 1 or start < 0:
        raise bad("Invalid pagination token or MaxResults")
    shown = list(items[start : start + limit])
    if start + limit >= len(items):
        return shown, {}
    return shown, {"NextToken": base64.b64encode(str(start + limit).encode()).decode()}


def present(members: dict[str, Any]) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}
