"""Schedules that are due: the invocation is stored and the next occurrence set in one transaction.

So an occurrence is never invoked twice nor lost, whenever the process ends. What fell due several times while nothing
ran is invoked once.
"""

from __future__ import annotations

import msgspec

from kumoi.delivery import Delivery, Outbox, RetryPolicy
from kumoi.names import uuid
from kumoi.services.scheduler.invocation import Invocation
from kumoi.services.scheduler.occurrences import Occurrence, following
from kumoi.services.scheduler.records import ScheduleRecord, schedules
from kumoi.state import State, Timer, Transaction, transactional

TOPIC = "scheduler.schedule"


class Alarm(msgspec.Struct, frozen=True, array_like=True):
    """What a timer holds: which schedule, and which of its occurrences."""

    group: str
    name: str
    scheduled: float


class Firing:
    """Fires the schedules that are due."""

    def __init__(self, state: State, outbox: Outbox) -> None:
        self.outbox = outbox
        self._state = state
        self._decode = msgspec.msgpack.Decoder(Alarm).decode

    async def fire(self, timer: Timer) -> None:
        """Invoke the target of the schedule a timer is for; returns once it was tried."""
        sent = await _fire(self._state.at(timer.account, timer.region), self.outbox, timer, self._decode(timer.payload))
        await self.outbox.tried(sent)


def set_timer(tx: Transaction, schedule: ScheduleRecord, occurrence: Occurrence | None) -> None:
    """Have a schedule fire at an occurrence, or no longer."""
    key = f"{schedule.group}/{schedule.name}"
    if occurrence is None or not schedule.definition.enabled:
        tx.cancel_timer(TOPIC, key)
    else:
        alarm = Alarm(schedule.group, schedule.name, occurrence.scheduled)
        tx.timer(occurrence.due, TOPIC, msgspec.msgpack.encode(alarm), key=key)


@transactional
async def delete(tx: Transaction, schedule: ScheduleRecord) -> None:
    """Remove a schedule."""
    await schedules.delete(tx, schedule.group, schedule.name)
    set_timer(tx, schedule, None)


async def ended(tx: Transaction, delivery: Delivery) -> None:
    """Delete the schedule of a last invocation that has ended, where the schedule wants it."""
    invocation = msgspec.msgpack.decode(delivery.content, type=Invocation)
    if not invocation.delete:
        return
    schedule = await schedules.get(tx, invocation.group, invocation.name)
    if schedule is not None and schedule.id == invocation.schedule_id:
        await delete(tx, schedule)


@transactional
async def _fire(tx: Transaction, outbox: Outbox, timer: Timer, alarm: Alarm) -> list[str]:
    tx.complete_timer(timer)
    schedule = await schedules.get(tx, alarm.group, alarm.name)
    if schedule is None or not schedule.definition.enabled:
        return []
    follower = following(schedule, alarm.scheduled, tx.now)
    set_timer(tx, schedule, follower)
    target = schedule.definition.target
    invocation = Invocation(
        group=schedule.group,
        name=schedule.name,
        schedule_id=schedule.id,
        scheduled=alarm.scheduled,
        execution_id=uuid(),
        target=target,
        delete=follower is None and schedule.definition.delete_afterwards,
    )
    retry = target.get("RetryPolicy", {})
    delivery = Delivery(
        id=invocation.execution_id,
        account=tx.account,
        region=tx.region,
        lane=target["Arn"],
        content=msgspec.msgpack.encode(invocation),
        accepted=tx.now,
        policy=RetryPolicy(retry.get("MaximumRetryAttempts", 185), retry.get("MaximumEventAgeInSeconds", 86_400)),
    )
    await outbox.accept(tx, [delivery])
    return [delivery.id]
