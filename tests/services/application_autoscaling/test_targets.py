"""Scalable targets by boto3: registered, bounded, tagged, forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Capacity = Callable[[], tuple[int, int]]
Refused = Callable[..., tuple[str, str]]


def test_a_capacity_beyond_the_bounds_is_brought_within(
    kumoi: Any, scaling: Any, reads: dict[str, str], writes: dict[str, str], capacity: Capacity, activities: Any
) -> None:
    arn = scaling.register_scalable_target(**reads, MinCapacity=8, MaxCapacity=20, Tags={"a": "b"})["ScalableTargetARN"]
    assert arn.startswith(f"arn:aws:application-autoscaling:us-east-1:{kumoi.account}:scalable-target/0")
    scaling.register_scalable_target(**writes, MinCapacity=1, MaxCapacity=2)
    assert capacity() == (8, 2)
    assert activities() == [
        ("Setting read capacity units to 8.", "minimum capacity was set to 8", "Successful"),
        ("Setting write capacity units to 2.", "maximum capacity was set to 2", "Successful"),
    ]
    found = scaling.describe_scalable_targets(ServiceNamespace="dynamodb", ScalableDimension=reads["ScalableDimension"])
    (target,) = found["ScalableTargets"]
    created = target.pop("CreationTime")
    assert abs((created - kumoi.now()).total_seconds()) < 600
    role = "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
    host = "dynamodb.application-autoscaling.amazonaws.com"
    suspended = dict.fromkeys(
        ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
    )
    assert target == {
        **reads,
        "MinCapacity": 8,
        "MaxCapacity": 20,
        "RoleARN": f"arn:aws:iam::{kumoi.account}:role/aws-service-role/{host}/{role}",
        "SuspendedState": suspended,
        "ScalableTargetARN": arn,
    }
    assert kumoi.client("iam").get_role(RoleName=role)["Role"]["Arn"] == target["RoleARN"]


def test_a_target_is_changed_by_what_is_given(scaling: Any, reads: dict[str, str], capacity: Capacity) -> None:
    first = scaling.register_scalable_target(**reads, MinCapacity=1, MaxCapacity=20)
    suspended = {"DynamicScalingInSuspended": True}
    again = scaling.register_scalable_target(**reads, MaxCapacity=4, SuspendedState=suspended)
    assert again["ScalableTargetARN"] == first["ScalableTargetARN"]
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert target["SuspendedState"]["DynamicScalingInSuspended"]
    assert not target["SuspendedState"]["DynamicScalingOutSuspended"]
    assert capacity() == (4, 5)


def test_an_index_and_an_alias_are_scaled(kumoi: Any, scaling: Any, orders: Any, zipped: Any) -> None:
    index = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/orders/index/by-day",
        "ScalableDimension": "dynamodb:index:WriteCapacityUnits",
    }
    scaling.register_scalable_target(**index, MinCapacity=7, MaxCapacity=9)
    (found,) = orders.describe_table(TableName="orders")["Table"]["GlobalSecondaryIndexes"]
    units = found["ProvisionedThroughput"]
    assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (3, 7)

    functions = kumoi.client("lambda")
    functions.create_function(
        FunctionName="pay",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/lambda",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": "def handler(event, context):\n    return 1\n"})},
        Publish=True,
    )
    functions.create_alias(FunctionName="pay", Name="live", FunctionVersion="1")
    alias = {
        "ServiceNamespace": "lambda",
        "ResourceId": "function:pay:live",
        "ScalableDimension": "lambda:function:ProvisionedConcurrency",
    }
    scaling.register_scalable_target(**alias, MinCapacity=2, MaxCapacity=3)
    told = functions.get_provisioned_concurrency_config(FunctionName="pay", Qualifier="live")
    assert told["RequestedProvisionedConcurrentExecutions"] == 2
    scaling.register_scalable_target(**alias, MinCapacity=0, MaxCapacity=0)
    with pytest.raises(functions.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        functions.get_provisioned_concurrency_config(FunctionName="pay", Qualifier="live")


def test_a_table_on_demand_has_no_capacity_to_be_bounded(scaling: Any, orders: Any, reads: dict[str, str]) -> None:
    orders.update_table(TableName="orders", BillingMode="PAY_PER_REQUEST")
    scaling.register_scalable_target(**reads, MinCapacity=2, MaxCapacity=3)
    assert scaling.describe_scaling_activities(ServiceNamespace="dynamodb")["ScalingActivities"] == []


@pytest.mark.usefixtures("orders")
def test_what_is_not_to_be_scaled(scaling: Any, reads: dict[str, str], refused: Refused) -> None:
    bounds = {"MinCapacity": 1, "MaxCapacity": 2}

    def register(**changed: Any) -> tuple[str, str]:
        return refused(scaling.register_scalable_target, **{**reads, **bounds, **changed})

    assert register(ResourceId="table/none") == (
        "ValidationException",
        "DynamoDB table does not exist: table/none",
    )
    assert register(ResourceId="table/orders/index/none", ScalableDimension="dynamodb:index:ReadCapacityUnits")[0] == (
        "ValidationException"
    )
    assert register(ResourceId="orders")[0] == "ValidationException"
    assert register(ScalableDimension="lambda:function:ProvisionedConcurrency")[0] == "ValidationException"
    assert register(MinCapacity=3)[1] == "Maximum capacity cannot be less than minimum capacity"
    assert register(MinCapacity=0)[0] == "ValidationException"
    assert refused(scaling.register_scalable_target, **reads, MinCapacity=1)[0] == "ValidationException"
    code, text = register(
        ServiceNamespace="ecs", ResourceId="service/default/web", ScalableDimension="ecs:service:DesiredCount"
    )
    assert (code, "ecs" in text) == ("NotImplemented", True)
    alias = {"ServiceNamespace": "lambda", "ScalableDimension": "lambda:function:ProvisionedConcurrency"}
    assert register(**alias, ResourceId="function:none:live")[0] == "ValidationException"
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []


def test_tags_and_the_end_of_a_target(
    kumoi: Any, scaling: Any, orders: Any, reads: dict[str, str], refused: Refused
) -> None:
    arn = scaling.register_scalable_target(**reads, MinCapacity=1, MaxCapacity=9, Tags={"a": "1", "b": "2"})[
        "ScalableTargetARN"
    ]
    scaling.tag_resource(ResourceARN=arn, Tags={"b": "3"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"b": "3"}
    many = {str(number): "" for number in range(51)}
    assert refused(scaling.tag_resource, ResourceARN=arn, Tags=many)[0] == "TooManyTagsException"
    scaling.put_scaling_policy(
        **reads,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 70,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
        },
    )
    scaling.put_scheduled_action(
        **reads, ScheduledActionName="s", Schedule="rate(1 hour)", ScalableTargetAction={"MinCapacity": 2}
    )
    scaling.deregister_scalable_target(**reads)
    assert scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"] == []
    assert scaling.describe_scheduled_actions(ServiceNamespace="dynamodb")["ScheduledActions"] == []
    assert kumoi.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert refused(scaling.deregister_scalable_target, **reads) == (
        "ObjectNotFoundException",
        "No scalable target found for service namespace: dynamodb, resource ID: table/orders, scalable dimension: "
        "dynamodb:table:ReadCapacityUnits",
    )
    assert refused(scaling.list_tags_for_resource, ResourceARN=arn)[0] == "ResourceNotFoundException"


def test_pages(scaling: Any, reads: dict[str, str], writes: dict[str, str], orders: Any, refused: Refused) -> None:
    for of in (reads, writes):
        scaling.register_scalable_target(**of, MinCapacity=1, MaxCapacity=9)
    pages = scaling.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="dynamodb", PaginationConfig={"PageSize": 1}
    )
    shown = [[one["ScalableDimension"] for one in page["ScalableTargets"]] for page in pages]
    assert shown == [[reads["ScalableDimension"]], [writes["ScalableDimension"]]]
    code, _ = refused(scaling.describe_scalable_targets, ServiceNamespace="dynamodb", NextToken="?")
    assert code == "InvalidNextTokenException"
