"""Target tracking by boto3: alarms at CloudWatch that scale what they watch, on the platform's clock."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

Capacity = Callable[[], tuple[int, int]]
Refused = Callable[..., tuple[str, str]]
Put = Callable[..., Any]

PREDEFINED = {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"}


def tracking(target: float = 50.0, **more: Any) -> dict[str, Any]:
    """A policy for the use of a table's writes."""
    return {
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": target,
            "PredefinedMetricSpecification": PREDEFINED,
            **more,
        },
    }


@pytest.fixture
def alarms(kumoi: Any) -> Callable[[], dict[str, dict[str, Any]]]:
    """The alarms of the table's policies, by what they are for."""
    cloudwatch = kumoi.client("cloudwatch")

    def described() -> dict[str, dict[str, Any]]:
        prefix = "TargetTracking-table/orders-"
        found = cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
        return {one["AlarmName"].removeprefix(prefix)[:-37]: one for one in found}

    return described


@pytest.fixture
def write(orders: Any) -> Callable[[int], None]:
    """Consume write units: so many of the table's, by items of ten kilobytes."""

    def consume(units: int) -> None:
        for first in range(0, units // 10, 25):
            names = [str(number) for number in range(first, min(first + 25, units // 10))]
            items = [{"PutRequest": {"Item": {"id": {"S": one}, "b": {"B": b"x" * 10_000}}}} for one in names]
            orders.batch_write_item(RequestItems={"orders": items})

    return consume


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_alarms_of_a_policy(scaling: Any, writes: dict[str, str], alarms: Any, kumoi: Any, orders: Any) -> None:
    scaling.register_scalable_target(**writes, MinCapacity=2, MaxCapacity=20)
    answer = scaling.put_scaling_policy(**writes, PolicyName="p", **tracking(70))
    arn = answer["PolicyARN"]
    assert arn.startswith(f"arn:aws:autoscaling:us-east-1:{kumoi.account}:scalingPolicy:")
    assert arn.endswith(":resource/dynamodb/table/orders:policyName/p")
    found = alarms()
    assert {
        what: (one["MetricName"], one["ComparisonOperator"], one["Threshold"], one["Period"], one["EvaluationPeriods"])
        for what, one in found.items()
    } == {
        "AlarmHigh": ("ConsumedWriteCapacityUnits", "GreaterThanThreshold", 210.0, 60, 2),
        "AlarmLow": ("ConsumedWriteCapacityUnits", "LessThanThreshold", 150.0, 60, 15),
        "ProvisionedCapacityHigh": ("ProvisionedWriteCapacityUnits", "GreaterThanThreshold", 5.0, 300, 3),
        "ProvisionedCapacityLow": ("ProvisionedWriteCapacityUnits", "LessThanThreshold", 5.0, 300, 3),
    }
    assert {one["AlarmActions"][0] for one in found.values()} == {arn}
    assert found["AlarmHigh"]["Dimensions"] == [{"Name": "TableName", "Value": "orders"}]
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"]
    assert policy["Alarms"] == answer["Alarms"]
    assert sorted(one["AlarmARN"] for one in answer["Alarms"]) == sorted(one["AlarmArn"] for one in found.values())
    assert (
        policy["TargetTrackingScalingPolicyConfiguration"] == tracking(70)["TargetTrackingScalingPolicyConfiguration"]
    )

    again = scaling.put_scaling_policy(**writes, PolicyName="p", **tracking(50, DisableScaleIn=True))
    assert again["PolicyARN"] == arn
    changed = alarms()
    assert "AlarmLow" not in changed
    assert changed["AlarmHigh"]["AlarmName"] == found["AlarmHigh"]["AlarmName"]
    assert changed["AlarmHigh"]["Threshold"] == 150.0
    scaling.delete_scaling_policy(**writes, PolicyName="p")
    assert alarms() == {}


@pytest.mark.kumoi_clock
def test_a_table_follows_what_is_written(
    kumoi: Any,
    scaling: Any,
    writes: dict[str, str],
    capacity: Capacity,
    write: Callable[[int], None],
    activities: Any,
    alarms: Any,
) -> None:
    events, sqs = kumoi.client("events"), kumoi.client("sqs")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="scaled", EventPattern='{"source": ["aws.application-autoscaling"]}')
    events.put_targets(Rule="scaled", Targets=[{"Id": "1", "Arn": queue}])
    scaling.register_scalable_target(**writes, MinCapacity=2, MaxCapacity=20)
    scaling.put_scaling_policy(**writes, PolicyName="p", **tracking(50))

    for _ in range(3):
        write(360)  # six a second: twelve units are half used
        kumoi.advance("1m")
    assert capacity() == (5, 12)
    (scaled,) = activities()
    name = alarms()["AlarmHigh"]["AlarmName"]
    assert scaled == (
        "Setting write capacity units to 12.",
        f"monitor alarm {name} in state ALARM triggered policy p",
        "Successful",
    )
    assert alarms()["AlarmHigh"]["Threshold"] == 360.0
    told: list[dict[str, Any]] = []

    def received() -> bool:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        told.extend(json.loads(one["Body"]) for one in answer.get("Messages", ()))
        return bool(told)

    until(received)
    (event,) = told
    assert event["detail-type"] == "Application Auto Scaling Scaling Activity State Change"
    detail = {name: event["detail"][name] for name in ("oldDesiredCapacity", "newDesiredCapacity", "direction")}
    assert detail == {"oldDesiredCapacity": 5, "newDesiredCapacity": 12, "direction": "scale-out"}

    for _ in range(17):
        write(60)
        kumoi.advance("1m")
    assert capacity() == (5, 2)

    for _ in range(3):
        write(1200)
        kumoi.advance("1m")
    assert capacity() == (5, 20)
    before = activities()
    for _ in range(3):
        write(1200)
        kumoi.advance("1m")
    assert activities() == before
    reasons = scaling.describe_scaling_activities(ServiceNamespace="dynamodb", IncludeNotScaledActivities=True)
    assert reasons["ScalingActivities"][0]["NotScaledReasons"] == [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 20}]


@pytest.mark.kumoi_clock
def test_what_keeps_a_table_from_being_scaled(
    kumoi: Any, scaling: Any, writes: dict[str, str], capacity: Capacity, write: Callable[[int], None]
) -> None:
    suspended = {"DynamicScalingOutSuspended": True}
    scaling.register_scalable_target(**writes, MinCapacity=1, MaxCapacity=50, SuspendedState=suspended)
    scaling.put_scaling_policy(**writes, PolicyName="p", **tracking(50, ScaleInCooldown=1800))
    for _ in range(3):
        write(600)
        kumoi.advance("1m")
    assert capacity() == (5, 5)
    scaling.register_scalable_target(**writes, SuspendedState={"DynamicScalingOutSuspended": False})
    write(600)
    kumoi.advance("1m")
    assert capacity() == (5, 20)
    for _ in range(16):
        write(120)
        kumoi.advance("1m")
    assert capacity() == (5, 4)
    for _ in range(16):
        write(30)
        kumoi.advance("1m")
    assert capacity() == (5, 4)
    for _ in range(16):
        write(30)
        kumoi.advance("1m")
    assert capacity() == (5, 1)


@pytest.mark.kumoi_clock
def test_alarms_follow_a_capacity_that_somebody_else_sets(
    kumoi: Any, scaling: Any, orders: Any, writes: dict[str, str], alarms: Any
) -> None:
    scaling.register_scalable_target(**writes, MinCapacity=1, MaxCapacity=50)
    scaling.put_scaling_policy(**writes, PolicyName="p", **tracking(50))
    orders.update_table(TableName="orders", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 10})
    kumoi.advance("20m")
    thresholds = {what: one["Threshold"] for what, one in alarms().items()}
    assert thresholds["ProvisionedCapacityHigh"] == 10.0
    assert thresholds["AlarmHigh"] == 300.0


@pytest.mark.kumoi_clock
def test_a_metric_of_ones_own(kumoi: Any, scaling: Any, writes: dict[str, str], capacity: Capacity) -> None:
    """Metric math: what waits, over what a worker is to have waiting."""
    cloudwatch = kumoi.client("cloudwatch")
    metric = {"Namespace": "Shop", "MetricName": "waiting", "Dimensions": []}
    configuration = {
        "TargetValue": 10.0,
        "CustomizedMetricSpecification": {
            "Metrics": [
                {"Id": "w", "MetricStat": {"Metric": metric, "Stat": "Maximum"}, "ReturnData": False},
                {"Id": "each", "Expression": "w / 2", "Label": "half", "ReturnData": True},
            ]
        },
    }
    scaling.register_scalable_target(**writes, MinCapacity=1, MaxCapacity=50)
    scaling.put_scaling_policy(
        **writes,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=configuration,
    )
    for _ in range(4):
        cloudwatch.put_metric_data(
            Namespace="Shop", MetricData=[{"MetricName": "waiting", "Value": 30, "Timestamp": kumoi.now()}]
        )
        kumoi.advance("1m")
    assert capacity()[1] > 5


@pytest.mark.kumoi_clock
def test_the_alarm_of_a_state_that_is_set(
    kumoi: Any, scaling: Any, writes: dict[str, str], capacity: Capacity, alarms: Any
) -> None:
    """SetAlarmState's StateReasonData is what a policy scales by."""
    scaling.register_scalable_target(**writes, MinCapacity=1, MaxCapacity=50)
    scaling.put_scaling_policy(**writes, PolicyName="p", **tracking(50))
    kumoi.client("cloudwatch").set_alarm_state(
        AlarmName=alarms()["AlarmHigh"]["AlarmName"],
        StateValue="ALARM",
        StateReason="a test",
        StateReasonData=json.dumps({"version": "1.0", "recentDatapoints": [900.0, 900.0]}),
    )
    until(lambda: capacity()[1] == 30)


@pytest.mark.usefixtures("orders")
def test_what_no_policy_can_be(scaling: Any, writes: dict[str, str], refused: Refused) -> None:
    def put(configuration: dict[str, Any], **more: Any) -> tuple[str, str]:
        given = {"PolicyName": "p", "PolicyType": "TargetTrackingScaling", **more}
        return refused(
            scaling.put_scaling_policy, **writes, **given, TargetTrackingScalingPolicyConfiguration=configuration
        )

    good = tracking()["TargetTrackingScalingPolicyConfiguration"]
    assert put(good) == (
        "ObjectNotFoundException",
        "No scalable target registered for service namespace: dynamodb, resource ID: table/orders, scalable "
        "dimension: dynamodb:table:WriteCapacityUnits",
    )
    scaling.register_scalable_target(**writes, MinCapacity=1, MaxCapacity=50)
    invalid = "ValidationException"
    assert put({"TargetValue": 50.0})[0] == invalid
    assert put({**good, "TargetValue": 95.0})[0] == invalid
    assert put({**good, "ScaleInCooldown": -1})[0] == invalid
    other = {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"}
    assert put({**good, "PredefinedMetricSpecification": other})[0] == invalid
    assert put({"TargetValue": 1.0, "CustomizedMetricSpecification": {"MetricName": "m"}})[0] == invalid
    assert put(good, PolicyType="PredictiveScaling")[0] == invalid
    assert put(good, PolicyType="StepScaling")[0] == invalid
    expression = {"Metrics": [{"Id": "e", "Expression": "nonsense(", "ReturnData": True}]}
    assert put({"TargetValue": 1.0, "CustomizedMetricSpecification": expression})[0] == invalid
    scaling.put_scaling_policy(**writes, PolicyName="first", **tracking())
    assert put(good) == (
        invalid,
        "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
    )
    assert refused(scaling.delete_scaling_policy, **writes, PolicyName="none")[0] == "ObjectNotFoundException"
    assert (
        refused(scaling.get_predictive_scaling_forecast, **writes, PolicyName="first", StartTime=0, EndTime=1)[0]
        == invalid
    )
