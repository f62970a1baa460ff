"""What Scheduler stores: groups and schedules. Times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space

DEFAULT_GROUP = "default"


class ScheduleGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of schedules. `token` is the client token it was made with."""

    name: str
    created: float
    modified: float
    tags: dict[str, str] = {}
    token: str | None = None


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of a schedule. `window` is the flexible time window in seconds, 0 for none."""

    expression: str
    timezone: str
    start: float | None
    end: float | None
    window: float
    enabled: bool
    target: dict[str, Any]
    description: str | None = None
    kms_key: str | None = None
    delete_afterwards: bool = False


class ScheduleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule. `id` sets it apart from one of the same name deleted before; `anchor` is what a rate counts from."""

    group: str
    name: str
    id: str
    definition: Definition
    created: float
    modified: float
    anchor: float
    token: str | None = None


groups: Space[ScheduleGroup] = Space("scheduler.group", ScheduleGroup, lambda group: (group.name,))
schedules: Space[ScheduleRecord] = Space(
    "scheduler.schedule", ScheduleRecord, lambda schedule: (schedule.group, schedule.name)
)
