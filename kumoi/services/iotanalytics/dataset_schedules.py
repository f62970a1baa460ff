"""The schedules of data sets on the platform's clock: a content is stored and the next time set in one transaction."""

from __future__ import annotations

import msgspec

from kumoi.names import uuid
from kumoi.schedules import Schedule
from kumoi.services.iotanalytics.content_maker import ContentMaker, Job
from kumoi.services.iotanalytics.dataset_rules import delta, schedules
from kumoi.services.iotanalytics.records import Content, DatasetRecord, contents, datasets
from kumoi.services.iotanalytics.windows import window
from kumoi.state import State, Timer, Transaction, transactional

TOPIC = "iotanalytics.schedule"


class Alarm(msgspec.Struct, frozen=True, array_like=True):
    """What a timer holds: which data set, which of its triggers, and for when."""

    dataset: str
    dataset_id: str
    trigger: int
    scheduled: float


class Scheduling:
    """Makes contents when they are due."""

    def __init__(self, state: State, maker: ContentMaker) -> None:
        self._state = state
        self._maker = maker
        self._decode = msgspec.msgpack.Decoder(Alarm).decode

    async def fire(self, timer: Timer) -> None:
        """Make the content that a timer is for; returns once it was made."""
        alarm = self._decode(timer.payload)
        version = await _fire(self._state.at(timer.account, timer.region), timer, alarm)
        if version is not None:
            job = Job(timer.account, timer.region, alarm.dataset, version)
            self._maker.start(job)
            await self._maker.made(job)


def set_timers(tx: Transaction, dataset: DatasetRecord, before: DatasetRecord | None) -> None:
    """Have a data set's schedules fire from now on, and those it had before no longer."""
    for number in range(len(before.triggers) if before else 0):
        tx.cancel_timer(TOPIC, f"{dataset.name}/{number}")
    for number, schedule in schedules(dataset):
        _set(tx, dataset, number, schedule, tx.now)


def cancel_timers(tx: Transaction, dataset: DatasetRecord) -> None:
    """Have a data set's schedules fire no longer."""
    for number in range(len(dataset.triggers)):
        tx.cancel_timer(TOPIC, f"{dataset.name}/{number}")


async def begin(
    tx: Transaction,
    dataset: DatasetRecord,
    version: str | None,
    scheduled: float | None = None,
    schedule: Schedule | None = None,
) -> Content:
    """Store a content that is to be made; one of a version that is there is made anew over the same window."""
    earlier = None if version is None else await contents.get(tx, dataset.id, version)
    span = None if earlier is None else earlier.window
    filter_ = delta(dataset)
    if filter_ is not None and span is None:
        span = window(filter_["offsetSeconds"], tx.now, scheduled, schedule, dataset.window_end)
        await datasets.put(tx, msgspec.structs.replace(dataset, window_end=span[1]))
    content = Content(
        dataset_id=dataset.id,
        version=version or uuid(),
        created=tx.now,
        state="CREATING",
        scheduled=scheduled,
        window=span,
    )
    await contents.put(tx, content)
    return content


def _set(tx: Transaction, dataset: DatasetRecord, number: int, schedule: Schedule, after: float) -> None:
    due = schedule.next_time(after)
    if due is not None:
        alarm = msgspec.msgpack.encode(Alarm(dataset.name, dataset.id, number, due))
        tx.timer(due, TOPIC, alarm, key=f"{dataset.name}/{number}")


@transactional
async def _fire(tx: Transaction, timer: Timer, alarm: Alarm) -> str | None:
    tx.complete_timer(timer)
    dataset = await datasets.get(tx, alarm.dataset)
    schedule = None if dataset is None else dict(schedules(dataset)).get(alarm.trigger)
    if dataset is None or dataset.id != alarm.dataset_id or schedule is None:
        return None
    _set(tx, dataset, alarm.trigger, schedule, max(alarm.scheduled, tx.now))
    content = await begin(tx, dataset, None, alarm.scheduled, schedule)
    return content.version
