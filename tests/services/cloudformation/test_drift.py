"""Drift: what somebody changed beside the template is found, and what nobody changed is not."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.cloudformation.drift import differences


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ("7", 7, []),
        (True, "true", []),
        ({"a": "1"}, '{"a": 1}', []),
        ('{"a": [1, 2]}', {"a": [2, 1]}, []),
        ([{"K": "a", "V": "1"}, {"K": "b", "V": "2"}], [{"V": "2", "K": "b"}, {"K": "a", "V": 1}], []),
        ("a", "b", [("", "NOT_EQUAL")]),
        ({"A": {"B": 1}}, {"A": {"B": 2}}, [("/A/B", "NOT_EQUAL")]),
        ({"A": 1}, {"A": 1, "C": 2}, [("/C", "ADD")]),
        ({"A": 1}, {"A": None}, [("/A", "REMOVE")]),
        (["a", "b"], ["b"], [("/0", "REMOVE")]),
        (["a"], ["a", "c"], [("/0", "ADD")]),
    ],
)
def test_what_differs(expected: Any, actual: Any, found: list[tuple[str, str]]) -> None:
    assert [(one["PropertyPath"], one["DifferenceType"]) for one in differences(expected, actual)] == found


TRUST = {
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}
STREAM = {"StreamModeDetails": {"StreamMode": "PROVISIONED"}, "ShardCount": 1}
TABLE = {
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "at", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-time",
            "KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "TimeToLiveSpecification": {"AttributeName": "gone", "Enabled": True},
    "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
}
PATTERN = {"source": ["shop"]}
RESOURCES: dict[str, Any] = {
    "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": "7"}},
    "Queue": {
        "Type": "AWS::SQS::Queue",
        "Properties": {"VisibilityTimeout": 40, "Tags": [{"Key": "team", "Value": "a"}]},
    },
    "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "news"}},
    "Table": {"Type": "AWS::DynamoDB::Table", "Properties": TABLE},
    "Name": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "a"}},
    "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": STREAM},
    "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}},
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": TRUST,
            "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": []}}],
        },
    },
    "Rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {"EventPattern": PATTERN, "Targets": [{"Id": "q", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}]},
    },
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": f"python3.{sys.version_info.minor}",
            "Handler": "index.handler",
            "Timeout": 5,
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "handler = print"},
            "Environment": {"Variables": {"ONE": "1"}},
        },
    },
    "Unasked": {"Type": "AWS::Logs::LogStream", "Properties": {"LogGroupName": {"Ref": "Group"}}},
}


def look(stacks: Any, name: str) -> dict[str, Any]:
    found = stacks.client.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
    status = stacks.client.describe_stack_drift_detection_status(StackDriftDetectionId=found)
    assert status["DetectionStatus"] == "DETECTION_COMPLETE"
    return dict(status)


def test_drift_is_found_where_it_is(kumoi: Any, stacks: Any) -> None:
    done = stacks.deploy("drifting", RESOURCES, Tags=[{"Key": "stage", "Value": "test"}])
    assert done["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("drifting")
    assert done["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    status = look(stacks, "drifting")
    drifts = stacks.client.describe_stack_resource_drifts(StackName="drifting")["StackResourceDrifts"]
    assert status["StackDriftStatus"] == "IN_SYNC", [
        (one["LogicalResourceId"], one["PropertyDifferences"]) for one in drifts if one.get("PropertyDifferences")
    ]
    statuses = {one["LogicalResourceId"]: one["StackResourceDriftStatus"] for one in drifts}
    assert statuses.pop("Unasked") == "NOT_CHECKED"
    assert set(statuses.values()) == {"IN_SYNC"} and len(statuses) == len(RESOURCES) - 1

    ids = {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for one in stacks.client.list_stack_resources(StackName="drifting")["StackResourceSummaries"]
    }
    kumoi.client("logs").put_retention_policy(logGroupName=ids["Group"], retentionInDays=14)
    kumoi.client("sqs").tag_queue(QueueUrl=ids["Queue"], Tags={"team": "b"})
    kumoi.client("sns").delete_topic(TopicArn=ids["Topic"])
    kumoi.client("iam").put_role_policy(RoleName=ids["Role"], PolicyName="more", PolicyDocument='{"Statement": []}')
    kumoi.client("lambda").update_function_configuration(
        FunctionName=ids["Function"], Environment={"Variables": {"ONE": "1", "TWO": "2"}}
    )
    status = look(stacks, "drifting")
    assert (status["StackDriftStatus"], status["DriftedStackResourceCount"]) == ("DRIFTED", 5)
    found = {
        one["LogicalResourceId"]: one
        for one in stacks.client.describe_stack_resource_drifts(
            StackName="drifting", StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
        )["StackResourceDrifts"]
    }
    assert found["Topic"]["StackResourceDriftStatus"] == "DELETED"
    assert found["Group"]["PropertyDifferences"] == [
        {
            "PropertyPath": "/RetentionInDays",
            "ExpectedValue": "7",
            "ActualValue": "14",
            "DifferenceType": "NOT_EQUAL",
        }
    ]
    assert json.loads(found["Group"]["ActualProperties"]) == {"RetentionInDays": 14}
    assert [one["PropertyPath"] for one in found["Function"]["PropertyDifferences"]] == ["/Environment/Variables/TWO"]
    assert [one["DifferenceType"] for one in found["Role"]["PropertyDifferences"]] == ["ADD"]
    assert [one["PropertyPath"] for one in found["Queue"]["PropertyDifferences"]] == ["/Tags/0/Value"]

    kumoi.client("logs").put_retention_policy(logGroupName=ids["Group"], retentionInDays=7)
    one = stacks.client.detect_stack_resource_drift(StackName="drifting", LogicalResourceId="Group")
    assert one["StackResourceDrift"]["StackResourceDriftStatus"] == "IN_SYNC"
    told = stacks.client.describe_stack_resource(StackName="drifting", LogicalResourceId="Group")
    assert told["StackResourceDetail"]["DriftInformation"]["StackResourceDriftStatus"] == "IN_SYNC"
    with pytest.raises(ClientError, match="not supported for resource type AWS::Logs::LogStream"):
        stacks.client.detect_stack_resource_drift(StackName="drifting", LogicalResourceId="Unasked")
    with pytest.raises(ClientError, match="does not exist"):
        stacks.client.describe_stack_drift_detection_status(StackDriftDetectionId="nothing")


def test_nothing_is_left_of_a_resource_that_is_gone(stacks: Any) -> None:
    group, queue = {"Type": "AWS::Logs::LogGroup"}, {"Type": "AWS::SQS::Queue"}
    stacks.deploy("drifting", {"A": group, "B": queue})
    look(stacks, "drifting")
    stacks.deploy("drifting", {"A": group})
    stacks.deploy("drifting", {"A": group, "B": queue})
    drifts = stacks.client.describe_stack_resource_drifts(StackName="drifting")["StackResourceDrifts"]
    assert [one["LogicalResourceId"] for one in drifts] == ["A"]
