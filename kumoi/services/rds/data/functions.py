"""What statements call that SQLite has not: the time, dates and times as PostgreSQL writes them, UUIDs.

Timestamps are texts, `2026-01-31 12:00:00` with a fraction where there is one, in UTC: what the Data API answers.
The clock is the platform's.
"""

from __future__ import annotations

import calendar
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import md5
from random import random
from typing import Any

import orjson

from kumoi.services.rds.data import arrays, json_functions, mysql_functions, system_views, text_functions
from kumoi.services.rds.data.text_functions import strict
from kumoi.services.rds.data.values import BadValue

_FIXED = {
    "microsecond": timedelta(microseconds=1),
    "millisecond": timedelta(milliseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_LONGEST_SERIES = 100_000
_EPOCH = datetime(1970, 1, 1)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_PARTS: Mapping[str, Callable[[datetime], float]] = {
    "year": lambda at: at.year,
    "quarter": lambda at: (at.month + 2) // 3,
    "month": lambda at: at.month,
    "week": lambda at: at.isocalendar()[1],
    "day": lambda at: at.day,
    "hour": lambda at: at.hour,
    "minute": lambda at: at.minute,
    "second": lambda at: at.second + at.microsecond / 1_000_000,
    "dow": lambda at: at.isoweekday() % 7,
    "isodow": lambda at: at.isoweekday(),
    "doy": lambda at: at.timetuple().tm_yday,
    "epoch": lambda at: at.replace(tzinfo=UTC).timestamp(),
}


_STEADY: Mapping[str, Callable[..., Any]] = {**arrays.FUNCTIONS, **json_functions.FUNCTIONS, **text_functions.FUNCTIONS}
DETERMINISTIC = frozenset(("kumoi_days", "kumoi_divisor", "kumoi_md5", "kumoi_split_part", *_STEADY))
"""What indexes may be made of."""


def functions(now: Callable[[], float], *, whole_seconds: bool = False) -> Mapping[str, Callable[..., Any]]:
    """The functions by name; `now` is the platform's time in epoch seconds, which MySQL tells in whole ones."""

    def current() -> datetime:
        return datetime.fromtimestamp(int(now()) if whole_seconds else now(), UTC).replace(tzinfo=None)

    return {
        **_STEADY,
        **system_views.FUNCTIONS,
        **mysql_functions.functions(read),
        "kumoi_now": lambda: written(current()),
        "kumoi_today": lambda: current().date().isoformat(),
        "kumoi_uuid": lambda: str(uuid.uuid4()),
        "kumoi_boolean": boolean,
        "kumoi_timestamp": lambda value: None if value is None else written(read(value)),
        "kumoi_date": lambda value: None if value is None else read(value).date().isoformat(),
        "kumoi_date_trunc": truncated,
        "kumoi_days": strict(lambda left, right: (read(left) - read(right)).days),
        "kumoi_divisor": divisor,
        "kumoi_is_one_of": one_of,
        "kumoi_from_epoch": strict(lambda seconds: written(_EPOCH + timedelta(seconds=float(seconds)))),
        "kumoi_extract": part,
        "kumoi_md5": lambda value: (
            None if value is None else md5(str(value).encode(), usedforsecurity=False).hexdigest()
        ),
        "kumoi_random": random,
        "kumoi_split_part": split_part,
        "kumoi_series": strict(series),
        "kumoi_shift": shifted,
    }


def read(value: Any) -> datetime:
    """A timestamp or date as SQL has it, in UTC; raises BadValue."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadValue(f'ERROR: invalid input syntax for type timestamp: "{value}"; SQLState: 22007') from None
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def written(at: datetime) -> str:
    """A timestamp as text, without zeros at the end of its fraction."""
    text = at.isoformat(sep=" ")
    return text.rstrip("0") if "." in text else text


def boolean(value: Any) -> int | None:
    """A truth value of what stands for one."""
    if value is None or isinstance(value, int):
        return None if value is None else int(value != 0)
    word = str(value).strip().lower()
    if word in ("t", "true", "y", "yes", "on", "1"):
        return 1
    if word in ("f", "false", "n", "no", "off", "0"):
        return 0
    raise BadValue(f'ERROR: invalid input syntax for type boolean: "{value}"; SQLState: 22P02')


def one_of(column: str, value: Any, *labels: str) -> int | None:
    """Whether a value is of MySQL's ENUM; raises BadValue for another."""
    if value is not None and value not in labels:
        raise BadValue(f"ERROR: Data truncated for column '{column}' at row 1; SQLState: 01000")
    return None if value is None else 1


def divisor(value: Any) -> Any:
    """What something is divided by; raises BadValue for zero."""
    if value is not None and float(value) == 0:
        raise BadValue("ERROR: division by zero; SQLState: 22012")
    return value


def split_part(value: Any, delimiter: Any, number: int) -> str | None:
    """One of the parts of a text, from 1 on, or from -1 backwards; an empty text where there is none."""
    if value is None or delimiter is None or number is None:
        return None
    if number == 0:
        raise BadValue("ERROR: field position must not be zero; SQLState: 22023")
    parts = str(value).split(str(delimiter)) if delimiter else [str(value)]
    at = number - 1 if number > 0 else len(parts) + number
    return parts[at] if 0 <= at < len(parts) else ""


def truncated(unit: str, value: Any) -> str | None:
    """A timestamp cut down to a unit."""
    if value is None:
        return None
    at = read(value)
    if unit == "week":
        at -= timedelta(days=at.weekday())
    elif unit == "quarter":
        at = at.replace(month=at.month - (at.month - 1) % 3)
    fields = {"year": ("month", "day"), "quarter": ("day",), "month": ("day",), "week": (), "day": ()}
    below = fields.get(unit)
    clock = ("hour", "minute", "second", "microsecond")
    if below is None and unit not in clock:
        raise BadValue(f'ERROR: unit "{unit}" not recognized for type timestamp; SQLState: 22023')
    cut = clock[clock.index(unit) + 1 :] if below is None else clock
    at = at.replace(**dict.fromkeys(cut, 0))  # type: ignore[arg-type]
    return written(at.replace(**dict.fromkeys(below or (), 1)))  # type: ignore[arg-type]


def series(first: Any, last: Any, step: Any = 1) -> str:
    """The numbers, or times, from `first` to `last` as a JSON array; raises BadValue where there would be no end."""
    timed = isinstance(first, str)
    backwards = str(step).strip().startswith("-") if timed else step < 0
    if (not timed and step == 0) or (timed and shifted(first, "+", step, "") == written(read(first))):
        raise BadValue("ERROR: step size cannot equal zero; SQLState: 22023")
    at, end = (written(read(first)), written(read(last))) if timed else (first, last)
    found: list[Any] = []
    while at >= end if backwards else at <= end:
        found.append(at)
        if len(found) > _LONGEST_SERIES:
            raise BadValue(f"ERROR: a series is longer than {_LONGEST_SERIES} here; SQLState: 54000")
        at = shifted(at, "+", step, "") if timed else at + step
    return orjson.dumps(found).decode()


def part(unit: str, value: Any) -> float | None:
    """One field of a timestamp."""
    if value is None:
        return None
    try:
        return _PARTS[unit](read(value))
    except KeyError:
        raise BadValue(f'ERROR: unit "{unit}" not recognized for type timestamp; SQLState: 22023') from None


def shifted(value: Any, sign: str, amount: Any, unit: str) -> str | None:
    """A timestamp, `amount` units later or earlier; without a unit, the amount is `2 hours 30 minutes`."""
    if value is None or amount is None:
        return None
    words = str(amount).split() + ([unit] if unit else [])
    at = read(value)
    try:
        for number, name in zip(words[::2], words[1::2], strict=True):
            count = float(number) * (-1 if sign == "-" else 1)
            singular = name.lower().removesuffix("s")
            at = at + _FIXED[singular] * count if singular in _FIXED else _months(at, int(count) * _MONTHS[singular])
    except (KeyError, ValueError, OverflowError):
        raise BadValue(f'ERROR: invalid input syntax for type interval: "{amount}"; SQLState: 22007') from None
    return written(at)


def _months(at: datetime, months: int) -> datetime:
    index = at.year * 12 + at.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.combine(date(year, month + 1, min(at.day, last)), at.time())
