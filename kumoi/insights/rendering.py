"""Values as GetQueryResults shows them: every value is a text, what is missing is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kumoi.insights.plan import Shown
from kumoi.insights.values import Kind

_DECIMALS = 4


def row(columns: Sequence[Shown], values: Sequence[Any]) -> list[dict[str, str]]:
    """A record's fields, those without a value left out."""
    fields = []
    for (name, kind), value in zip(columns, values, strict=False):
        shown = show(value, kind)
        if shown is not None:
            fields.append({"field": name, "value": shown})
    return fields


def show(value: Any, kind: Kind) -> str | None:
    """A value as text; None for what is missing or no number."""
    if value is None:
        return None
    if kind is Kind.TIME:
        return moment(int(value))
    if kind is Kind.TRUTH:
        return "1" if value else "0"
    if kind is Kind.NUMBER:
        return as_number(float(value))
    return str(value)


def as_number(value: float) -> str | None:
    """A number with up to four decimals, whole ones without a point."""
    if not math.isfinite(value):
        return None
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if abs(value) >= 1e15 or abs(value) < 10**-_DECIMALS:
        return repr(value).replace("e", "E")
    return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")


def moment(milliseconds: int) -> str | None:
    """A time in UTC, to the millisecond."""
    try:
        found = datetime.fromtimestamp(milliseconds // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return f"{found:%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03d}"
