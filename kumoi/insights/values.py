"""SQL for values whose types are known only when they are met: log fields are texts that act as numbers.

An `Expr` is SQL with a kind; the functions here say what one kind is as another. A text that is no number is NULL as
one. Sources: "Boolean, comparison, numeric, datetime, and other functions" of the user guide; times are epoch ms.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from kumoi.insights.syntax import Malformed, Period

SECOND = 1000
_FIXED = {"ms": 1, "s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND, "d": 86_400 * SECOND, "w": 7 * 86_400 * SECOND}
_CALENDAR = {"mo": 1, "q": 3, "y": 12}
_FORMAT = "'%Y-%m-%d %H:%M:%S.%g'"


class Kind(Enum):
    """What the SQL of an expression has: VARCHAR, DOUBLE, BOOLEAN, BIGINT (epoch ms), JSON."""

    TEXT = "text"
    NUMBER = "number"
    TRUTH = "truth"
    TIME = "time"
    JSON = "json"


class Expr(NamedTuple):
    """SQL and its kind."""

    sql: str
    kind: Kind


NOTHING = Expr("NULL::VARCHAR", Kind.TEXT)


def text(sql: str) -> Expr:
    """SQL that has a text."""
    return Expr(sql, Kind.TEXT)


def number(sql: str) -> Expr:
    """SQL that has a number."""
    return Expr(sql, Kind.NUMBER)


def truth(sql: str) -> Expr:
    """SQL that is true or false, never NULL."""
    return Expr(sql, Kind.TRUTH)


def time(sql: str) -> Expr:
    """SQL that has a time."""
    return Expr(sql, Kind.TIME)


def as_number(value: Expr) -> str:
    """As DOUBLE."""
    if value.kind is Kind.NUMBER:
        return value.sql
    if value.kind in (Kind.TIME, Kind.TRUTH):
        return f"({value.sql})::DOUBLE"
    return f"try_cast({as_text(value)} AS DOUBLE)"


def as_text(value: Expr) -> str:
    """As VARCHAR, numbers without a needless `.0`."""
    if value.kind is Kind.TEXT:
        return value.sql
    if value.kind is Kind.JSON:
        return f"json_extract_string({value.sql}, '$')"
    if value.kind is Kind.TIME:
        return f"strftime(make_timestamp(({value.sql}) * 1000), {_FORMAT})"
    if value.kind is Kind.TRUTH:
        return f"CASE WHEN {value.sql} THEN '1' ELSE '0' END"
    whole = f"abs({value.sql}) < 1e15 AND {value.sql} = trunc({value.sql})"
    return f"CASE WHEN {whole} THEN ({value.sql})::BIGINT::VARCHAR ELSE ({value.sql})::VARCHAR END"


def as_truth(value: Expr) -> str:
    """As BOOLEAN: what is missing, empty, zero or `false` is not true."""
    if value.kind is Kind.TRUTH:
        return value.sql
    if value.kind in (Kind.NUMBER, Kind.TIME):
        return f"coalesce({value.sql} <> 0, false)"
    return f"coalesce({as_text(value)} NOT IN ('', '0', 'false'), false)"


def as_time(value: Expr) -> str:
    """As BIGINT of epoch ms; NULL where a number is none that a calendar has."""
    if value.kind is Kind.TIME:
        return value.sql
    found = as_number(value)
    return f"CASE WHEN abs({found}) < 2e14 THEN ({found})::BIGINT END"


def as_json(value: Expr) -> str:
    """As JSON; a text that is no JSON is NULL."""
    return value.sql if value.kind is Kind.JSON else f"try_cast({as_text(value)} AS JSON)"


def floor_to(moment: str, period: Period, offset: Period | None = None) -> str:
    """The last border of a period before a moment (BIGINT, epoch ms)."""
    shift = 0 if offset is None else milliseconds(offset)
    if period.unit in _FIXED:
        span = milliseconds(period)
        return f"(floor((({moment}) - {shift}) / {span}.0)::BIGINT * {span} + {shift})"
    months = period.count * _CALENDAR[period.unit]
    if months > 12_000:
        raise Malformed(f"Invalid time period {period.count}{period.unit}")
    found = f"time_bucket(INTERVAL '{months} months', make_timestamp((({moment}) - {shift}) * 1000))"
    return f"(epoch_ms({found}) + {shift})"


def ceil_to(moment: str, period: Period) -> str:
    """The next border of a period at or after a moment."""
    floor = floor_to(moment, period)
    if period.unit in _FIXED:
        return f"CASE WHEN {floor} = ({moment}) THEN {floor} ELSE {floor} + {milliseconds(period)} END"
    months = period.count * _CALENDAR[period.unit]
    after = f"epoch_ms(make_timestamp({floor} * 1000) + INTERVAL '{months} months')"
    return f"CASE WHEN {floor} = ({moment}) THEN {floor} ELSE {after} END"


def milliseconds(period: Period) -> int:
    """A period's length; months and longer are none of a fixed one."""
    span = _FIXED.get(period.unit)
    if span is None:
        raise Malformed(f"A time period in {period.unit} cannot be used here")
    found = period.count * span
    if found > 10**14:
        raise Malformed(f"Invalid time period {period.count}{period.unit}")
    return found
