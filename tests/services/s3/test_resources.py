"""Buckets of templates: what CloudFormation makes, changes, refuses to delete, and deletes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.s3.template_sections import SECTIONS

Resources = dict[str, Any]
BY_NAME = {section.name: section for section in SECTIONS}


class Stack:
    """One stack of an account."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._name = "Site"

    def create(self, resources: Resources, outputs: dict[str, Any] | None = None) -> dict[str, Any]:
        self._client.create_stack(StackName=self._name, TemplateBody=_template(resources, outputs))
        return self.settled()

    def update(self, resources: Resources) -> dict[str, Any]:
        self._client.update_stack(StackName=self._name, TemplateBody=_template(resources))
        return self.settled()

    def delete(self) -> str:
        arn = self.settled()["StackId"]
        self._client.delete_stack(StackName=self._name)
        return str(self.settled(arn)["StackStatus"])

    def settled(self, name: str | None = None) -> dict[str, Any]:
        while True:
            stack = self._client.describe_stacks(StackName=name or self._name)["Stacks"][0]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return dict(stack)

    def physical(self, logical: str) -> str:
        detail = self._client.describe_stack_resource(StackName=self._name, LogicalResourceId=logical)
        return str(detail["StackResourceDetail"]["PhysicalResourceId"])

    def reasons(self) -> str:
        found = self._client.describe_stack_events(StackName=self._name)["StackEvents"]
        return " ".join(one.get("ResourceStatusReason", "") for one in found)


def _template(resources: Resources, outputs: dict[str, Any] | None = None) -> str:
    return json.dumps({"Resources": resources, **({"Outputs": outputs} if outputs else {})})


def bucket_of(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


@pytest.fixture
def stack(kumoi: Any) -> Stack:
    return Stack(kumoi.client("cloudformation"))


def test_a_bucket_without_properties_gets_a_name_in_lower_case(stack: Stack, s3: Any) -> None:
    outputs = {name: {"Value": {"Fn::GetAtt": ["Files", name]}} for name in ("Arn", "RegionalDomainName")}
    made = stack.create({"Files": bucket_of()}, outputs)
    assert made["StackStatus"] == "CREATE_COMPLETE", stack.reasons()
    name = stack.physical("Files")
    assert name.startswith("site-files-") and name == name.lower()
    assert {one["OutputKey"]: one["OutputValue"] for one in made["Outputs"]} == {
        "Arn": f"arn:aws:s3:::{name}",
        "RegionalDomainName": f"{name}.s3.us-east-1.amazonaws.com",
    }
    s3.head_bucket(Bucket=name)
    assert stack.delete() == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="404"):
        s3.head_bucket(Bucket=name)


