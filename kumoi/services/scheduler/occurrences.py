"""When a schedule is due: its occurrences, and where in its flexible window each takes place. Pure.

A rate begins at its start date, or when the schedule is made; its first occurrence is then. Start and end dates do not
bind a one-time schedule. Source: "Schedule types in EventBridge Scheduler" and the API reference's CreateSchedule.
"""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from typing import NamedTuple

from kumoi.schedules import At, Rate, Schedule, parse
from kumoi.services.scheduler.records import Definition, ScheduleRecord


class Occurrence(NamedTuple):
    """A time a schedule names, and when within its window the target is called (epoch seconds)."""

    scheduled: float
    due: float


def schedule_of(definition: Definition, anchor: float) -> Schedule:
    """The compiled schedule; ScheduleError when the expression or the time zone is wrong.

    A rate's unit may be in the singular or the plural, unlike a rule's: `rate(1 hours)` is AWS's own form.
    """
    schedule = parse(definition.expression, timezone=definition.timezone, start=anchor, agreeing=False)
    if isinstance(schedule, Rate):
        return replace(schedule, start=schedule.start - schedule.period)
    return schedule


def first(record: ScheduleRecord, now: float) -> Occurrence | None:
    """The first occurrence of a schedule from now on, `now` itself included."""
    return _find(record, math.nextafter(now, 0.0))


def following(record: ScheduleRecord, scheduled: float, now: float) -> Occurrence | None:
    """The occurrence after the one of `scheduled`; those whose whole window has passed are left out."""
    return _find(record, max(scheduled, now - record.definition.window))


def _find(record: ScheduleRecord, after: float) -> Occurrence | None:
    definition = record.definition
    schedule = schedule_of(definition, record.anchor)
    once = isinstance(schedule, At)
    if definition.start is not None and not once:
        after = max(after, math.nextafter(definition.start, 0.0))
    scheduled = schedule.next_time(after)
    if scheduled is None or (definition.end is not None and scheduled > definition.end and not once):
        return None
    return Occurrence(scheduled, scheduled + _offset(record, scheduled))


def _offset(record: ScheduleRecord, scheduled: float) -> float:
    """Where in the window an occurrence takes place: drawn once, and the same whenever it is asked for."""
    window = record.definition.window
    return Random(f"{record.id}/{scheduled}").uniform(0.0, window) if window else 0.0
