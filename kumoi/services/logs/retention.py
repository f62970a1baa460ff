"""Retention: expired events leave the lake once a day of platform time. Readers filter them out at once."""

from __future__ import annotations

from kumoi.doorway import Doorway, Parts
from kumoi.services.logs.events import TABLE, cutoff
from kumoi.services.logs.records import LogGroup, groups
from kumoi.state import Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner

TOPIC = "logs.retention"
INTERVAL = 86_400.0


def start(parts: Parts) -> None:
    """Define the table of events and answer the retention timers."""
    doorway = parts[Doorway]
    doorway.lake.define(TABLE)

    async def expire(timer: Timer) -> None:
        group = await _next(doorway.state.at(timer.account, timer.region), timer)
        before = None if group is None else cutoff(group, int(doorway.clock.now() * 1000))
        if group is not None and before is not None:
            await doorway.lake.retain(
                TABLE.name,
                account=timer.account,
                region=timer.region,
                equals={"log_group": group.name},
                before=before,
            )

    parts[TimerRunner].on(TOPIC, expire)


def schedule(tx: Transaction, group: str, now: float) -> None:
    """Have a group's expired events removed: now, and then every day."""
    tx.timer(now, TOPIC, group.encode(), key=group)


@transactional
async def _next(tx: Transaction, timer: Timer) -> LogGroup | None:
    """The group a timer is for, having set its next; None when nothing expires any longer."""
    group = await groups.get(tx, timer.payload.decode())
    tx.complete_timer(timer)
    if group is not None and group.retention is not None:
        tx.timer(timer.due + INTERVAL, TOPIC, timer.payload, key=timer.key)
    return group
