"""The alarms of a target tracking policy, as PutMetricAlarm takes them: pure.

For DynamoDB two watch what is consumed, two whether somebody else changed what is provisioned; for all else two watch
the metric itself. Source: alarms that the service has made, as their owners publish them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kumoi.services.application_autoscaling.dimensions import Dimension, metric_dimensions
from kumoi.services.application_autoscaling.records import Direction, Policy
from kumoi.services.application_autoscaling.rules import follows_throughput

HIGH, LOW = "AlarmHigh", "AlarmLow"
PROVISIONED_HIGH, PROVISIONED_LOW = "ProvisionedCapacityHigh", "ProvisionedCapacityLow"
DIRECTIONS: Mapping[str, Direction] = {HIGH: "out", LOW: "in"}
"""Which way an alarm scales; those on provisioned capacity scale nowhere."""

_ABOVE, _BELOW = "GreaterThanThreshold", "LessThanThreshold"
_HIGH_PERIODS, _LOW_PERIODS, _TABLE_PERIODS, _PROVISIONED_PERIODS = 3, 15, 2, 3
_BELOW_TARGET, _POINTS_BELOW = 0.9, 20.0


def alarm_name(policy: Policy, what: str, unique: str) -> str:
    """What an alarm is called: `TargetTracking-table/orders-AlarmHigh-…`."""
    return f"TargetTracking-{policy.resource}-{what}-{unique}"


def alarms_of(policy: Policy, dimension: Dimension, capacity: int | None, policy_arn: str) -> Iterator[dict[str, Any]]:
    """The alarms of a policy by the names that it has for them, for a capacity."""
    for what, definition in _definitions(policy, dimension, capacity or 0).items():
        if what in policy.alarms:
            yield {
                "AlarmName": policy.alarms[what],
                "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy_arn}.",
                "AlarmActions": [policy_arn],
                **definition,
            }


def wanted(policy: Policy, dimension: Dimension) -> list[str]:
    """Which alarms a policy has: none that scales in, where it may not."""
    found = list(_definitions(policy, dimension, 1))
    return [one for one in found if one != LOW or not policy.configuration.get("DisableScaleIn")]


def _definitions(policy: Policy, dimension: Dimension, capacity: int) -> dict[str, dict[str, Any]]:
    target = float(policy.configuration["TargetValue"])
    metric = _metric(policy, dimension)
    if not follows_throughput(policy, dimension):
        return {
            HIGH: {**metric, **_bound(_ABOVE, target, _HIGH_PERIODS)},
            LOW: {**metric, **_bound(_BELOW, _fewer_digits(target * _BELOW_TARGET), _LOW_PERIODS)},
        }
    lower = max(target - _POINTS_BELOW, target / 2)
    per_minute = 60.0 * capacity / 100.0
    provisioned = {**metric, "MetricName": dimension.provided, "Period": 300, "Statistic": "Average"}
    return {
        HIGH: {**metric, **_bound(_ABOVE, _fewer_digits(target * per_minute), _TABLE_PERIODS)},
        LOW: {**metric, **_bound(_BELOW, _fewer_digits(lower * per_minute), _LOW_PERIODS)},
        PROVISIONED_HIGH: {**provisioned, **_bound(_ABOVE, float(capacity), _PROVISIONED_PERIODS)},
        PROVISIONED_LOW: {**provisioned, **_bound(_BELOW, float(capacity), _PROVISIONED_PERIODS)},
    }


def _bound(comparison: str, threshold: float, periods: int) -> dict[str, Any]:
    return {"ComparisonOperator": comparison, "Threshold": threshold, "EvaluationPeriods": periods}


def _fewer_digits(value: float) -> float:
    """Without the noise of binary fractions: 0.63 for 0.7 × 0.9."""
    return float(f"{value:.12g}")


def _metric(policy: Policy, dimension: Dimension) -> dict[str, Any]:
    given = policy.configuration
    customized = given.get("CustomizedMetricSpecification")
    if customized is None:
        return {
            "Namespace": "AWS/DynamoDB" if dimension.namespace == "dynamodb" else "AWS/Lambda",
            "MetricName": dimension.used,
            "Dimensions": metric_dimensions(dimension, policy.resource),
            "Statistic": "Sum" if dimension.namespace == "dynamodb" else "Average",
            "Period": 60,
        }
    if customized.get("Metrics"):
        return {"Metrics": [_query(one) for one in customized["Metrics"]]}
    kept = {name: customized[name] for name in ("Namespace", "MetricName", "Statistic", "Unit") if name in customized}
    return {**kept, "Dimensions": customized.get("Dimensions") or [], "Period": 60}


def _query(given: Mapping[str, Any]) -> dict[str, Any]:
    """A query of a policy, which has no period, as an alarm's."""
    query = {name: given[name] for name in ("Id", "Expression", "Label", "ReturnData") if given.get(name) is not None}
    if given.get("MetricStat"):
        stat = given["MetricStat"]
        query["MetricStat"] = {"Metric": stat["Metric"], "Stat": stat["Stat"], "Period": 60}
        if stat.get("Unit"):
            query["MetricStat"]["Unit"] = stat["Unit"]
    elif "Expression" in query:
        query["Period"] = 60
    return query