def test_a_bucket_is_configured_changed_and_stripped(stack: Stack, s3: Any, kumoi: Any) -> None:
    queue = {"Type": "AWS::SQS::Queue"}
    properties: dict[str, Any] = {
        "BucketName": f"site-{kumoi.account}",
        "VersioningConfiguration": {"Status": "Enabled"},
        "ReplicationConfiguration": {
            "Role": f"arn:aws:iam::{kumoi.account}:role/replication",
            "Rules": [
                {
                    "Id": "all",
                    "Status": "Enabled",
                    "Priority": "3",
                    "Filter": {"And": {"Prefix": "p", "TagFilters": [{"Key": "k", "Value": "v"}]}},
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "Destination": {
                        "Bucket": {"Fn::GetAtt": ["Copies", "Arn"]},
                        "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": "15"}},
                        "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
                    },
                }
            ],
        },
        "PublicAccessBlockConfiguration": {"BlockPublicPolicy": "false", "BlockPublicAcls": True},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
        "CorsConfiguration": {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": "60"}]},
        "WebsiteConfiguration": {"IndexDocument": "index.html"},
        "LifecycleConfiguration": {
            "Rules": [{"Id": "old", "Status": "Enabled", "ExpirationInDays": 3}],
            "TransitionDefaultMinimumObjectSize": "varies_by_storage_class",
        },
        "NotificationConfiguration": {
            "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}],
            "EventBridgeConfiguration": {"EventBridgeEnabled": True},
        },
        "Tags": [{"Key": "team", "Value": "web"}],
    }
    others = {"Queue": queue, "Copies": bucket_of(VersioningConfiguration={"Status": "Enabled"})}
    made = stack.create({"Files": bucket_of(**properties), **others})
    assert made["StackStatus"] == "CREATE_COMPLETE", stack.reasons()
    name = properties["BucketName"]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": False,
        "IgnorePublicAcls": False,
        "RestrictPublicBuckets": False,
    }
    assert s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"]["Rules"] == [
        {
            "ID": "all",
            "Status": "Enabled",
            "Priority": 3,
            "Filter": {"And": {"Prefix": "p", "Tags": [{"Key": "k", "Value": "v"}]}},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {
                "Bucket": f"arn:aws:s3:::{stack.physical('Copies')}",
                "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
                "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
            },
        }
    ]
    assert s3.get_bucket_cors(Bucket=name)["CORSRules"][0]["MaxAgeSeconds"] == 60
    assert s3.get_bucket_website(Bucket=name)["IndexDocument"] == {"Suffix": "index.html"}
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=name)
    assert lifecycle["Rules"][0]["Expiration"] == {"Days": 3}
    assert lifecycle["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    told = s3.get_bucket_notification_configuration(Bucket=name)
    assert told["QueueConfigurations"][0]["Events"] == ["s3:ObjectCreated:*"]
    assert told["EventBridgeConfiguration"] == {}
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "team", "Value": "web"}]
    kept = {"BucketName": name, "CorsConfiguration": properties["CorsConfiguration"]}
    changed = stack.update({"Files": bucket_of(**kept), **others})
    assert changed["StackStatus"] == "UPDATE_COMPLETE", stack.reasons()
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    assert s3.get_bucket_cors(Bucket=name)["CORSRules"]
    for gone in ("get_bucket_website", "get_bucket_lifecycle_configuration", "get_bucket_tagging"):
        with pytest.raises(ClientError, match="NoSuch"):
            getattr(s3, gone)(Bucket=name)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=name)


