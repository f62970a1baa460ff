"""S3 Select's functions in DuckDB's words, by name. Source: "SQL functions" of the S3 Select reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from kumoi.services.s3.select.errors import select_error
from kumoi.services.s3.select.values import (
    Value,
    as_kind,
    as_number,
    as_text,
    as_time,
    compared,
    quoted,
    together,
)

PARTS = ("year", "month", "day", "hour", "minute", "second")
AGGREGATES = frozenset({"count", "sum", "avg", "min", "max"})

_PATTERN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_FIELDS = {
    "y": "%Y", "yyy": "%Y", "yyyy": "%Y", "yy": "%y", "M": "%-m", "MM": "%m", "MMM": "%b", "MMMM": "%B", "d": "%-d",
    "dd": "%d", "a": "%p", "h": "%-I", "hh": "%I", "H": "%-H", "HH": "%H", "m": "%-M", "mm": "%M", "s": "%-S",
    "ss": "%S", "SSS": "%g", "SSSSSS": "%f", "n": "%f", "X": "Z", "XX": "Z", "XXX": "Z", "x": "+00", "xx": "+0000",
    "xxx": "+00:00",
}  # fmt: skip


def _count(arguments: Sequence[Value], least: int, most: int | None = None) -> None:
    if not least <= len(arguments) <= (least if most is None else most):
        raise select_error("EvaluatorInvalidArguments")


def _text_function(function: str) -> Callable[[Sequence[Value]], Value]:
    def call(arguments: Sequence[Value]) -> Value:
        _count(arguments, 1)
        return Value(f"{function}({as_text(arguments[0])})", "text")

    return call


def _length(arguments: Sequence[Value]) -> Value:
    _count(arguments, 1)
    return Value(f"length({as_text(arguments[0])})", "number")


def substring(arguments: Sequence[Value]) -> Value:
    """SUBSTRING: places count from 1, and those before it are empty."""
    _count(arguments, 2, 3)
    text, start = as_text(arguments[0]), f"CAST({as_number(arguments[1])} AS BIGINT)"
    if len(arguments) == 2:
        return Value(f"substring({text}, greatest({start}, 1))", "text")
    end = f"({start} + CAST({as_number(arguments[2])} AS BIGINT))"
    return Value(f"substring({text}, greatest({start}, 1), greatest({end} - greatest({start}, 1), 0))", "text")


def _coalesce(arguments: Sequence[Value]) -> Value:
    _count(arguments, 1, 100)
    kind = together(*arguments)
    kind = "text" if kind == "json" else kind
    return Value(f"coalesce({', '.join(as_kind(one, kind) for one in arguments)})", kind)


def _nullif(arguments: Sequence[Value]) -> Value:
    _count(arguments, 2)
    first, second = arguments
    return Value(f"(CASE WHEN {compared(first, '=', second).sql} THEN NULL ELSE {first.sql} END)", first.kind)


def _to_timestamp(arguments: Sequence[Value]) -> Value:
    _count(arguments, 1)
    return Value(as_time(arguments[0]), "time")


def _to_string(arguments: Sequence[Value]) -> Value:
    _count(arguments, 2)
    pattern = arguments[1].sql
    if not pattern.startswith("'"):
        raise select_error("EvaluatorInvalidArguments")
    return Value(
        f"strftime({as_time(arguments[0])}, {quoted(_strftime(pattern[1:-1].replace(chr(39) * 2, chr(39))))})", "text"
    )


def _strftime(pattern: str) -> str:
    """A pattern of TO_STRING as strftime has it."""
    out = []
    for match in _PATTERN.finditer(pattern):
        if match[1] is not None:
            out.append(match[1].replace("''", "'").replace("%", "%%"))
        elif match[2] is not None:
            if match[0] not in _FIELDS:
                raise select_error("ParseInvalidTypeParam", match[0])
            out.append(_FIELDS[match[0]])
        else:
            out.append(match[0].replace("%", "%%"))
    return "".join(out)


def _aggregate(function: str) -> Callable[[Sequence[Value]], Value]:
    def call(arguments: Sequence[Value]) -> Value:
        _count(arguments, 1)
        value = arguments[0]
        if function == "count":
            return Value(f"count({value.sql})", "number")
        if value.kind == "time" and function in ("min", "max"):
            return Value(f"{function}({value.sql})", "time")
        return Value(f"{function}({as_number(value)})", "number")

    return call


FUNCTIONS: dict[str, Callable[[Sequence[Value]], Value]] = {
    "char_length": _length,
    "character_length": _length,
    "coalesce": _coalesce,
    "lower": _text_function("lower"),
    "nullif": _nullif,
    "substring": substring,
    "to_string": _to_string,
    "to_timestamp": _to_timestamp,
    "trim": _text_function("trim"),
    "upper": _text_function("upper"),
    **{name: _aggregate(name) for name in AGGREGATES},
}
"""By name in lower case; DATE_ADD, DATE_DIFF and UTCNOW, whose arguments are no values, are `expressions.py`'s."""


def date_add(part: str, count: Value, moment: Value) -> Value:
    """DATE_ADD."""
    _check_part(part)
    return Value(f"({as_time(moment)} + to_{part}s(CAST({as_number(count)} AS BIGINT)))", "time")


def date_diff(part: str, first: Value, second: Value) -> Value:
    """DATE_DIFF."""
    _check_part(part)
    return Value(f"date_diff({quoted(part)}, {as_time(first)}, {as_time(second)})", "number")


def extract(part: str, moment: Value) -> Value:
    """EXTRACT; everything is in UTC."""
    if part in ("timezone_hour", "timezone_minute"):
        return Value("0", "number")
    _check_part(part)
    return Value(f"CAST(floor(extract({part} FROM {as_time(moment)})) AS BIGINT)", "number")


def _check_part(part: str) -> None:
    if part not in PARTS:
        raise select_error("ParseInvalidTypeParam", part)
