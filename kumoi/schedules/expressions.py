"""The three kinds of schedule expressions and how they are read."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from math import floor
from typing import Literal, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kumoi.schedules.cron import Cron
from kumoi.schedules.fields import ScheduleError

Kind = Literal["rate", "cron", "at"]

_FORM = re.compile(r"(rate|cron|at)\(([^()]*)\)")
_RATE = re.compile(r"([0-9]{1,9}) (minute|hour|day)(s?)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


class Schedule(Protocol):
    """When something is due."""

    def next_time(self, after: float) -> float | None:
        """The first time later than `after`, both in epoch seconds; None when there is no further one."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Every `period` seconds, counted from `start` (epoch seconds), which is not one of the times itself."""

    period: int
    start: float

    def next_time(self, after: float) -> float:
        """The first multiple of the period later than `after`; it does not drift."""
        passed = max(floor((after - self.start) / self.period), 0)
        time = self.start + (passed + 1) * self.period
        return time if time > after else time + self.period


@dataclass(frozen=True, slots=True)
class At:
    """Once, at `time` (epoch seconds)."""

    time: float

    def next_time(self, after: float) -> float | None:
        """The time, as long as it lies ahead."""
        return self.time if self.time > after else None


def parse(
    expression: str,
    *,
    timezone: str = "UTC",
    start: float = 0.0,
    kinds: Collection[Kind] = ("rate", "cron", "at"),
    agreeing: bool = True,
) -> Schedule:
    """Read an expression of one of `kinds`; ScheduleError when it is none.

    `timezone` (an IANA name) is where `cron` and `at` take place; `start` (epoch seconds) is what `rate` counts from.
    A rate's unit is singular for 1 and plural for more; where it need not be `agreeing`, either will do.
    """
    form = _FORM.fullmatch(expression)
    if form is None or form[1] not in kinds:
        raise ScheduleError(f"{expression!r} is not of the form {', '.join(f'{kind}(…)' for kind in kinds)}")
    zone = _zone(timezone)
    if form[1] == "rate":
        return _rate(form[2], start, agreeing)
    return Cron.parse(form[2], zone) if form[1] == "cron" else _at(form[2], zone)


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(f"{name!r} is not a time zone") from None


def _rate(text: str, start: float, agreeing: bool) -> Rate:
    match = _RATE.fullmatch(text)
    if match is None or int(match[1]) < 1 or (agreeing and (int(match[1]) == 1) == (match[3] == "s")):
        raise ScheduleError(f"{text!r} is not a rate: 1 minute, 5 minutes, 1 hour, 2 days")
    return Rate(int(match[1]) * _SECONDS[match[2]], start)


def _at(text: str, zone: tzinfo) -> At:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text, re.ASCII):
        raise ScheduleError(f"{text!r} is not of the form yyyy-mm-ddThh:mm:ss")
    try:
        return At(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
    except (ValueError, OverflowError) as error:
        raise ScheduleError(f"{text!r} is not a time: {error}") from None
