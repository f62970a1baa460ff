"""CloudWatch's CloudFormation resource types. Source: "Amazon CloudWatch resource type reference"."""

from __future__ import annotations

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.cloudwatch.alarm_actions import alarm_arn

_METRIC_ALARM = (
    *("AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions", "MetricName"),
    *("Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit", "EvaluationPeriods"),
    *("DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData", "EvaluateLowSampleCountPercentile"),
    *("Metrics", "ThresholdMetricId"),
)
_COMPOSITE = ("AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions", "AlarmRule")


async def _put_alarm(call: ResourceCall) -> Resource:
    name = call.physical_id or call.name("AlarmName", 255)
    tags = {} if call.physical_id else call.given("Tags")
    await call.ask("cloudwatch", "PutMetricAlarm", AlarmName=name, **call.given(*_METRIC_ALARM), **tags)
    return Resource(name, {"Arn": alarm_arn(call.account, call.region, name)})


async def _put_composite(call: ResourceCall) -> Resource:
    name = call.physical_id or call.name("AlarmName", 255)
    tags = {} if call.physical_id else call.given("Tags")
    await call.ask("cloudwatch", "PutCompositeAlarm", AlarmName=name, **call.given(*_COMPOSITE), **tags)
    return Resource(name, {"Arn": alarm_arn(call.account, call.region, name)})


async def _delete_alarm(call: ResourceCall) -> None:
    await call.ask("cloudwatch", "DeleteAlarms", AlarmNames=[call.physical_id])


async def _put_dashboard(call: ResourceCall) -> Resource:
    name = call.physical_id or call.name("DashboardName", 255)
    await call.ask("cloudwatch", "PutDashboard", DashboardName=name, DashboardBody=call.properties["DashboardBody"])
    return Resource(name, {})


async def _delete_dashboard(call: ResourceCall) -> None:
    await call.ask("cloudwatch", "DeleteDashboards", DashboardNames=[call.physical_id])


_NAME = frozenset(("AlarmName",))
RESOURCES = (
    ResourceType("AWS::CloudWatch::Alarm", _put_alarm, _delete_alarm, _put_alarm, replaced_by=_NAME),
    ResourceType("AWS::CloudWatch::CompositeAlarm", _put_composite, _delete_alarm, _put_composite, replaced_by=_NAME),
    ResourceType(
        "AWS::CloudWatch::Dashboard",
        _put_dashboard,
        _delete_dashboard,
        _put_dashboard,
        replaced_by=frozenset(("DashboardName",)),
    ),
)
