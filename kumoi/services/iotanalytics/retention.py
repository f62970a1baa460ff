"""What is older than its retention period is deleted: once a day, whole days of a channel or a data store at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.iotanalytics.channel_log import ChannelKey, ChannelLog, day_of
from kumoi.services.iotanalytics.records import (
    ChannelRecord,
    DatastoreRecord,
    Segment,
    channels,
    datastores,
    segments,
)
from kumoi.services.iotanalytics.segments import SegmentFiles
from kumoi.state import State, Timer, Transaction, transactional

TOPIC = "iotanalytics.retention"
DAY = 86_400


def set_sweep(tx: Transaction, retention: Mapping[str, Any] | None) -> None:
    """Have what is too old deleted at the end of the day, where a period was set."""
    if retention is not None and "numberOfDays" in retention:
        tx.timer((tx.now // DAY + 1) * DAY, TOPIC, key="sweep")


def first_kept_day(retention: Mapping[str, Any] | None, now: float) -> float | None:
    """The start (epoch seconds) of the oldest day that is kept; None when all are."""
    days = (retention or {}).get("numberOfDays")
    return None if days is None else max((now // DAY - days) * DAY, 0)


class Sweeper:
    """Deletes what is too old."""

    def __init__(self, state: State, log: ChannelLog, files: SegmentFiles) -> None:
        self._state = state
        self._log = log
        self._files = files

    async def sweep(self, timer: Timer) -> None:
        """Delete what is too old of one place."""
        kept, dropped = await _sweep(self._state.at(timer.account, timer.region), timer)
        for channel, before in kept:
            key = ChannelKey(timer.account, timer.region, channel.name, channel.id)
            await self._log.retain(key, int(before * 1000))
        await self._files.remove(dropped)


@transactional
async def _sweep(tx: Transaction, timer: Timer) -> tuple[list[tuple[ChannelRecord, float]], list[Segment]]:
    listed = await channels.list(tx)
    stores = await datastores.list(tx)
    bounds = [(one, first_kept_day(one.retention, tx.now)) for one in listed]
    dropped: list[Segment] = []
    for store in stores:
        dropped += await _sweep_store(tx, store)
    tx.complete_timer(timer)
    periods = [*(channel.retention for channel in listed), *(store.retention for store in stores)]
    if any("numberOfDays" in (period or {}) for period in periods):
        tx.timer((tx.now // DAY + 1) * DAY, TOPIC, key="sweep")
    return [(channel, before) for channel, before in bounds if before is not None], dropped


async def _sweep_store(tx: Transaction, store: DatastoreRecord) -> list[Segment]:
    before = first_kept_day(store.retention, tx.now)
    if before is None:
        return []
    first = day_of(before)
    dropped = [one for one in await segments.list(tx, store.id) if one.day < first]
    for one in dropped:
        await segments.delete(tx, store.id, one.day, one.id)
    return dropped
