"""Alarms: put, describe, delete, set, enable; composites; history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.cloudwatch import alarm_rule, cloudwatch
from kumoi.services.cloudwatch.alarm_actions import AlarmActions, alarm_arn
from kumoi.services.cloudwatch.alarm_changes import (
    Change,
    configure,
    enable,
    listed,
    remove,
    set_state,
    shortest_period,
)
from kumoi.services.cloudwatch.alarm_history import history_of
from kumoi.services.cloudwatch.alarm_rule import RuleError
from kumoi.services.cloudwatch.alarm_timer import alarm_queries
from kumoi.services.cloudwatch.distribution import is_statistic
from kumoi.services.cloudwatch.errors import page, refused
from kumoi.services.cloudwatch.evaluation import COMPARISONS
from kumoi.services.cloudwatch.operations.tags import tags_of
from kumoi.services.cloudwatch.queries import check_period, dimensions_of
from kumoi.services.cloudwatch.records import Alarm, HistoryItem
from kumoi.wire.errors import aws_error

_UNBUILT = ("ThresholdMetricId", "EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria", "EvaluationInterval")
_ACTING = frozenset(("sns", "lambda", "autoscaling"))
_MISSING = frozenset(("missing", "ignore", "breaching", "notBreaching"))


@cloudwatch.operation
async def put_metric_alarm(call: Call, AlarmName: str, **given: Any) -> None:
    """Create an alarm on a metric or an expression, or change it; it is looked at with the next minute."""
    definition = {name: value for name, value in given.items() if value is not None}
    for name in _UNBUILT:
        if name in definition:
            raise aws_error("NotImplemented", f"Kumoi's alarms have no {name}: see docs/cloudwatch.md.", status=501)
    tags = tags_of(definition.pop("Tags", None))
    _check(definition)
    _check_actions(definition)
    await configure(call.state, call.part(AlarmActions), AlarmName, False, definition, tags)


@cloudwatch.operation
async def put_composite_alarm(call: Call, AlarmName: str, AlarmRule: str, **given: Any) -> None:
    """Create an alarm made of others, or change it; it has its state at once."""
    definition = {"AlarmRule": AlarmRule, **{name: value for name, value in given.items() if value is not None}}
    for name in ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"):
        if name in definition:
            raise aws_error("NotImplemented", f"Kumoi's alarms have no {name}: see docs/cloudwatch.md.", status=501)
    tags = tags_of(definition.pop("Tags", None))
    try:
        rule = alarm_rule.parse(AlarmRule)
    except RuleError as error:
        raise refused(f"AlarmRule is not valid: {error}") from None
    known = {one.name for one in await listed(call.state)}
    unknown = sorted(rule.alarms - known - {AlarmName})
    if unknown:
        raise refused(f"Could not find the alarms: {unknown}")
    _check_actions(definition)
    await configure(call.state, call.part(AlarmActions), AlarmName, True, definition, tags)


@cloudwatch.operation
async def describe_alarms(
    call: Call,
    AlarmNames: list[str] | None = None,
    AlarmNamePrefix: str = "",
    AlarmTypes: list[str] | None = None,
    ChildrenOfAlarmName: str | None = None,
    ParentsOfAlarmName: str | None = None,
    StateValue: str | None = None,
    ActionPrefix: str | None = None,
    MaxRecords: int = 100,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Alarms by name; metric alarms alone unless AlarmTypes asks for composites."""
    if AlarmNames and AlarmNamePrefix:
        raise refused("AlarmNames and AlarmNamePrefix cannot be given together.")
    everything = await listed(call.state)
    kinds = AlarmTypes or (["MetricAlarm", "CompositeAlarm"] if AlarmNames else ["MetricAlarm"])
    if ChildrenOfAlarmName is not None or ParentsOfAlarmName is not None:
        kinds = ["MetricAlarm", "CompositeAlarm"]
    related = _related(everything, ChildrenOfAlarmName, ParentsOfAlarmName)
    found = [
        alarm
        for alarm in everything
        if (AlarmNames is None or alarm.name in AlarmNames)
        and alarm.name.startswith(AlarmNamePrefix)
        and ("CompositeAlarm" if alarm.composite else "MetricAlarm") in kinds
        and StateValue in (None, alarm.state)
        and (ActionPrefix is None or any(one.startswith(ActionPrefix) for one in _actions(alarm)))
        and related(alarm)
    ]
    shown, more = page(found, lambda alarm: alarm.name, NextToken, MaxRecords)
    return {
        "MetricAlarms": [_describe(call, alarm) for alarm in shown if not alarm.composite],
        "CompositeAlarms": [_describe(call, alarm) for alarm in shown if alarm.composite],
        **more,
    }


