"""ARNs of schedules and groups, errors in Scheduler's words, pages of lists: pure rules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from kumoi.names import arn
from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")


def schedule_arn(account: str, region: str, group: str, name: str) -> str:
    """A schedule's ARN."""
    return arn("scheduler", region, account, f"schedule/{group}/{name}")


def group_arn(account: str, region: str, name: str) -> str:
    """A group's ARN."""
    return arn("scheduler", region, account, f"schedule-group/{name}")


def invalid(text: str) -> AwsError:
    """ValidationException."""
    return aws_error("ValidationException", text)


def conflict(text: str) -> AwsError:
    """ConflictException."""
    return aws_error("ConflictException", text)


def not_found(text: str) -> AwsError:
    """ResourceNotFoundException."""
    return aws_error("ResourceNotFoundException", text)


def timestamp(seconds: float) -> str:
    """Epoch seconds as `2026-01-02T03:04:05Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, limit: int | None
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page of items in the order of their keys, and the NextToken member where more follow."""
    if token is not None:
        try:
            after = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise invalid("Invalid NextToken.") from None
        items = [item for item in items if key(item) > after]
    found = items[: limit or 100]
    if len(found) == len(items):
        return found, {}
    return found, {"NextToken": base64.b64encode(key(found[-1]).encode()).decode()}
