"""Schedule expressions: `rate(5 minutes)`, `cron(0 8 ? * MON-FRI *)`, `at(2030-01-01T00:00:00)`.

`parse` makes a `Schedule` of an expression; `next_time` answers when it is due next. Pure functions over plain values:
times are epoch seconds, time zones IANA's. Source: "Schedule types in EventBridge Scheduler" and "Setting a schedule
pattern for scheduled rules" of the EventBridge user guides.
"""

from kumoi.schedules.cron import Cron
from kumoi.schedules.expressions import At, Kind, Rate, Schedule, parse
from kumoi.schedules.fields import ScheduleError

__all__ = ["At", "Cron", "Kind", "Rate", "Schedule", "ScheduleError", "parse"]
