"""What a log group's filters are: those that send events on, and those that make metrics. Times are epoch ms.

A group's filters are one record, which every write to the group reads: it stays decoded in memory.
"""

from __future__ import annotations

import msgspec

from kumoi.state import Transaction
from kumoi.state.space import Space


class SubscriptionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Sends events that match to a function, a stream or a destination."""

    name: str
    pattern: str
    destination: str
    role: str | None = None
    distribution: str = "ByLogStream"
    created: int


class Transformation(msgspec.Struct, frozen=True, kw_only=True):
    """How an event that matches becomes a metric; `value` is a number or names a field, as `dimensions` do."""

    name: str
    namespace: str
    value: str
    default: float | None = None
    dimensions: dict[str, str] = {}
    unit: str | None = None


class MetricFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Makes a metric out of events that match."""

    name: str
    pattern: str
    transformation: Transformation
    created: int


class GroupFilters(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of a group, by name."""

    group: str
    subscriptions: dict[str, SubscriptionFilter] = {}
    metrics: dict[str, MetricFilter] = {}


group_filters: Space[GroupFilters] = Space(
    "logs.filters", GroupFilters, lambda filters: (filters.group,), remembered=True
)


async def filters_of(tx: Transaction, group: str) -> GroupFilters:
    """A group's filters."""
    return await group_filters.get(tx, group) or GroupFilters(group=group)
