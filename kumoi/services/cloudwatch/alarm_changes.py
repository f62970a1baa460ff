"""Changes of alarms in the key space: their configuration, their state, the composites above them.

An alarm has one timer, for its next evaluation: each minute, or each ten seconds where its period is shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from kumoi.names import uuid
from kumoi.services.cloudwatch.alarm_actions import AlarmActions
from kumoi.services.cloudwatch.alarm_history import note
from kumoi.services.cloudwatch.alarm_rule import parse
from kumoi.services.cloudwatch.records import Alarm, StateValue, alarms
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

TOPIC = "cloudwatch.alarm"


class Change(msgspec.Struct, frozen=True):
    """A state that an alarm is to have."""

    state: StateValue
    reason: str
    data: str | None = None


def next_evaluation(alarm: Alarm, now: float) -> float:
    """When an alarm is to be looked at next: at the next full minute, or ten seconds."""
    step = 10 if shortest_period(alarm.definition) < 60 else 60
    return (now // step + 1) * step


def shortest_period(definition: dict[str, Any]) -> int:
    """The period of an alarm's data points, in seconds."""
    found = [definition.get("Period", 0)]
    for one in definition.get("Metrics") or ():
        found += [one.get("Period", 0), (one.get("MetricStat") or {}).get("Period", 0)]
    return min((int(one) for one in found if one), default=60)


@transactional
async def configure(
    tx: Transaction, actions: AlarmActions, name: str, composite: bool, definition: dict[str, Any], tags: dict[str, str]
) -> Alarm:
    """Create an alarm, or give one of that name another configuration: its state stays."""
    known = await alarms.get(tx, name)
    if known is not None and known.composite != composite:
        raise aws_error("ValidationError", f"An alarm named {name} of the other kind exists.", status=400)
    enabled = definition.pop("ActionsEnabled", True)
    if known is None:
        alarm = Alarm(
            name=name,
            id=uuid(),
            composite=composite,
            definition=definition,
            configured=tx.now,
            updated=tx.now,
            transitioned=tx.now,
            actions_enabled=enabled,
            tags=tags,
        )
    else:
        alarm = msgspec.structs.replace(known, definition=definition, configured=tx.now, actions_enabled=enabled)
    if composite:
        await _check_no_cycle(tx, alarm)
    await alarms.put(tx, alarm)
    verb = "created" if known is None else "updated"
    await note(tx, alarm, "ConfigurationUpdate", f'Alarm "{name}" {verb}', {"version": "1.0", "type": verb.title()})
    if composite:
        await _settle(tx, actions, alarm)
    else:
        tx.timer(next_evaluation(alarm, tx.now), TOPIC, name.encode(), key=name)
    return alarm


class Turned(NamedTuple):
    """An alarm after a change of its state, and the deliveries that follow."""

    alarm: Alarm
    deliveries: list[str]


@transactional
async def set_state(tx: Transaction, actions: AlarmActions, name: str, change: Change) -> None:
    """Give an alarm a state; ResourceNotFound."""
    alarm = await alarms.get(tx, name)
    if alarm is None:
        raise aws_error("ResourceNotFound", f"The alarm {name} does not exist.")
    await turn(tx, actions, alarm, change)


async def turn(tx: Transaction, actions: AlarmActions, alarm: Alarm, change: Change) -> Turned:
    """Give an alarm a state; where it is another one, its actions and the composites above it follow."""
    same = alarm.state == change.state
    after = msgspec.structs.replace(
        alarm,
        state=change.state,
        reason=change.reason,
        reason_data=change.data,
        updated=tx.now,
        transitioned=alarm.transitioned if same else tx.now,
    )
    await alarms.put(tx, after)
    if same:
        return Turned(after, [])
    data = {
        "version": "1.0",
        "oldState": {"stateValue": alarm.state, "stateReason": alarm.reason},
        "newState": {"stateValue": after.state, "stateReason": after.reason},
    }
    await note(tx, after, "StateUpdate", f"Alarm updated from {alarm.state} to {after.state}", data)
    deliveries = await actions.changed(tx, after, alarm)
    await _settle_above(tx, actions, after)
    return Turned(after, deliveries)


@transactional
async def remove(tx: Transaction, names: Sequence[str]) -> None:
    """Forget alarms; ValidationError where a composite that stays is made of one."""
    for one in await alarms.list(tx):
        if one.composite and one.name not in names:
            used = sorted(_below(one) & set(names))
            if used:
                raise aws_error(
                    "ValidationError",
                    f"{used[0]} cannot be deleted: the composite alarm {one.name} uses it.",
                    status=400,
                )
    for name in names:
        if await alarms.delete(tx, name):
            tx.cancel_timer(TOPIC, name)


@transactional
async def enable(tx: Transaction, names: Sequence[str], enabled: bool) -> None:
    """Let alarms act, or keep them from it."""
    for name in names:
        alarm = await alarms.get(tx, name)
        if alarm is not None:
            await alarms.put(tx, msgspec.structs.replace(alarm, actions_enabled=enabled))


def _below(composite: Alarm) -> frozenset[str]:
    return parse(composite.definition["AlarmRule"]).alarms


async def _check_no_cycle(tx: Transaction, composite: Alarm) -> None:
    """Raise ValidationError for a composite that is, in the end, made of itself: it would never come to rest."""
    waiting, seen = list(_below(composite)), set[str]()
    while waiting:
        name = waiting.pop()
        if name == composite.name:
            raise aws_error("ValidationError", "A composite alarm cannot be made of itself.", status=400)
        alarm = None if name in seen else await alarms.get(tx, name)
        seen.add(name)
        if alarm is not None and alarm.composite:
            waiting += _below(alarm)


async def _settle_above(tx: Transaction, actions: AlarmActions, alarm: Alarm) -> None:
    for one in await alarms.list(tx):
        if one.composite and alarm.name in _below(one):
            await _settle(tx, actions, one)


async def _settle(tx: Transaction, actions: AlarmActions, composite: Alarm) -> None:
    """Give a composite the state that its rule has now."""
    rule = parse(composite.definition["AlarmRule"])
    states = {}
    for name in rule.names:
        known = await alarms.get(tx, name.rpartition(":alarm:")[2])
        states[name] = "INSUFFICIENT_DATA" if known is None else known.state
    wanted: StateValue = "ALARM" if rule.holds(lambda name: states[name]) else "OK"
    if wanted != composite.state:
        reason = f"The rule is {'true' if wanted == 'ALARM' else 'false'}: {composite.definition['AlarmRule']}"
        await turn(tx, actions, composite, Change(wanted, reason))


@transactional
async def find(tx: Transaction, name: str) -> Alarm | None:
    """An alarm."""
    return await alarms.get(tx, name)


@transactional
async def listed(tx: Transaction) -> list[Alarm]:
    """Every alarm by name."""
    return list(await alarms.list(tx))
