"""Evaluates alarms when their timers are due."""

from __future__ import annotations

import logging

import orjson

from kumoi.doorway import Doorway
from kumoi.services.cloudwatch.alarm_actions import AlarmActions
from kumoi.services.cloudwatch.alarm_changes import TOPIC, Change, Turned, find, next_evaluation, shortest_period, turn
from kumoi.services.cloudwatch.derived import DerivedMetrics
from kumoi.services.cloudwatch.evaluation import Judgement, Rule, judge
from kumoi.services.cloudwatch.gauges import Gauges, metrics_of
from kumoi.services.cloudwatch.math.evaluation import Labelled
from kumoi.services.cloudwatch.queries import Query, answer, dimensions_of, queries_of
from kumoi.services.cloudwatch.records import Alarm, alarms
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_DERIVED = "AWS/"


class AlarmTimer:
    """The handler of alarms' timers."""

    def __init__(self, doorway: Doorway, actions: AlarmActions, gauges: Gauges, derived: DerivedMetrics) -> None:
        self._doorway = doorway
        self._actions = actions
        self._gauges = gauges
        self._derived = derived

    async def fire(self, timer: Timer) -> None:
        """Look at one alarm, and set its next timer in the transaction that stores what was found."""
        state = self._doorway.state.at(timer.account, timer.region)
        alarm = await find(state, timer.payload.decode())
        found = Judgement(None)
        if alarm is not None and not alarm.composite:
            try:
                if any(str(one.get("Namespace")).startswith(_DERIVED) for one in metrics_of(alarm.definition)):
                    await self._derived.settle()
                await self._gauges.measure(timer.account, timer.region, alarm.definition, timer.due)
                found = await judgement(state, alarm, timer.due)
            except AwsError as error:
                logger.warning("the alarm %s cannot be evaluated: %s", alarm.name, error)
        await self._actions.outbox.tried(await _conclude(state, self._actions, timer, found))


async def judgement(state: State, alarm: Alarm, now: float) -> Judgement:
    """What an alarm's metric says at a moment."""
    given = alarm.definition
    length = shortest_period(given)
    count = given["EvaluationPeriods"]
    end = int(now // length) * length
    start = end - count * length
    shown = await _series(state, given, start, end)
    points = [(float(at), shown.get(at)) for at in range(start, end, length)]
    rule = Rule(
        given["ComparisonOperator"],
        given["Threshold"],
        count,
        given.get("DatapointsToAlarm", count),
        given.get("TreatMissingData", "missing"),
    )
    return judge(rule, points, now)


async def _series(state: State, given: dict[str, object], start: float, end: float) -> dict[int, float]:
    queries = alarm_queries(given)
    for result in await answer(state, queries, start, end):
        if result.query.shown:
            value = result.value[0] if isinstance(result.value, list) and result.value else result.value
            if isinstance(value, Labelled):
                return value.values
    return {}


def alarm_queries(given: dict[str, object]) -> list[Query]:
    """The queries of an alarm; of one metric, a single one."""
    metrics = given.get("Metrics")
    if isinstance(metrics, list) and metrics:
        return queries_of(metrics)
    stat = str(given.get("Statistic") or given.get("ExtendedStatistic"))
    dimensions = given.get("Dimensions")
    place = (
        str(given["Namespace"]),
        str(given["MetricName"]),
        dimensions_of(dimensions if isinstance(dimensions, list) else None),
    )
    unit = given.get("Unit")
    return [Query("m1", place[1], int(str(given["Period"])), True, place, stat, None if unit is None else str(unit))]


@transactional
async def _conclude(tx: Transaction, actions: AlarmActions, timer: Timer, found: Judgement) -> list[str]:
    """Store what was found; the deliveries that follow."""
    tx.complete_timer(timer)
    alarm = await alarms.get(tx, timer.payload.decode())
    if alarm is None or alarm.composite:
        return []
    turned = Turned(alarm, [])
    if found.state is not None and (found.state != alarm.state or found.reason != alarm.reason):
        change = Change(found.state, found.reason, orjson.dumps(found.data or {}).decode())
        turned = await turn(tx, actions, alarm, change)
    deliveries = turned.deliveries
    if found.state == alarm.state and timer.due % 60 == 0:
        deliveries = await actions.stayed(tx, turned.alarm)
    tx.timer(next_evaluation(alarm, timer.due), TOPIC, timer.payload, key=alarm.name)
    return deliveries
