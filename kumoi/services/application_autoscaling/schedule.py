"""Scheduled actions: one timer each, for the next time that its schedule names.

A timer is completed once the target has its new bounds and its capacity is within them: what a crash interrupts is done
again, which changes nothing more. What fell due several times while nothing ran is done once.
"""

from __future__ import annotations

import math

import msgspec
from msgspec.structs import replace

from kumoi.schedules import Rate, Schedule, ScheduleError, parse
from kumoi.services.application_autoscaling.errors import invalid
from kumoi.services.application_autoscaling.records import ScheduledAction, Target, scheduled_actions, targets
from kumoi.services.application_autoscaling.scaling import Scaling
from kumoi.services.application_autoscaling.store import note
from kumoi.state import State, Timer, Transaction, transactional

TOPIC = "application-autoscaling.scheduled"
_UTC = "UTC"


def schedule_of(action: ScheduledAction) -> Schedule:
    """The compiled schedule; ValidationException for one that is none. A rate begins at its start, where it has one."""
    zone, anchor = action.timezone or _UTC, action.created if action.start is None else action.start
    try:
        parse("rate(1 minute)", timezone=zone)
    except ScheduleError:
        raise invalid(f"Invalid timezone: {zone}") from None
    try:
        found = parse(action.schedule, timezone=zone, start=anchor, agreeing=False)
    except ScheduleError:
        raise invalid(f"Schedule expression is invalid: {action.schedule}") from None
    if isinstance(found, Rate) and action.start is not None:
        return Rate(found.period, found.start - found.period)
    return found


def next_time(action: ScheduledAction, after: float) -> float | None:
    """When an action is due next after a moment, within its start and end; None for never again."""
    if action.start is not None:
        after = max(after, math.nextafter(action.start, 0.0))
    found = schedule_of(action).next_time(after)
    return None if found is None or (action.end is not None and found > action.end) else found


def set_timer(tx: Transaction, action: ScheduledAction, after: float) -> None:
    """Have an action carried out at its next time after a moment, or no longer."""
    key, due = _key(action), next_time(action, after)
    if due is None:
        tx.cancel_timer(TOPIC, key)
    else:
        tx.timer(due, TOPIC, msgspec.msgpack.encode((*action.of, action.name)), key=key)


def cancel_timer(tx: Transaction, action: ScheduledAction) -> None:
    """Have an action carried out no longer."""
    tx.cancel_timer(TOPIC, _key(action))


def _key(action: ScheduledAction) -> str:
    return "/".join((*action.of, action.name))


class Scheduling:
    """The handler of the timers."""

    def __init__(self, state: State, scaling: Scaling) -> None:
        self._state = state
        self._scaling = scaling
        self._decode = msgspec.msgpack.Decoder(tuple[str, str, str, str]).decode

    async def fire(self, timer: Timer) -> None:
        """Carry out the action of a timer."""
        place, key = self._state.at(timer.account, timer.region), self._decode(timer.payload)
        target = await _apply(place, key)
        if target is not None:
            await self._scaling.bound(place, target.of)
        await _following(place, timer, key)


@transactional
async def _apply(tx: Transaction, key: tuple[str, str, str, str]) -> Target | None:
    """Give a target the bounds of an action; None where there is nothing to do."""
    action = await scheduled_actions.get(tx, *key)
    target = None if action is None else await targets.get(tx, *action.of)
    if action is None or target is None or target.suspended.scheduled:
        return None
    least = target.least if action.least is None else action.least
    most = target.most if action.most is None else action.most
    cause = f"scheduled action name {action.name} was triggered"
    text = f"min capacity to {least} and max capacity to {most}"
    if least > most:
        message = f"Failed to set {text}. Reason: the minimum capacity is above the maximum capacity."
        await note(tx, target.of, f"Setting {text}", cause, start=tx.now, status="Failed", message=message)
        return None
    changed = replace(target, least=least, most=most)
    await targets.put(tx, changed)
    await note(tx, target.of, f"Setting {text}", cause, start=tx.now, message=f"Successfully set {text}")
    return changed


@transactional
async def _following(tx: Transaction, timer: Timer, key: tuple[str, str, str, str]) -> None:
    tx.complete_timer(timer)
    action = await scheduled_actions.get(tx, *key)
    if action is not None:
        set_timer(tx, action, max(timer.due, tx.now))
