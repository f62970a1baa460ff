"""The alarms of policies at CloudWatch: made with a policy, moved with the capacity, deleted with the policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.services.application_autoscaling.capacity import Ask
from kumoi.services.application_autoscaling.dimensions import Dimension
from kumoi.services.application_autoscaling.records import Policy
from kumoi.services.application_autoscaling.rules import follows_throughput
from kumoi.services.application_autoscaling.tracking import alarms_of
from kumoi.state import State

_AT_ONCE = 100


async def put(ask: Ask, place: State, dimension: Dimension, policy: Policy, capacity: int | None) -> None:
    """Make the alarms of a target tracking policy, or give them other thresholds."""
    for alarm in alarms_of(policy, dimension, capacity, policy.arn(place.account, place.region)):
        await ask("cloudwatch", "PutMetricAlarm", **alarm)


async def follow(ask: Ask, place: State, dimension: Dimension, policy: Policy, capacity: int) -> None:
    """Move the thresholds that depend on the capacity, where they are others."""
    if policy.kind != "TargetTrackingScaling" or not follows_throughput(policy, dimension):
        return
    known = {one["AlarmName"]: one["Threshold"] for one in await _described(ask, list(policy.alarms.values()))}
    for alarm in alarms_of(policy, dimension, capacity, policy.arn(place.account, place.region)):
        if known.get(alarm["AlarmName"]) != alarm["Threshold"]:
            await ask("cloudwatch", "PutMetricAlarm", **alarm)


async def delete(ask: Ask, names: Sequence[str]) -> None:
    """Delete alarms; those that are gone are passed over."""
    if names:
        await ask("cloudwatch", "DeleteAlarms", AlarmNames=list(names))


async def all_fired(ask: Ask, names: Sequence[str]) -> bool:
    """Whether all of these alarms are there and in alarm."""
    found = await _described(ask, names)
    return len(found) == len(names) and all(one["StateValue"] == "ALARM" for one in found)


async def acting(ask: Ask, policy_arn: str) -> list[dict[str, str]]:
    """The alarms that a policy is an action of, as policies tell them."""
    answer = await ask("cloudwatch", "DescribeAlarms", ActionPrefix=policy_arn, MaxRecords=_AT_ONCE)
    return [{"AlarmName": one["AlarmName"], "AlarmARN": one["AlarmArn"]} for one in answer["MetricAlarms"]]


async def _described(ask: Ask, names: Sequence[str]) -> list[dict[str, Any]]:
    if not names:
        return []
    answer = await ask("cloudwatch", "DescribeAlarms", AlarmNames=list(names), MaxRecords=_AT_ONCE)
    found: list[dict[str, Any]] = answer["MetricAlarms"]
    return found
