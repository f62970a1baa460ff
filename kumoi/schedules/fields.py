"""The six fields of a cron expression, each read into the set of values it stands for.

`,` lists, `-` makes ranges (which may wrap around, but not for years), `/` steps. The fields for days know more:
`L`, `W` and `LW` for days of the month; `L` and `#` for days of the week, where 1 is Sunday.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class ScheduleError(ValueError):
    """The text is no schedule expression; it says what is wrong."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field's name and range; `names` stand for the values from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """One value, as a number or by name; ScheduleError when it is neither or out of range."""
        if text.upper() in self.names:
            return self.low + self.names.index(text.upper())
        if not re.fullmatch(r"[0-9]{1,4}", text) or not self.low <= int(text) <= self.high:
            raise ScheduleError(f"{text!r} is not a {self.name} ({self.low}-{self.high})")
        return int(text)

    def values(self, text: str) -> frozenset[int]:
        """The values that a list of numbers, ranges and steps stands for."""
        found: set[int] = set()
        for item in text.split(","):
            found.update(self._item(item))
        return frozenset(found)

    def _item(self, item: str) -> range | list[int]:
        span, slash, step_text = item.partition("/")
        if slash and (not re.fullmatch(r"[0-9]{1,4}", step_text) or int(step_text) == 0):
            raise ScheduleError(f"{item!r}: the step of a {self.name} is a positive number")
        step = int(step_text) if slash else 1
        if span == "*":
            return range(self.low, self.high + 1, step)
        first, dash, last = span.partition("-")
        begin = self.number(first)
        if not dash:
            return range(begin, (self.high if slash else begin) + 1, step)
        end = self.number(last)
        if begin <= end:
            return range(begin, end + 1, step)
        if self is YEAR:
            raise ScheduleError(f"{item!r}: a range of years ends after it begins")
        return [*range(begin, self.high + 1), *range(self.low, end + 1)][::step]


MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY_OF_MONTH = Field("day of the month", 1, 31)
MONTH = Field("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"))
DAY_OF_WEEK = Field("day of the week", 1, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
YEAR = Field("year", 1970, 2199)


@dataclass(frozen=True, slots=True)
class MonthDays:
    """Days of the month: plain ones, weekdays nearest to a day (`15W`), the last day (`L`), the last weekday (`LW`)."""

    days: frozenset[int]
    nearest_weekdays: frozenset[int]
    last: bool
    last_weekday: bool

    @classmethod
    def parse(cls, text: str) -> MonthDays:
        """Read the field; ScheduleError when it is wrong."""
        plain: list[str] = []
        nearest: set[int] = set()
        items = text.upper().split(",")
        for item in items:
            if item.endswith("W") and item != "LW":
                nearest.add(DAY_OF_MONTH.number(item[:-1]))
            elif item not in ("L", "LW"):
                plain.append(item)
        days = DAY_OF_MONTH.values(",".join(plain)) if plain else frozenset[int]()
        return cls(days, frozenset(nearest), "L" in items, "LW" in items)

    def of(self, first_weekday: int, length: int) -> set[int]:
        """The days of a month of `length` days that begins on `first_weekday` (1 = Sunday)."""
        found = {day for day in self.days if day <= length}
        if self.last:
            found.add(length)
        wanted = {day for day in self.nearest_weekdays if day <= length}
        found.update(_nearest_weekday(day, first_weekday, length) for day in wanted)
        if self.last_weekday:
            found.add(_nearest_weekday(length, first_weekday, length))
        return found


@dataclass(frozen=True, slots=True)
class WeekDays:
    """Days of the week: every one, the last of the month (`6L`), the n-th of the month (`3#2`)."""

    days: frozenset[int]
    last: frozenset[int]
    nth: frozenset[tuple[int, int]]

    @classmethod
    def parse(cls, text: str) -> WeekDays:
        """Read the field; ScheduleError when it is wrong."""
        plain: list[str] = []
        last: set[int] = set()
        nth: set[tuple[int, int]] = set()
        for item in text.upper().split(","):
            day, hash_, count = item.partition("#")
            if hash_:
                if count not in ("1", "2", "3", "4", "5"):
                    raise ScheduleError(f"{item!r}: a month has the first to the fifth of a day of the week")
                nth.add((DAY_OF_WEEK.number(day), int(count)))
            elif item == "L":
                plain.append("SAT")
            elif item.endswith("L"):
                last.add(DAY_OF_WEEK.number(item[:-1]))
            else:
                plain.append(item)
        days = DAY_OF_WEEK.values(",".join(plain)) if plain else frozenset[int]()
        return cls(days, frozenset(last), frozenset(nth))

    def of(self, first_weekday: int, length: int) -> set[int]:
        """The days of a month of `length` days that begins on `first_weekday` (1 = Sunday)."""
        found: set[int] = set()
        for day in range(1, length + 1):
            weekday = _weekday(day, first_weekday)
            if (
                weekday in self.days
                or (weekday in self.last and day + 7 > length)
                or (weekday, (day + 6) // 7) in self.nth
            ):
                found.add(day)
        return found


def _weekday(day: int, first_weekday: int) -> int:
    return (first_weekday - 1 + day - 1) % 7 + 1


def _nearest_weekday(day: int, first_weekday: int, length: int) -> int:
    """The weekday (Monday to Friday) nearest to `day`, in the same month."""
    weekday = _weekday(day, first_weekday)
    if weekday == 7:
        return day - 1 if day > 1 else 3
    if weekday == 1:
        return day + 1 if day < length else day - 2
    return day
