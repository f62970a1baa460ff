"""Plain values as DynamoDB's typed ones: `$util.dynamodb.toDynamoDB`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def typed(value: Any = None) -> dict[str, Any]:
    """A value with its type; numbers are texts."""
    if value is None:
        return {"NULL": None}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)}
    if isinstance(value, list | tuple):
        return {"L": [typed(one) for one in value]}
    if isinstance(value, dict):
        return {"M": typed_members(value)}
    return {"S": str(value)}


def typed_members(values: Mapping[str, Any]) -> dict[str, Any]:
    """Each member of a map with its type."""
    return {str(name): typed(value) for name, value in values.items()}
