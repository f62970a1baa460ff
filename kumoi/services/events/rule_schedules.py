"""Scheduled rules: one timer for each holds its next time; firing sends the event and sets the following one.

What fell due several times while nothing ran fires once. Source: "Creating a scheduled rule" of the EventBridge user
guide.
"""

from __future__ import annotations

from kumoi import schedules
from kumoi.schedules import Schedule
from kumoi.services.events.event import Event
from kumoi.services.events.lookup import targets_of
from kumoi.services.events.naming import rule_arn
from kumoi.services.events.records import DEFAULT_BUS, Rule, rules
from kumoi.services.events.router import Router
from kumoi.state import State, Timer, Transaction, transactional

TOPIC = "events.schedule"


def parse(expression: str, started: float) -> Schedule:
    """The schedule of a rule; ScheduleError when there is none of that form."""
    return schedules.parse(expression, start=started, kinds=("rate", "cron"))


def set_timer(tx: Transaction, rule: Rule, after: float) -> None:
    """Have a rule fire at its next time after `after`, or no longer."""
    due = parse(rule.schedule, rule.started).next_time(after) if rule.schedule and rule.enabled else None
    if due is None:
        tx.cancel_timer(TOPIC, rule.name)
    else:
        tx.timer(due, TOPIC, rule.name.encode(), key=rule.name)


async def fire(state: State, router: Router, timer: Timer) -> None:
    """Send the event of a rule that is due; returns once its targets were tried."""
    sent = await _fire(state.at(timer.account, timer.region), router, timer)
    await router.outbox.tried(sent)


@transactional
async def _fire(tx: Transaction, router: Router, timer: Timer) -> list[str]:
    tx.complete_timer(timer)
    rule = await rules.get(tx, DEFAULT_BUS, timer.payload.decode())
    if rule is None or rule.schedule is None or not rule.enabled:
        return []
    set_timer(tx, rule, max(timer.due, tx.now))
    event = Event.scheduled(rule_arn(tx.account, tx.region, rule.bus, rule.name), tx.account, tx.region, timer.due)
    found = (await targets_of(tx, rule.bus, rule.name)).targets
    return await router.send(tx, event, rule, found)
