"""Errors in CloudWatch's words, and tokens of pages: pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")


def invalid(text: str) -> AwsError:
    """InvalidParameterValue."""
    return aws_error("InvalidParameterValueException", text)


def combination(text: str) -> AwsError:
    """InvalidParameterCombination."""
    return aws_error("InvalidParameterCombinationException", text)


def missing(text: str) -> AwsError:
    """MissingParameter."""
    return aws_error("MissingRequiredParameterException", text)


def refused(text: str) -> AwsError:
    """ValidationError."""
    return aws_error("ValidationError", text, status=400)


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, most: int
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page of items in the order of their keys, and the NextToken member where more follow."""
    if token is not None:
        after = read_token(token)
        items = [item for item in items if key(item) > after]
    found = items[:most]
    if len(found) == len(items):
        return found, {}
    return found, {"NextToken": token_of(key(found[-1]))}


def token_of(key: str) -> str:
    """The token of the page behind a key."""
    return base64.b64encode(key.encode()).decode()


def read_token(token: str) -> str:
    """The key that a token holds; InvalidNextToken."""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise bad_token() from None


def bad_token() -> AwsError:
    """InvalidNextToken."""
    return aws_error("InvalidNextToken", "Invalid next token")