@cloudwatch.operation
async def describe_alarms_for_metric(
    call: Call,
    MetricName: str,
    Namespace: str,
    Statistic: str | None = None,
    ExtendedStatistic: str | None = None,
    Dimensions: list[dict[str, str]] | None = None,
    Period: int | None = None,
    Unit: str | None = None,
) -> dict[str, Any]:
    """The alarms on a metric."""
    wanted = {"Statistic": Statistic, "ExtendedStatistic": ExtendedStatistic, "Period": Period, "Unit": Unit}
    found = [
        alarm
        for alarm in await listed(call.state)
        if alarm.definition.get("MetricName") == MetricName
        and alarm.definition.get("Namespace") == Namespace
        and dimensions_of(alarm.definition.get("Dimensions")) == dimensions_of(Dimensions)
        and all(value is None or alarm.definition.get(name) == value for name, value in wanted.items())
    ]
    return {"MetricAlarms": [_describe(call, alarm) for alarm in found]}


@cloudwatch.operation
async def delete_alarms(call: Call, AlarmNames: list[str]) -> None:
    """Delete alarms; names that no alarm has are passed over."""
    await remove(call.state, AlarmNames)


@cloudwatch.operation
async def set_alarm_state(
    call: Call, AlarmName: str, StateValue: Any, StateReason: str, StateReasonData: str | None = None
) -> None:
    """Give an alarm a state until it is looked at again; its actions follow."""
    if StateReasonData is not None:
        try:
            orjson.loads(StateReasonData)
        except orjson.JSONDecodeError:
            raise aws_error("InvalidFormatFault", "StateReasonData is not valid JSON") from None
    await set_state(call.state, call.part(AlarmActions), AlarmName, Change(StateValue, StateReason, StateReasonData))


@cloudwatch.operation
async def enable_alarm_actions(call: Call, AlarmNames: list[str]) -> None:
    """Let alarms act."""
    await enable(call.state, AlarmNames, True)


@cloudwatch.operation
async def disable_alarm_actions(call: Call, AlarmNames: list[str]) -> None:
    """Keep alarms from acting."""
    await enable(call.state, AlarmNames, False)


@cloudwatch.operation
async def describe_alarm_history(
    call: Call,
    AlarmName: str | None = None,
    AlarmContributorId: str | None = None,
    AlarmTypes: list[str] | None = None,
    HistoryItemType: str | None = None,
    StartDate: datetime | None = None,
    EndDate: datetime | None = None,
    MaxRecords: int = 100,
    NextToken: str | None = None,
    ScanBy: str = "TimestampDescending",
) -> dict[str, Any]:
    """What happened to alarms in the last thirty days."""
    kinds = AlarmTypes or ["MetricAlarm", "CompositeAlarm"]
    start = _seconds(StartDate, 0.0)
    end = _seconds(EndDate, float("inf"))
    found = [
        one
        for one in await history_of(call.state, AlarmName)
        if HistoryItemType in (None, one.kind)
        and ("CompositeAlarm" if one.composite else "MetricAlarm") in kinds
        and start <= one.time <= end
    ]
    if ScanBy == "TimestampDescending":
        found.reverse()
    numbered = list(enumerate(found))
    shown, more = page(numbered, lambda one: f"{one[0]:09}", NextToken, MaxRecords)
    return {"AlarmHistoryItems": [_item(one) for _, one in shown], **more}


