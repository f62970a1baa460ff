"""What was acknowledged is there after kill -9, and goes on."""

from __future__ import annotations

import time
from typing import Any

import pytest


@pytest.mark.slow
def test_targets_policies_and_actions_outlive_a_crash(killable: Any, reads: dict[str, str]) -> None:
    killable.start()
    dynamodb = killable.client("dynamodb")
    dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    )
    scaling, cloudwatch = killable.client("application-autoscaling"), killable.client("cloudwatch")
    scaling.register_scalable_target(**reads, MinCapacity=1, MaxCapacity=50)
    policy = scaling.put_scaling_policy(
        **reads,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 50,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
        },
    )
    scaling.put_scheduled_action(
        **reads, ScheduledActionName="soon", Schedule="rate(1 minute)", ScalableTargetAction={"MinCapacity": 2}
    )
    high = next(one["AlarmName"] for one in policy["Alarms"] if "AlarmHigh" in one["AlarmName"])
    data = '{"recentDatapoints": [900.0]}'
    cloudwatch.set_alarm_state(AlarmName=high, StateValue="ALARM", StateReason="a test", StateReasonData=data)
    killable.kill()
    killable.start()
    deadline = time.monotonic() + 60
    while (units := _reads(dynamodb)) != 30:  # the alarm's action is carried out, now or before the crash
        assert time.monotonic() < deadline, units
        time.sleep(0.05)
    (found,) = scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"]
    assert found["Alarms"] == policy["Alarms"]
    (action,) = scaling.describe_scheduled_actions(ServiceNamespace="dynamodb")["ScheduledActions"]
    assert action["ScheduledActionName"] == "soon"


def _reads(dynamodb: Any) -> int:
    table = dynamodb.describe_table(TableName="orders")["Table"]
    return int(table["ProvisionedThroughput"]["ReadCapacityUnits"])
