"""Templates with scalable targets and policies, as CDK, SAM and people write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

TARGET = {
    "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
    "Properties": {
        "MinCapacity": "6",
        "MaxCapacity": 30,
        "ResourceId": "table/orders",
        "RoleARN": "arn:aws:iam::000000000000:role/any",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
        "ServiceNamespace": "dynamodb",
        "ScheduledActions": [
            {
                "ScheduledActionName": "night",
                "Schedule": "cron(0 2 * * ? *)",
                "Timezone": "Europe/Berlin",
                "StartTime": "2030-01-01T00:00:00Z",
                "ScalableTargetAction": {"MinCapacity": "1"},
            }
        ],
    },
}
POLICY = {
    "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
    "Properties": {
        "PolicyName": "reads",
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": {"Ref": "Target"},
        "TargetTrackingScalingPolicyConfiguration": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
            "TargetValue": "70",
            "ScaleInCooldown": "60",
        },
    },
}
OUTPUTS = {
    "Target": {"Value": {"Ref": "Target"}},
    "Policy": {"Value": {"Ref": "Policy"}},
    "PolicyArn": {"Value": {"Fn::GetAtt": "Policy.Arn"}},
}


@pytest.fixture
def stacks(kumoi: Any) -> Any:
    return kumoi.client("cloudformation")


@pytest.fixture
def settled(stacks: Any) -> Callable[[], dict[str, Any]]:
    """The stack, once nothing is under way."""

    def stack() -> dict[str, Any]:
        while (found := stacks.describe_stacks(StackName="s")["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
            continue
        return dict(found)

    return stack


@pytest.mark.usefixtures("orders")
def test_a_target_and_its_policy(
    kumoi: Any, scaling: Any, stacks: Any, settled: Any, capacity: Callable[[], tuple[int, int]]
) -> None:
    stacks.create_stack(
        StackName="s", TemplateBody=json.dumps({"Resources": {"Target": TARGET, "Policy": POLICY}, "Outputs": OUTPUTS})
    )
    stack = settled()
    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.describe_stack_events(StackName="s")["StackEvents"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"]
    assert outputs == {
        "Target": "table/orders|dynamodb:table:ReadCapacityUnits|dynamodb",
        "Policy": policy["PolicyARN"],
        "PolicyArn": policy["PolicyARN"],
    }
    configuration = policy["TargetTrackingScalingPolicyConfiguration"]
    assert (configuration["TargetValue"], configuration["ScaleInCooldown"]) == (70.0, 60)
    (action,) = scaling.describe_scheduled_actions(ServiceNamespace="dynamodb")["ScheduledActions"]
    assert action["ScalableTargetAction"] == {"MinCapacity": 1}
    assert capacity() == (6, 5)

    changed = json.loads(json.dumps(TARGET))
    changed["Properties"] |= {"MinCapacity": 2, "SuspendedState": {"DynamicScalingInSuspended": "true"}}
    del changed["Properties"]["ScheduledActions"]
    stacks.update_stack(
        StackName="s", TemplateBody=json.dumps({"Resources": {"Target": changed, "Policy": POLICY}, "Outputs": OUTPUTS})
    )
    assert settled()["StackStatus"] == "UPDATE_COMPLETE"
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert (target["MinCapacity"], target["SuspendedState"]["DynamicScalingInSuspended"]) == (2, True)
    assert scaling.describe_scheduled_actions(ServiceNamespace="dynamodb")["ScheduledActions"] == []

    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    assert scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"] == []
    assert kumoi.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_a_global_table_is_scaled_in_each_region(kumoi: Any, scaling: Any, stacks: Any, settled: Any) -> None:
    def scaled(way: str, least: int, most: int) -> dict[str, Any]:
        tracking = {"TargetValue": 60, "ScaleOutCooldown": "0"}
        settings = {
            "MinCapacity": least,
            "MaxCapacity": most,
            "TargetTrackingScalingPolicyConfiguration": tracking,
        }
        return {f"{way}ProvisionedThroughputSettings": {f"{way}CapacityAutoScalingSettings": settings}}

    def template(least: int, **more: Any) -> str:
        index = {
            "IndexName": "by-day",
            "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
            **scaled("Write", 3, 9),
        }
        replica = {**scaled("Read", 4, 40), "GlobalSecondaryIndexes": [{"IndexName": "by-day", **scaled("Read", 2, 9)}]}
        properties = {
            "TableName": "global",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "day")],
            "BillingMode": "PROVISIONED",
            "GlobalSecondaryIndexes": [index],
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            "Replicas": [{"Region": region, **replica} for region in ("us-east-1", "eu-west-1")],
            **scaled("Write", least, 50),
            **more,
        }
        return json.dumps({"Resources": {"Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": properties}}})

    stacks.create_stack(StackName="s", TemplateBody=template(5))
    assert settled()["StackStatus"] == "CREATE_COMPLETE", stacks.describe_stack_events(StackName="s")["StackEvents"]
    kumoi.region = "eu-west-1"
    abroad = kumoi.client("application-autoscaling")
    kumoi.region = "us-east-1"

    def bounds(client: Any) -> set[tuple[str, str, int, int]]:
        found = client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
        return {
            (one["ResourceId"], one["ScalableDimension"].split(":")[2], one["MinCapacity"], one["MaxCapacity"])
            for one in found
        }

    everywhere = {
        ("table/global", "WriteCapacityUnits", 5, 50),
        ("table/global", "ReadCapacityUnits", 4, 40),
        ("table/global/index/by-day", "WriteCapacityUnits", 3, 9),
        ("table/global/index/by-day", "ReadCapacityUnits", 2, 9),
    }
    assert bounds(scaling) == bounds(abroad) == everywhere
    policies = scaling.describe_scaling_policies(ServiceNamespace="dynamodb", ResourceId="table/global")
    names = [one["PolicyName"] for one in policies["ScalingPolicies"]]
    assert sorted(names) == [f"DynamoDB{way}CapacityUtilization:table/global" for way in ("Read", "Write")]

    dynamodb = kumoi.client("dynamodb")
    dynamodb.update_table(TableName="global", ProvisionedThroughput={"ReadCapacityUnits": 8, "WriteCapacityUnits": 30})
    stacks.update_stack(StackName="s", TemplateBody=template(6))
    assert settled()["StackStatus"] == "UPDATE_COMPLETE", stacks.describe_stack_events(StackName="s")["StackEvents"]
    units = dynamodb.describe_table(TableName="global")["Table"]["ProvisionedThroughput"]
    assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (8, 30)
    assert ("table/global", "WriteCapacityUnits", 6, 50) in bounds(abroad)

    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    assert bounds(scaling) == bounds(abroad) == set()
