"""Metric filters: numbers out of log events. Pure.

Source: "Creating metrics from log events using filters" of the user guide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.services.logs.filter_pattern import parse
from kumoi.services.logs.filter_pattern.json_events import Selector, read
from kumoi.services.logs.filter_records import MetricFilter, Transformation

_MINUTE = 60_000


def data_of(one: MetricFilter, events: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], set[int]]:
    """(MetricData of the events that match, the minutes of those that do not), minutes as epoch ms."""
    pattern = parse(one.pattern)
    change = one.transformation
    data: list[dict[str, Any]] = []
    missed: set[int] = set()
    matched: set[int] = set()
    for event in events:
        minute = event["timestamp"] // _MINUTE * _MINUTE
        match = pattern.match(event["message"])
        if match is None:
            missed.add(minute)
            continue
        matched.add(minute)
        datum = _datum(change, event["message"], match.fields, minute)
        if datum is not None:
            data.append(datum)
    return data, missed - matched


def default_datum(change: Transformation, minute: int) -> dict[str, Any]:
    """What a minute without a match is worth."""
    return _made(change, float(change.default or 0), minute, [])


def _datum(change: Transformation, message: str, fields: Mapping[str, str], minute: int) -> dict[str, Any] | None:
    document = read(message) if change.value.startswith("$.") or change.dimensions else None
    value = _number(_resolved(change.value, document, fields))
    if value is None:
        return None
    dimensions = []
    for name, selector in change.dimensions.items():
        found = _resolved(selector, document, fields)
        if found is None or found == "":
            return None
        dimensions.append({"Name": name, "Value": _text(found)[:255]})
    return _made(change, value, minute, dimensions)


def _made(change: Transformation, value: float, minute: int, dimensions: list[dict[str, str]]) -> dict[str, Any]:
    datum: dict[str, Any] = {
        "MetricName": change.name,
        "Value": value,
        "Timestamp": minute / 1000,
        "Dimensions": dimensions,
    }
    if change.unit is not None:
        datum["Unit"] = change.unit
    return datum


def _resolved(selector: str, document: dict[str, Any] | None, fields: Mapping[str, str]) -> Any:
    if not selector.startswith("$"):
        return selector
    if selector in fields:
        return fields[selector]
    if document is None:
        return None
    found = Selector(selector).find(document)
    return found[0] if found else None


def _number(value: Any) -> float | None:
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