def _check(given: dict[str, Any]) -> None:
    """Refuse a metric alarm that cannot be evaluated."""
    operator = given.get("ComparisonOperator")
    if operator is None or given.get("EvaluationPeriods") is None:
        raise refused("ComparisonOperator and EvaluationPeriods must be given.")
    if operator not in COMPARISONS:
        raise aws_error("NotImplemented", f"Kumoi's alarms have no {operator}: see docs/cloudwatch.md.", status=501)
    if given.get("Threshold") is None:
        raise refused("Threshold must be given.")
    if given.get("TreatMissingData", "missing") not in _MISSING:
        raise refused(f"TreatMissingData {given['TreatMissingData']} is not valid.")
    if given.get("DatapointsToAlarm", 1) > given["EvaluationPeriods"]:
        raise refused("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    if given.get("Metrics"):
        strange = [name for name in ("MetricName", "Namespace", "Statistic", "Period", "Dimensions") if name in given]
        if strange:
            raise refused(f"{strange[0]} cannot be given together with Metrics.")
        if sum(one.shown for one in alarm_queries(given)) != 1:
            raise refused("Exactly one element of the metrics list should return data.")
        _check_length(given)
        return
    if "MetricName" not in given or "Namespace" not in given or "Period" not in given:
        raise refused("MetricName, Namespace and Period must be given unless Metrics is.")
    if ("Statistic" in given) == ("ExtendedStatistic" in given):
        raise refused("Exactly one of Statistic and ExtendedStatistic must be given.")
    if not is_statistic(given.get("Statistic") or given["ExtendedStatistic"]):
        raise refused(f"ExtendedStatistic {given['ExtendedStatistic']} is not valid.")
    check_period(given["Period"])
    _check_length(given)


def _check_length(given: dict[str, Any]) -> None:
    if shortest_period(given) * given["EvaluationPeriods"] > 7 * 86_400:
        raise refused("Metrics cannot be checked across more than seven days (EvaluationPeriods * Period).")


def _check_actions(given: dict[str, Any]) -> None:
    for member in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        for target in given.get(member) or ():
            try:
                arn = Arn.parse(target)
            except ValueError:
                raise refused(f"Invalid arn syntax: {target}") from None
            if arn.service not in _ACTING or ":autoScalingGroupName/" in arn.resource:
                raise aws_error(
                    "NotImplemented",
                    "Kumoi's alarms act on topics, functions and the policies of Application Auto Scaling, not on "
                    f"{target}: see docs/cloudwatch.md.",
                    status=501,
                )


def _related(everything: list[Alarm], children_of: str | None, parents_of: str | None) -> Callable[[Alarm], bool]:
    def named(alarm: Alarm) -> frozenset[str]:
        rule = alarm.definition.get("AlarmRule")
        return alarm_rule.parse(rule).alarms if rule else frozenset()

    if children_of is not None:
        children = {name for one in everything if one.name == children_of for name in named(one)}
        return lambda alarm: alarm.name in children
    if parents_of is not None:
        return lambda alarm: parents_of in named(alarm)
    return lambda _alarm: True


def _actions(alarm: Alarm) -> list[str]:
    members = ("OKActions", "AlarmActions", "InsufficientDataActions")
    return [one for member in members for one in alarm.definition.get(member) or ()]


def _describe(call: Call, alarm: Alarm) -> dict[str, Any]:
    found: dict[str, Any] = {
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        **({} if alarm.composite else {"Dimensions": []}),
        **alarm.definition,
        "AlarmName": alarm.name,
        "AlarmArn": alarm_arn(call.account, call.region, alarm.name),
        "AlarmConfigurationUpdatedTimestamp": alarm.configured,
        "ActionsEnabled": alarm.actions_enabled,
        "StateValue": alarm.state,
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": alarm.updated,
        "StateTransitionedTimestamp": alarm.transitioned,
    }
    if alarm.reason_data is not None:
        found["StateReasonData"] = alarm.reason_data
    if alarm.definition.get("Metrics"):
        found.pop("Dimensions")
    return found


def _item(one: HistoryItem) -> dict[str, Any]:
    return {
        "AlarmName": one.alarm,
        "AlarmType": "CompositeAlarm" if one.composite else "MetricAlarm",
        "Timestamp": one.time,
        "HistoryItemType": one.kind,
        "HistorySummary": one.summary,
        "HistoryData": one.data,
    }


def _seconds(moment: datetime | float | None, default: float) -> float:
    if moment is None:
        return default
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)
