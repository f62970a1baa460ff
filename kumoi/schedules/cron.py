"""`cron(minutes hours day-of-month month day-of-week year)` in a time zone.

The next time is found by skipping whole years, months, days and hours that do not match. Local times that a change of
the clocks leaves out are skipped; those it repeats count once, the first time.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from kumoi.schedules.fields import HOUR, MINUTE, MONTH, YEAR, MonthDays, ScheduleError, WeekDays


@dataclass(frozen=True, slots=True)
class Cron:
    """A compiled cron expression: the values of each field in order, the rule for days, the zone of its times."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: MonthDays | WeekDays
    months: tuple[int, ...]
    years: tuple[int, ...]
    zone: tzinfo

    @classmethod
    def parse(cls, text: str, zone: tzinfo) -> Cron:
        """Read the six fields between the parentheses; ScheduleError when they are wrong."""
        fields = text.split(" ")
        if len(fields) != 6:
            raise ScheduleError("a cron expression has six fields: minutes hours day-of-month month day-of-week year")
        minute, hour, day_of_month, month, day_of_week, year = fields
        if (day_of_month == "?") == (day_of_week == "?"):
            raise ScheduleError("exactly one of day-of-month and day-of-week must be ?")
        days = MonthDays.parse(day_of_month) if day_of_week == "?" else WeekDays.parse(day_of_week)
        return cls(
            tuple(sorted(MINUTE.values(minute))),
            tuple(sorted(HOUR.values(hour))),
            days,
            tuple(sorted(MONTH.values(month))),
            tuple(sorted(YEAR.values(year))),
            zone,
        )

    def next_time(self, after: float) -> float | None:
        """The first time later than `after` (epoch seconds), or None when there is none before the year 2200."""
        if after >= _END:
            return None
        local = datetime.fromtimestamp(max(after, 0.0), self.zone).replace(tzinfo=None)
        for candidate in self._from(local):
            time = _timestamp(candidate, self.zone)
            if time is not None and time > after:
                return time
        return None

    def _from(self, start: datetime) -> Iterator[datetime]:
        """Local times that match, in order, from the minute of `start` on."""
        for year in self.years[bisect_left(self.years, start.year) :]:
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                for day in self._days(year, month):
                    if (year, month, day) < (start.year, start.month, start.day):
                        continue
                    yield from self._times(year, month, day, start)

    def _days(self, year: int, month: int) -> list[int]:
        monday_first, length = monthrange(year, month)
        return sorted(self.days.of((monday_first + 1) % 7 + 1, length))

    def _times(self, year: int, month: int, day: int, start: datetime) -> Iterator[datetime]:
        today = (year, month, day) == (start.year, start.month, start.day)
        for hour in self.hours:
            if today and hour < start.hour:
                continue
            for minute in self.minutes:
                if not (today and hour == start.hour and minute < start.minute):
                    yield datetime(year, month, day, hour, minute)


_END = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


def _timestamp(local: datetime, zone: tzinfo) -> float | None:
    """A local time as epoch seconds; None when the clocks leave it out."""
    time = local.replace(tzinfo=zone).timestamp()
    return time if datetime.fromtimestamp(time, zone).replace(tzinfo=None) == local else None
