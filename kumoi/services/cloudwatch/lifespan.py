"""What runs for CloudWatch while the platform does: alarms' timers and actions, metrics from hops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.services.cloudwatch.alarm_actions import AlarmActions
from kumoi.services.cloudwatch.alarm_changes import TOPIC
from kumoi.services.cloudwatch.alarm_timer import AlarmTimer
from kumoi.services.cloudwatch.derived import DerivedMetrics
from kumoi.services.cloudwatch.gauges import Gauges
from kumoi.services.cloudwatch.storage import TRIM_TOPIC, trim
from kumoi.state import Timer
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; actions that a crash left behind are carried out once the platform is up."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    actions = parts.add(AlarmActions, AlarmActions(doorway, timers))
    gauges = parts.add(Gauges, Gauges(doorway))
    derived = parts.add(DerivedMetrics, DerivedMetrics(doorway))
    timers.on(TOPIC, AlarmTimer(doorway, actions, gauges, derived).fire)

    async def trimmed(timer: Timer) -> None:
        await trim(doorway.state.at(timer.account, timer.region), timer)

    timers.on(TRIM_TOPIC, trimmed)
    await actions.outbox.resume()
    try:
        yield
    finally:
        await derived.stop()
        await actions.outbox.stop()
