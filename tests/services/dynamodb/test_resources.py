"""Tables of templates: what CloudFormation makes, changes, takes away and takes back."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

Properties = dict[str, Any]


class Stack:
    """One stack of an account, with a table."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, properties: Properties, kind: str = "Table") -> str:
        self._client.create_stack(StackName="Shop", TemplateBody=_template(properties, kind))
        return self._settled()

    def update(self, properties: Properties, kind: str = "Table") -> str:
        self._client.update_stack(StackName="Shop", TemplateBody=_template(properties, kind))
        return self._settled()

    def _settled(self) -> str:
        while True:
            status = str(self._client.describe_stacks(StackName="Shop")["Stacks"][0]["StackStatus"])
            if not status.endswith("_IN_PROGRESS"):
                return status

    def reasons(self) -> str:
        found = self._client.describe_stack_events(StackName="Shop")["StackEvents"]
        return " ".join(one.get("ResourceStatusReason", "") for one in found)


def _template(properties: Properties, kind: str) -> str:
    return json.dumps({"Resources": {"Table": {"Type": f"AWS::DynamoDB::{kind}", "Properties": properties}}})


def index(name: str, key: str, **members: Any) -> dict[str, Any]:
    schema = [{"AttributeName": key, "KeyType": "HASH"}]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}, **members}


def properties_of(*attributes: str, **members: Any) -> Properties:
    return {
        "TableName": "orders",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", *attributes)],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        **members,
    }


@pytest.fixture
def stack(kumoi: Any) -> Stack:
    return Stack(kumoi.client("cloudformation"))


