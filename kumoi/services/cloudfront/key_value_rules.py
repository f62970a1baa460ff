"""The bounds of key value stores. Source: "Quotas on key value stores" of the guide."""

from __future__ import annotations

from kumoi.services.cloudfront.errors import invalid

MAX_SIZE = 5 * 1024 * 1024
MAX_KEY = 512
MAX_VALUE = 1024


def check_pair(key: str, value: str) -> None:
    """Raise InvalidArgument for a key or value that is too long."""
    if problem := pair_problem(key, value):
        raise invalid(problem)


def pair_problem(key: str, value: str) -> str | None:
    """What is wrong with a pair; None where nothing is."""
    if not 1 <= len(key.encode("utf-8", "replace")) <= MAX_KEY:
        return f"A key must have from 1 to {MAX_KEY} bytes."
    if len(value.encode("utf-8", "replace")) > MAX_VALUE:
        return f"A value can have up to {MAX_VALUE} bytes."
    return None
