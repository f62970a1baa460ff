"""What topics, functions, scaling policies and buses are told of an alarm: pure.

Source: recorded notifications, "Alarm events and EventBridge" of the user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.services.cloudwatch.evaluation import stamp
from kumoi.services.cloudwatch.records import Alarm, StateValue

_STATISTICS = {
    "Average": "AVERAGE",
    "Sum": "SUM",
    "Minimum": "MINIMUM",
    "Maximum": "MAXIMUM",
    "SampleCount": "SAMPLE_COUNT",
}


def notification(alarm: Alarm, before: StateValue, arn: str, account: str, region: str) -> dict[str, Any]:
    """The message that a topic gets."""
    given = alarm.definition
    told: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": given.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm.configured),
        "NewStateValue": alarm.state,
        "NewStateReason": alarm.reason,
        "StateChangeTime": stamp(alarm.updated),
        "Region": region,
        "AlarmArn": arn,
        "OldStateValue": before,
        "OKActions": given.get("OKActions") or [],
        "AlarmActions": given.get("AlarmActions") or [],
        "InsufficientDataActions": given.get("InsufficientDataActions") or [],
    }
    if alarm.composite:
        return {**told, "AlarmRule": given["AlarmRule"]}
    return {**told, "Trigger": _trigger(given)}


def _trigger(given: Mapping[str, Any]) -> dict[str, Any]:
    missing = given.get("TreatMissingData", "missing")
    trigger: dict[str, Any] = {
        "EvaluationPeriods": given["EvaluationPeriods"],
        "ComparisonOperator": given["ComparisonOperator"],
        "Threshold": given.get("Threshold"),
        "TreatMissingData": missing,
        "EvaluateLowSampleCountPercentile": given.get("EvaluateLowSampleCountPercentile", ""),
    }
    if "DatapointsToAlarm" in given:
        trigger["DatapointsToAlarm"] = given["DatapointsToAlarm"]
    if given.get("Metrics"):
        return {**trigger, "Metrics": given["Metrics"]}
    extended = given.get("ExtendedStatistic")
    trigger |= {
        "MetricName": given["MetricName"],
        "Namespace": given["Namespace"],
        "StatisticType": "ExtendedStatistic" if extended else "Statistic",
        "Unit": given.get("Unit"),
        "Dimensions": [{"value": one["Value"], "name": one["Name"]} for one in given.get("Dimensions") or ()],
        "Period": given["Period"],
    }
    trigger["ExtendedStatistic" if extended else "Statistic"] = extended or _STATISTICS[given["Statistic"]]
    return trigger


def event_detail(alarm: Alarm, before: StateValue, before_reason: str) -> dict[str, Any]:
    """The detail of the event on the default bus."""
    state: dict[str, Any] = {"value": alarm.state, "reason": alarm.reason, "timestamp": stamp(alarm.updated)}
    if alarm.reason_data is not None:
        state["reasonData"] = alarm.reason_data
    return {
        "alarmName": alarm.name,
        "state": state,
        "previousState": {"value": before, "reason": before_reason},
        "configuration": configuration(alarm),
    }


def configuration(alarm: Alarm) -> dict[str, Any]:
    """An alarm's configuration as events have it."""
    given = alarm.definition
    found: dict[str, Any] = {}
    if given.get("AlarmDescription"):
        found["description"] = given["AlarmDescription"]
    if alarm.composite:
        return {**found, "alarmRule": given["AlarmRule"]}
    if given.get("Metrics"):
        return {**found, "metrics": [_query(one) for one in given["Metrics"]]}
    stat = {
        "metric": {
            "namespace": given["Namespace"],
            "name": given["MetricName"],
            "dimensions": {one["Name"]: one["Value"] for one in given.get("Dimensions") or ()},
        },
        "period": given["Period"],
        "stat": given.get("Statistic") or given.get("ExtendedStatistic"),
    }
    return {**found, "metrics": [{"id": "m1", "metricStat": stat, "returnData": True}]}


def _query(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"id": given["Id"], "returnData": given.get("ReturnData", True)}
    if "Expression" in given:
        found["expression"] = given["Expression"]
    if "MetricStat" in given:
        stat = given["MetricStat"]
        metric = stat["Metric"]
        found["metricStat"] = {
            "metric": {
                "namespace": metric.get("Namespace"),
                "name": metric.get("MetricName"),
                "dimensions": {one["Name"]: one["Value"] for one in metric.get("Dimensions") or ()},
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
        }
    return found


def function_event(
    alarm: Alarm, before: StateValue, before_reason: str, arn: str, account: str, region: str
) -> dict[str, Any]:
    """The event that a function gets."""
    detail = event_detail(alarm, before, before_reason)
    return {
        "source": "aws.cloudwatch",
        "alarmArn": arn,
        "accountId": account,
        "time": stamp(alarm.updated),
        "region": region,
        "alarmData": detail,
    }


def scaling(alarm: Alarm, policy: str) -> dict[str, Any]:
    """What a scaling policy is told: the data points of the state's reason, which SetAlarmState may have given."""
    data = orjson.loads(alarm.reason_data or "{}")
    given = data.get("recentDatapoints") if isinstance(data, dict) else None
    points = [float(one) for one in given if isinstance(one, int | float)] if isinstance(given, list) else []
    return {
        "PolicyARN": policy,
        "AlarmName": alarm.name,
        "StateValue": alarm.state,
        "Threshold": float(alarm.definition.get("Threshold") or 0.0),
        "Points": points,
    }