def policy(action: str, account: str = "111122223333") -> dict[str, Any]:
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def test_settings_come_change_and_go(stack: Stack, client: Any) -> None:
    plain = properties_of("g", GlobalSecondaryIndexes=[index("by-g", "g")])
    full = deepcopy(plain) | {
        "Tags": [{"Key": f"t{number:02}", "Value": "1"} for number in range(12)],
        "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": "true"},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
        "ContributorInsightsSpecification": {"Enabled": True},
        "DeletionProtectionEnabled": True,
        "TableClass": "STANDARD_INFREQUENT_ACCESS",
        "SSESpecification": {"SSEEnabled": True},
        "OnDemandThroughput": {"MaxReadRequestUnits": "10", "MaxWriteRequestUnits": 10},
        "StreamSpecification": {
            "StreamViewType": "NEW_IMAGE",
            "ResourcePolicy": policy("dynamodb:DescribeStream"),
        },
        "ResourcePolicy": policy("dynamodb:GetItem"),
    }
    full["GlobalSecondaryIndexes"][0]["ContributorInsightsSpecification"] = {"Enabled": True}
    assert stack.create(full) == "CREATE_COMPLETE", stack.reasons()
    table = client.describe_table(TableName="orders")["Table"]
    arn, stream = table["TableArn"], table["LatestStreamArn"]
    assert "DescribeStream" in client.get_resource_policy(ResourceArn=stream)["Policy"]
    insights = client.list_contributor_insights(TableName="orders")["ContributorInsightsSummaries"]
    assert sorted(one.get("IndexName", "") for one in insights) == ["", "by-g"]

    other = deepcopy(full)
    other["Tags"] = [{"Key": "t00", "Value": "2"}]
    other["TimeToLiveSpecification"]["AttributeName"] = "gone"
    other["StreamSpecification"] = {"StreamViewType": "KEYS_ONLY", "ResourcePolicy": policy("dynamodb:DescribeStream")}
    assert stack.update(other) == "UPDATE_COMPLETE", stack.reasons()
    assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "t00", "Value": "2"}]
    assert client.describe_time_to_live(TableName="orders")["TimeToLiveDescription"]["AttributeName"] == "gone"
    table = client.describe_table(TableName="orders")["Table"]
    assert table["StreamSpecification"]["StreamViewType"] == "KEYS_ONLY"
    assert "DescribeStream" in client.get_resource_policy(ResourceArn=table["LatestStreamArn"])["Policy"]

    assert stack.update(plain) == "UPDATE_COMPLETE", stack.reasons()
    table = client.describe_table(TableName="orders")["Table"]
    assert table["DeletionProtectionEnabled"] is False
    assert table["TableClassSummary"]["TableClass"] == "STANDARD"
    assert table.keys().isdisjoint({"SSEDescription", "StreamSpecification", "OnDemandThroughput"})
    assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == []
    assert client.describe_time_to_live(TableName="orders")["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    recovery = client.describe_continuous_backups(TableName="orders")["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    assert client.list_contributor_insights(TableName="orders")["ContributorInsightsSummaries"] == []
    with pytest.raises(client.exceptions.PolicyNotFoundException):
        client.get_resource_policy(ResourceArn=arn)


def test_billing_throughput_and_indexes_change(stack: Stack, client: Any) -> None:
    def units(read: Any) -> dict[str, Any]:
        return {"ReadCapacityUnits": read, "WriteCapacityUnits": 1}

    one, two = index("by-g", "g"), index("by-h", "h")
    off = {"AttributeName": "ttl", "Enabled": False}
    before = properties_of("g", "h", GlobalSecondaryIndexes=[one, two], TimeToLiveSpecification=off)
    assert stack.create(before) == "CREATE_COMPLETE", stack.reasons()
    after = properties_of(
        "h",
        BillingMode="PROVISIONED",
        ProvisionedThroughput=units("5"),
        GlobalSecondaryIndexes=[two | {"ProvisionedThroughput": units(3)}],
    )
    assert stack.update(after) == "UPDATE_COMPLETE", stack.reasons()
    table = client.describe_table(TableName="orders")["Table"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    (kept,) = table["GlobalSecondaryIndexes"]
    assert (kept["IndexName"], kept["ProvisionedThroughput"]["ReadCapacityUnits"]) == ("by-h", 3)
    after["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] = 4
    assert stack.update(after) == "UPDATE_COMPLETE", stack.reasons()
    (kept,) = client.describe_table(TableName="orders")["Table"]["GlobalSecondaryIndexes"]
    assert kept["ProvisionedThroughput"]["ReadCapacityUnits"] == 4
    more = deepcopy(after) | {"AttributeDefinitions": properties_of("h", "i", "j")["AttributeDefinitions"]}
    for key in ("i", "j"):
        more["GlobalSecondaryIndexes"].append(index(f"by-{key}", key, ProvisionedThroughput=units(1)))
    assert stack.update(more) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Cannot perform more than one GSI creation or deletion in a single update" in stack.reasons()
    after["GlobalSecondaryIndexes"][0]["Projection"] = {"ProjectionType": "KEYS_ONLY"}
    assert stack.update(after) == "UPDATE_ROLLBACK_COMPLETE"
    assert "You can create a new GSI with a different name" in stack.reasons()


def test_what_failed_midway_is_taken_back(stack: Stack, client: Any) -> None:
    before = properties_of("g", GlobalSecondaryIndexes=[index("by-g", "g")])
    before["StreamSpecification"] = {"StreamViewType": "NEW_IMAGE"}
    assert stack.create(before) == "CREATE_COMPLETE", stack.reasons()
    after = deepcopy(before) | {"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}, "BillingMode": "PROVISIONED"}
    after["ProvisionedThroughput"] = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}  # and none for the index
    assert stack.update(after) == "UPDATE_ROLLBACK_COMPLETE", stack.reasons()
    table = client.describe_table(TableName="orders")["Table"]
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_a_global_tables_throughput_is_its_replicas(stack: Stack, client: Any) -> None:
    def scaled(way: str, least: int) -> dict[str, Any]:
        tracking = {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70}}
        return {f"{way}CapacityAutoScalingSettings": {"MinCapacity": least, "MaxCapacity": 90, **tracking}}

    indexed = index("by-g", "g", WriteProvisionedThroughputSettings=scaled("Write", 4))
    replica = {
        "Region": "us-east-1",
        "ReadProvisionedThroughputSettings": {"ReadCapacityUnits": "7"},
        "Tags": [{"Key": "team", "Value": "shop"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-g",
                "ReadProvisionedThroughputSettings": scaled("Read", 3),
                "ContributorInsightsSpecification": {"Enabled": True},
            }
        ],
    }
    properties = properties_of(
        "g",
        BillingMode="PROVISIONED",
        WriteProvisionedThroughputSettings=scaled("Write", 2),
        GlobalSecondaryIndexes=[indexed],
        Replicas=[replica],
    )
    assert stack.create(properties, "GlobalTable") == "CREATE_COMPLETE", stack.reasons()
    table = client.describe_table(TableName="orders")["Table"]
    assert units_of(table) == (7, 2)
    assert units_of(table["GlobalSecondaryIndexes"][0]) == (3, 4)
    assert client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == replica["Tags"]
    insights = client.list_contributor_insights(TableName="orders")["ContributorInsightsSummaries"]
    assert [one["IndexName"] for one in insights] == ["by-g"]

    properties = properties_of(
        "g",
        WriteOnDemandThroughputSettings={"MaxWriteRequestUnits": 50},
        StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"},
        GlobalSecondaryIndexes=[index("by-g", "g", WriteOnDemandThroughputSettings={"MaxWriteRequestUnits": 9})],
        Replicas=[
            {"Region": "us-east-1", "ReadOnDemandThroughputSettings": {"MaxReadRequestUnits": 60}},
            {"Region": "eu-west-1"},
        ],
    )
    assert stack.update(properties, "GlobalTable") == "UPDATE_COMPLETE", stack.reasons()
    table = client.describe_table(TableName="orders")["Table"]
    assert table["OnDemandThroughput"] == {"MaxReadRequestUnits": 60, "MaxWriteRequestUnits": 50}
    assert table["GlobalSecondaryIndexes"][0]["OnDemandThroughput"] == {"MaxWriteRequestUnits": 9}
    assert [one["RegionName"] for one in table["Replicas"]] == ["eu-west-1"]
    assert client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == []


def units_of(described: dict[str, Any]) -> tuple[int, int]:
    units = described["ProvisionedThroughput"]
    return units["ReadCapacityUnits"], units["WriteCapacityUnits"]
