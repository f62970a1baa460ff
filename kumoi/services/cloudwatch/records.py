"""What CloudWatch stores: metrics and their periods, alarms and their history, dashboards. Times are epoch seconds."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kumoi.services.cloudwatch.distribution import Distribution
from kumoi.state.space import Space

Dimensions = tuple[tuple[str, str], ...]
StateValue = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]


class Metric(msgspec.Struct, frozen=True):
    """A metric that has been put: dimensions by name; `seen` is when it last was."""

    namespace: str
    name: str
    dimensions: Dimensions
    seen: float

    @property
    def key(self) -> tuple[str, str, str]:
        """What its periods lie under."""
        return metric_key(self.namespace, self.name, self.dimensions)


class Period(msgspec.Struct, frozen=True):
    """What is kept of a metric for `resolution` seconds (1 or 60) from `start` on, in one unit."""

    metric: tuple[str, str, str]
    resolution: int
    start: int
    unit: str
    values: Distribution


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm: `definition` is what the client gave; `composite` says that it is made of other alarms.

    `updated` is when its state last was set, `transitioned` when it last became another one.
    """

    name: str
    id: str
    composite: bool
    definition: dict[str, Any]
    configured: float
    state: StateValue = "INSUFFICIENT_DATA"
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str | None = None
    updated: float = 0.0
    transitioned: float = 0.0
    actions_enabled: bool = True
    tags: dict[str, str] = {}


class HistoryItem(msgspec.Struct, frozen=True):
    """Something that happened to an alarm; `number` orders what happened at once."""

    alarm: str
    time: float
    number: int
    kind: Literal["ConfigurationUpdate", "StateUpdate", "Action"]
    summary: str
    data: str
    composite: bool


class Dashboard(msgspec.Struct, frozen=True):
    """A dashboard: widgets as JSON, kept as they came."""

    name: str
    body: str
    modified: float
    tags: dict[str, str] = {}


def metric_key(namespace: str, name: str, dimensions: Dimensions) -> tuple[str, str, str]:
    """What a metric and its periods lie under."""
    return namespace, name, msgspec.json.encode(dimensions).decode()


def history_key(item: HistoryItem) -> tuple[str, int, int]:
    """What an item of an alarm's history lies under."""
    return item.alarm, int(item.time * 1000), item.number


PERIODS = "cloudwatch.period"
metrics: Space[Metric] = Space("cloudwatch.metric", Metric, lambda metric: metric.key)
periods: Space[Period] = Space(PERIODS, Period, lambda one: (*one.metric, one.resolution, one.start, one.unit))
alarms: Space[Alarm] = Space("cloudwatch.alarm", Alarm, lambda alarm: (alarm.name,))
history: Space[HistoryItem] = Space("cloudwatch.history", HistoryItem, history_key)
dashboards: Space[Dashboard] = Space("cloudwatch.dashboard", Dashboard, lambda dashboard: (dashboard.name,))
