"""JSON values as DynamoDB's attribute values, and back. Pure."""

from __future__ import annotations

from typing import Any


def typed(value: Any) -> dict[str, Any]:
    """A JSON value as an attribute value."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": repr(value)}
    if isinstance(value, list):
        return {"L": [typed(one) for one in value]}
    if isinstance(value, dict):
        return {"M": {name: typed(one) for name, one in value.items()}}
    return {"S": str(value)}


def plain_item(item: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """An item as JSON."""
    return {name: plain(value) for name, value in item.items()}


def plain(value: dict[str, Any]) -> Any:
    """An attribute value as JSON; sets become arrays."""
    ((kind, content),) = value.items()
    if kind == "N":
        return _number(content)
    if kind == "NULL":
        return None
    if kind == "L":
        return [plain(one) for one in content]
    if kind == "M":
        return plain_item(content)
    if kind == "NS":
        return [_number(one) for one in content]
    return list(content) if kind in ("SS", "BS") else content


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