def test_configurations_of_which_there_are_many(stack: Stack, s3: Any, kumoi: Any) -> None:
    name, reports = f"site-{kumoi.account}", "arn:aws:s3:::reports"
    told = {"BucketArn": reports, "Format": "CSV", "BucketAccountId": kumoi.account, "Prefix": "p"}
    properties: dict[str, Any] = {
        "BucketName": name,
        "MetricsConfigurations": [
            {"Id": "all"},
            {"Id": "some", "Prefix": "a/", "TagFilters": [{"Key": "k", "Value": "v"}]},
        ],
        "IntelligentTieringConfigurations": [
            {
                "Id": "i",
                "Status": "Enabled",
                "Prefix": "a/",
                "Tierings": [{"AccessTier": "ARCHIVE_ACCESS", "Days": "90"}],
            }
        ],
        "InventoryConfigurations": [
            {
                "Id": "daily",
                "Enabled": "true",
                "IncludedObjectVersions": "All",
                "ScheduleFrequency": "Daily",
                "OptionalFields": ["Size"],
                "Destination": told,
            }
        ],
        "AnalyticsConfigurations": [
            {
                "Id": "classes",
                "TagFilters": [{"Key": "k", "Value": "v"}],
                "StorageClassAnalysis": {"DataExport": {"OutputSchemaVersion": "V_1", "Destination": told}},
            }
        ],
    }
    made = stack.create({"Files": bucket_of(**properties)})
    assert made["StackStatus"] == "CREATE_COMPLETE", stack.reasons()
    metrics = s3.list_bucket_metrics_configurations(Bucket=name)["MetricsConfigurationList"]
    both = {"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}]}}
    assert metrics == [{"Id": "all"}, {"Id": "some", "Filter": both}]
    tiering = s3.get_bucket_intelligent_tiering_configuration(Bucket=name, Id="i")["IntelligentTieringConfiguration"]
    assert (tiering["Filter"], tiering["Tierings"][0]["Days"]) == ({"Prefix": "a/"}, 90)
    inventory = s3.get_bucket_inventory_configuration(Bucket=name, Id="daily")["InventoryConfiguration"]
    place = {"Bucket": reports, "Format": "CSV", "AccountId": kumoi.account, "Prefix": "p"}
    assert inventory["Destination"]["S3BucketDestination"] == place
    assert (inventory["IsEnabled"], inventory["Schedule"], "Filter" in inventory) == (
        True,
        {"Frequency": "Daily"},
        False,
    )
    analytics = s3.get_bucket_analytics_configuration(Bucket=name, Id="classes")["AnalyticsConfiguration"]
    assert analytics["Filter"] == {"Tag": {"Key": "k", "Value": "v"}}
    export = analytics["StorageClassAnalysis"]["DataExport"]["Destination"]["S3BucketDestination"]
    assert export["BucketAccountId"] == kumoi.account

    kept = {"BucketName": name, "MetricsConfigurations": [{"Id": "some", "Prefix": "b/"}]}
    assert stack.update({"Files": bucket_of(**kept)})["StackStatus"] == "UPDATE_COMPLETE", stack.reasons()
    metrics = s3.list_bucket_metrics_configurations(Bucket=name)["MetricsConfigurationList"]
    assert metrics == [{"Id": "some", "Filter": {"Prefix": "b/"}}]
    assert "InventoryConfigurationList" not in s3.list_bucket_inventory_configurations(Bucket=name)


def test_a_policy_goes_with_its_bucket(stack: Stack, s3: Any) -> None:
    policy = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": "Files"},
            "PolicyDocument": {
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": {"Fn::Sub": "${Files.Arn}/*"},
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ]
            },
        },
    }
    made = stack.create({"Files": bucket_of(), "Policy": policy})
    assert made["StackStatus"] == "CREATE_COMPLETE", stack.reasons()
    name = stack.physical("Files")
    assert stack.physical("Policy") == name
    assert json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"][0]["Effect"] == "Deny"
    stack.update({"Files": bucket_of()})
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=name)


def test_a_bucket_that_holds_objects_is_not_deleted(stack: Stack, s3: Any) -> None:
    stack.create({"Files": bucket_of()})
    name = stack.physical("Files")
    s3.put_object(Bucket=name, Key="k", Body=b"1")
    assert stack.delete() == "DELETE_FAILED"
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"1"
    assert "The bucket you tried to delete is not empty" in stack.reasons()
    s3.delete_object(Bucket=name, Key="k")
    assert stack.delete() == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"MetadataConfiguration": {}}, "does not take MetadataConfiguration yet"),
        ({"CorsConfiguration": {"CorsRules": [{"AllowedMethods": ["X"], "AllowedOrigins": ["*"]}]}}, "Unsupported"),
        ({"CorsConfiguration": {"Rules": []}}, "CorsConfiguration is malformed"),
        ({"WebsiteConfiguration": "index.html"}, "WebsiteConfiguration is malformed"),
    ],
)
def test_what_cannot_be_is_rolled_back(stack: Stack, s3: Any, properties: dict[str, Any], reason: str) -> None:
    made = stack.create({"Files": bucket_of(**properties)})
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in stack.reasons()
    assert s3.list_buckets()["Buckets"] == []


def test_a_name_that_is_taken_is_refused_and_left_alone(stack: Stack, s3: Any, bucket: str) -> None:
    assert stack.create({"Files": bucket_of(BucketName=bucket)})["StackStatus"] == "ROLLBACK_COMPLETE"
    assert f"{bucket} already exists" in stack.reasons()
    s3.head_bucket(Bucket=bucket)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"Prefix": "a/"}, {"Prefix": "a/"}),
        ({}, {"Prefix": ""}),
        ({"TagFilters": [{"Key": "k", "Value": 1}]}, {"Tag": {"Key": "k", "Value": "1"}}),
        (
            {"Prefix": "a", "ObjectSizeGreaterThan": "5", "TagFilters": [{"Key": "k", "Value": "v"}]},
            {"And": {"Prefix": "a", "ObjectSizeGreaterThan": 5, "Tags": [{"Key": "k", "Value": "v"}]}},
        ),
    ],
)
def test_filters_of_lifecycle_rules(rule: dict[str, Any], told: dict[str, Any]) -> None:
    content = BY_NAME["LifecycleConfiguration"].content({"Rules": [{"Status": "Enabled", **rule}]})
    assert content["Rules"][0]["Filter"] == told
