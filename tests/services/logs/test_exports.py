"""Exports to buckets, templates with log resources, and the smaller operations on groups."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest

TEMPLATE = {
    "Resources": {
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "app"}},
        "Errors": {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": "Group"},
                "FilterPattern": "ERROR",
                "MetricTransformations": [
                    {"MetricName": "errors", "MetricNamespace": "App", "MetricValue": "1", "DefaultValue": 0}
                ],
            },
        },
        "Query": {
            "Type": "AWS::Logs::QueryDefinition",
            "Properties": {"Name": "q", "QueryString": "limit 1", "LogGroupNames": [{"Ref": "Group"}]},
        },
        "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
        "Target": {
            "Type": "AWS::Logs::Destination",
            "Properties": {
                "DestinationName": "d",
                "TargetArn": {"Fn::GetAtt": ["Stream", "Arn"]},
                "RoleArn": "arn:aws:iam::000000000000:role/r",
            },
        },
        "Sent": {
            "Type": "AWS::Logs::SubscriptionFilter",
            "Properties": {
                "LogGroupName": {"Ref": "Group"},
                "FilterPattern": "",
                "DestinationArn": {"Fn::GetAtt": ["Target", "Arn"]},
            },
        },
        "Policy": {
            "Type": "AWS::Logs::ResourcePolicy",
            "Properties": {
                "PolicyName": "p",
                "PolicyDocument": json.dumps(
                    {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "es.amazonaws.com"},
                                "Action": "logs:PutLogEvents",
                                "Resource": "*",
                            }
                        ],
                    }
                ),
            },
        },
    },
    "Outputs": {"Query": {"Value": {"Ref": "Query"}}},
}


@pytest.fixture
def logs(kumoi: Any) -> Any:
    return kumoi.client("logs")


def test_events_are_exported_to_a_bucket(logs: Any, kumoi: Any) -> None:
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=f"exports-{kumoi.account}")
    logs.create_log_group(logGroupName="g")
    now = int(kumoi.now().timestamp()) * 1000
    for stream in ("a/b", "c", "other"):
        logs.create_log_stream(logGroupName="g", logStreamName=stream)
        events = [{"timestamp": now + n, "message": f"{stream} {n}"} for n in range(3)]
        logs.put_log_events(logGroupName="g", logStreamName=stream, logEvents=events)
    wanted = {"logGroupName": "g", "fromTime": now, "to": now + 2, "destination": f"exports-{kumoi.account}"}
    with pytest.raises(logs.exceptions.InvalidParameterException, match="bucket does not exist"):
        logs.create_export_task(**{**wanted, "destination": "nosuch"})
    task = logs.create_export_task(**wanted, taskName="t")["taskId"]
    deadline = time.monotonic() + 60
    while (found := logs.describe_export_tasks(taskId=task)["exportTasks"][0])["status"]["code"] != "COMPLETED":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (found["taskName"], found["from"], found["destinationPrefix"]) == ("t", now, "exportedlogs")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=wanted["destination"])["Contents"]]
    assert set(keys) == {
        "exportedlogs/aws-logs-write-test",
        *(f"exportedlogs/{task}/{stream}/000000.gz" for stream in ("a-b", "c", "other")),
    }
    body = s3.get_object(Bucket=wanted["destination"], Key=f"exportedlogs/{task}/a-b/000000.gz")["Body"].read()
    lines = gzip.decompress(body).decode().splitlines()
    assert [line.partition("Z ")[2] for line in lines] == ["a/b 0", "a/b 1"]
    with pytest.raises(logs.exceptions.InvalidOperationException):
        logs.cancel_export_task(taskId=task)


def test_a_template_with_log_resources(logs: Any, kumoi: Any) -> None:
    stacks = kumoi.client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    (query,) = logs.describe_query_definitions()["queryDefinitions"]
    outputs = stacks.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    assert outputs[0]["OutputValue"] == query["queryDefinitionId"]
    assert logs.describe_metric_filters(logGroupName="app")["metricFilters"][0]["filterName"].startswith("s-Errors-")
    assert len(logs.describe_subscription_filters(logGroupName="app")["subscriptionFilters"]) == 1
    assert [one["policyName"] for one in logs.describe_resource_policies()["resourcePolicies"]] == ["p"]
    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert logs.describe_query_definitions()["queryDefinitions"] == logs.describe_log_groups()["logGroups"] == []


def test_groups_by_pattern_and_their_protection(logs: Any) -> None:
    for name in ("app-one", "app-two", "web"):
        logs.create_log_group(logGroupName=name)
    found = logs.list_log_groups(logGroupNamePattern="^app")["logGroups"]
    assert [one["logGroupName"] for one in found] == ["app-one", "app-two"]
    assert len(logs.list_log_groups(logGroupNamePattern="two|web")["logGroups"]) == 2
    logs.put_log_group_deletion_protection(logGroupIdentifier="web", deletionProtectionEnabled=True)
    with pytest.raises(logs.exceptions.ClientError, match="deletion protection"):
        logs.delete_log_group(logGroupName="web")
    logs.put_log_group_deletion_protection(logGroupIdentifier="web", deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName="web")
