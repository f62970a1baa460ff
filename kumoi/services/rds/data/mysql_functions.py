"""Functions of MySQL that SQLite has not. Source: "Functions and Operators" of MySQL's reference manual."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from hashlib import sha224, sha256, sha384, sha512
from typing import Any

import orjson

from kumoi.services.rds.data.json_functions import contains
from kumoi.services.rds.data.text_functions import strict

_FIELDS: Mapping[str, Callable[[datetime], Any]] = {
    "year": lambda at: at.year,
    "quarter": lambda at: (at.month + 2) // 3,
    "month": lambda at: at.month,
    "week": lambda at: int(at.strftime("%U")),
    "day": lambda at: at.day,
    "dayofmonth": lambda at: at.day,
    "dayofweek": lambda at: at.isoweekday() % 7 + 1,
    "dayofyear": lambda at: at.timetuple().tm_yday,
    "weekday": lambda at: at.weekday(),
    "hour": lambda at: at.hour,
    "minute": lambda at: at.minute,
    "second": lambda at: at.second,
    "dayname": lambda at: calendar.day_name[at.weekday()],
    "monthname": lambda at: calendar.month_name[at.month],
    "last_day": lambda at: at.replace(day=calendar.monthrange(at.year, at.month)[1]).date().isoformat(),
}
_SECONDS = {"microsecond": 0.000001, "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_HASHES = {224: sha224, 256: sha256, 0: sha256, 384: sha384, 512: sha512}


def difference(unit: str, first: datetime, second: datetime) -> int:
    """How many whole units lie between two times."""
    if unit in _SECONDS:
        return int((second - first).total_seconds() / _SECONDS[unit])
    months = (second.year - first.year) * 12 + second.month - first.month
    ahead, behind = (second.day, second.time()), (first.day, first.time())
    months -= 1 if months > 0 and ahead < behind else -1 if months < 0 and ahead > behind else 0
    return int(months / _MONTHS[unit])


def part_before(value: str, delimiter: str, count: int) -> str:
    """What comes before the delimiter for the count-th time; from the end where the count is negative."""
    parts = str(value).split(str(delimiter))
    return str(delimiter).join(parts[:count] if count > 0 else parts[count:] if count else [])


def cut(value: Any, digits: Any) -> Any:
    """A number with no more digits after its point than these."""
    found = Decimal(str(value)).quantize(Decimal(1).scaleb(-int(digits)), rounding=ROUND_DOWN)
    return int(found) if found == found.to_integral_value() else float(found)


def unquoted(value: str) -> str:
    """A JSON string's text; anything else as it is."""
    return str(orjson.loads(value)) if value.startswith('"') else value


def _place(value: Any, *among: Any) -> int:
    return among.index(value) + 1 if value is not None and value in among else 0


def functions(read: Callable[[Any], datetime]) -> Mapping[str, Callable[..., Any]]:
    """The functions by name; `read` makes a time of what stands for one."""

    def field(name: str) -> Callable[..., Any]:
        return strict(lambda value: _FIELDS[name](read(value)))

    return {
        **{f"kumoi_my_{name}": field(name) for name in _FIELDS},
        "kumoi_my_difference": strict(lambda unit, first, second: difference(unit, read(first), read(second))),
        "kumoi_my_epoch": strict(lambda value: calendar.timegm(read(value).timetuple())),
        "kumoi_my_parse": strict(lambda value, pattern: _parsed(str(value), str(pattern))),
        "kumoi_my_sha2": strict(lambda value, bits: _HASHES[bits](str(value).encode()).hexdigest()),
        "kumoi_my_truncate": strict(cut),
        "field": _place,
        "find_in_set": strict(lambda value, among: _place(str(value), *str(among).split(","))),
        "json_contains": strict(contains),
        "json_keys": strict(lambda value: orjson.dumps(list(orjson.loads(value))).decode()),
        "json_length": strict(lambda value: len(found) if isinstance(found := orjson.loads(value), list | dict) else 1),
        "json_unquote": strict(unquoted),
        "substring_index": strict(part_before),
    }


def _parsed(value: str, pattern: str) -> str | None:
    try:
        found = datetime.strptime(value, pattern)
    except ValueError:
        return None
    return (
        found.isoformat(sep=" ")
        if any(one in pattern for one in ("%H", "%I", "%M", "%S"))
        else found.date().isoformat()
    )
