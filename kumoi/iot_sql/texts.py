"""Values as texts."""

from __future__ import annotations

from decimal import Decimal

import orjson

from kumoi.iot_sql.values import UNDEFINED, Undefined, Value, rendered


def as_text(value: Value) -> str | Undefined:
    """A value as text: numbers and booleans as JSON has them, arrays and objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Undefined):
        return UNDEFINED
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, int | float | Decimal | list | dict):
        return orjson.dumps(rendered(value), default=str).decode()
    return UNDEFINED
