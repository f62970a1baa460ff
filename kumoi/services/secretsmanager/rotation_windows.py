"""When a secret is rotated next: the window that its rules name; pure.

Rotation takes place as the window opens. Days count from midnight UTC; without a Duration a window lasts until the end
of the day, or an hour where rules speak of hours. Source: "Rotation schedules" of the user guide.
"""

from __future__ import annotations

import re
from math import ceil
from typing import NamedTuple

from kumoi.schedules import Rate, ScheduleError, parse
from kumoi.services.secretsmanager.errors import bad_parameter
from kumoi.services.secretsmanager.records import Rotation

DAY, HOUR = 86_400, 3600
_SHORTEST = 4 * HOUR
_EVERY = re.compile(r"(?<=[ (])/")


class Window(NamedTuple):
    """When rotation may begin, and until when (epoch seconds)."""

    opens: float
    closes: float


def next_window(rotation: Rotation, now: float) -> Window | None:
    """The next window after a time, None where the rules name none; InvalidParameterException for wrong rules."""
    hours = None if rotation.duration is None else int(rotation.duration[:-1])
    if rotation.days is not None:
        if rotation.expression is not None:
            raise bad_parameter("You can't specify both AutomaticallyAfterDays and ScheduleExpression.")
        return _days(rotation.days * DAY, hours, now)
    if rotation.expression is None:
        return None
    try:
        schedule = parse(_EVERY.sub("0/", rotation.expression), start=now, kinds=("rate", "cron"))
    except ScheduleError as error:
        raise bad_parameter(f"The ScheduleExpression is not valid: {error}.") from None
    if isinstance(schedule, Rate):
        if schedule.period < _SHORTEST or "minute" in rotation.expression:
            raise bad_parameter("A secret can be rotated every four hours at most.")
        if "day" in rotation.expression:
            return _days(schedule.period, hours, now)
        opens: float | None = float(ceil((now + schedule.period) / HOUR) * HOUR)
        hourly = True
    else:
        minute, hour = rotation.expression.removeprefix("cron(").split()[:2]
        if minute != "0":
            raise bad_parameter("The minutes of a rotation's cron expression must be 0.")
        opens = schedule.next_time(now)
        hourly = re.fullmatch(r"\d+", hour) is None
    if opens is None:
        raise bad_parameter("The ScheduleExpression names no time that lies ahead.")
    return Window(opens, _closes(opens, hours, hourly=hourly))


def _days(period: int, hours: int | None, now: float) -> Window:
    opens = float(now // DAY * DAY + period)
    return Window(opens, _closes(opens, hours, hourly=False))


def _closes(opens: float, hours: int | None, *, hourly: bool) -> float:
    if hours is not None:
        return opens + hours * HOUR - 1
    return opens + HOUR - 1 if hourly else opens // DAY * DAY + DAY - 1
