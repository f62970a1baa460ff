"""Tables: made, described, changed, listed and dropped, driven by boto3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
Make = Callable[..., dict[str, Any]]


def test_a_new_table_is_active_at_the_first_look(client: Any, make: Make, kumoi: Any) -> None:
    created = make("orders", "customer:S", "number:N")
    assert created["TableStatus"] == "CREATING"
    assert created["TableArn"] == f"arn:aws:dynamodb:us-east-1:{kumoi.account}:table/orders"
    client.get_waiter("table_exists").wait(TableName="orders", WaiterConfig={"MaxAttempts": 1})
    table = client.describe_table(TableName="orders")["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["KeySchema"] == [
        {"AttributeName": "customer", "KeyType": "HASH"},
        {"AttributeName": "number", "KeyType": "RANGE"},
    ]
    assert table["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    assert table["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 0,
        "WriteCapacityUnits": 0,
    }
    assert table["WarmThroughput"] == {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"}
    assert client.describe_table(TableName=table["TableArn"])["Table"]["TableId"] == table["TableId"]


def test_a_table_counts_what_lies_in_it(client: Any, make: Make) -> None:
    make("counted", gsi={"by-g": ("g",)})
    for number in range(5):
        client.put_item(TableName="counted", Item={"pk": {"S": str(number)}, **({"g": {"S": "x"}} if number else {})})
    client.delete_item(TableName="counted", Key={"pk": {"S": "4"}})
    table = client.describe_table(TableName="counted")["Table"]
    assert (table["ItemCount"], table["TableSizeBytes"]) == (4, 4 * 3 + 3 * 2)
    assert table["GlobalSecondaryIndexes"][0]["ItemCount"] == 3


def test_a_dropped_table_is_gone_and_comes_back_empty(client: Any, make: Make) -> None:
    make("dropped")
    client.put_item(TableName="dropped", Item={"pk": {"S": "a"}})
    dropped = client.delete_table(TableName="dropped")["TableDescription"]
    assert dropped["TableStatus"] == "DELETING"
    client.get_waiter("table_not_exists").wait(TableName="dropped", WaiterConfig={"MaxAttempts": 1})
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Table: dropped not found"):
        client.describe_table(TableName="dropped")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Requested resource not found$"):
        client.get_item(TableName="dropped", Key={"pk": {"S": "a"}})
    make("dropped")
    assert client.scan(TableName="dropped")["Count"] == 0
    assert client.describe_table(TableName="dropped")["Table"]["ItemCount"] == 0


def test_a_protected_table_stays(client: Any, make: Make) -> None:
    make("kept", DeletionProtectionEnabled=True)
    with pytest.raises(ClientError, match="currently protected against deletion"):
        client.delete_table(TableName="kept")
    client.update_table(TableName="kept", DeletionProtectionEnabled=False)
    client.delete_table(TableName="kept")


def test_tables_are_listed_in_order_page_by_page(client: Any, make: Make) -> None:
    for name in ("ccc", "aaa", "bbb"):
        make(name)
    first = client.list_tables(Limit=2)
    assert (first["TableNames"], first["LastEvaluatedTableName"]) == (["aaa", "bbb"], "bbb")
    rest = client.list_tables(ExclusiveStartTableName=first["LastEvaluatedTableName"])
    assert rest["TableNames"] == ["ccc"]
    assert "LastEvaluatedTableName" not in rest


def test_regions_and_accounts_have_tables_of_their_own(client: Any, make: Make, kumoi: Any) -> None:
    make("here")
    kumoi.region = "eu-west-1"
    assert kumoi.client("dynamodb").list_tables()["TableNames"] == []


def create(client: Any, **changes: Any) -> None:
    parameters: dict[str, Any] = {
        "TableName": "table",
        "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    client.create_table(**{**parameters, **changes})


def definitions(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def key_schema(*names: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE", "RANGE"), strict=False)
    ]


ALL = {"ProjectionType": "ALL"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TableName": "ab"}, "Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length"),
        ({"TableName": "a b c"}, "must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ({"ProvisionedThroughput": UNITS}, "can be specified when BillingMode is PAY_PER_REQUEST"),
        ({"BillingMode": "PROVISIONED"}, "must both be specified when BillingMode is PROVISIONED"),
        (
            {"BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS | {"ReadCapacityUnits": 1_000_000_000_001}},
            "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
        ),
        ({"KeySchema": key_schema("a", "b")}, "Invalid KeySchema: Some index key attribute have no definition"),
        (
            {"KeySchema": key_schema("b")},
            "are not defined in AttributeDefinitions. Keys: [b], AttributeDefinitions: [a]",
        ),
        ({"KeySchema": key_schema("a", "a")}, "Both the Hash Key and the Range Key element in the KeySchema have the"),
        (
            {"KeySchema": [{"AttributeName": "a", "KeyType": "RANGE"}]},
            "The first KeySchemaElement is not a HASH key type",
        ),
        ({"AttributeDefinitions": definitions("a", "b")}, "does not exactly match number of attributes defined"),
        ({"GlobalSecondaryIndexes": []}, "List of GlobalSecondaryIndexes is empty"),
        (
            {"LocalSecondaryIndexes": [{"IndexName": "idx", "KeySchema": key_schema("a"), "Projection": ALL}]},
            "Table KeySchema does not have a range key",
        ),
        (
            {"GlobalSecondaryIndexes": [{"IndexName": "idx", "KeySchema": key_schema("a"), "Projection": {}}]},
            "Unknown ProjectionType: null",
        ),
        (
            {
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": "idx",
                        "KeySchema": key_schema("a"),
                        "Projection": ALL | {"NonKeyAttributes": ["x"]},
                    }
                ]
            },
            "ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
        (
            {"GlobalSecondaryIndexes": [{"IndexName": "idx", "KeySchema": key_schema("a"), "Projection": ALL}] * 2},
            "Duplicate index name: idx",
        ),
        (
            {"StreamSpecification": {"StreamEnabled": False, "StreamViewType": "KEYS_ONLY"}},
            "Table is being created with a stream disabled, UpdateViewType should not be specified",
        ),
    ],
)
def test_what_a_table_may_not_be(client: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as refused:
        create(client, **changes)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert message in refused.value.response["Error"]["Message"]


def test_one_name_one_table(client: Any, make: Make) -> None:
    make("twice")
    with pytest.raises(client.exceptions.ResourceInUseException, match="Table already exists: twice"):
        make("twice")


def test_billing_and_throughput_change(client: Any, make: Make) -> None:
    make("billed", ProvisionedThroughput=UNITS)
    with pytest.raises(ClientError, match="The provisioned throughput for the table will not change"):
        client.update_table(TableName="billed", ProvisionedThroughput=UNITS)
    client.update_table(TableName="billed", ProvisionedThroughput=UNITS | {"ReadCapacityUnits": 7})
    assert client.describe_table(TableName="billed")["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"] == 7
    updated = client.update_table(TableName="billed", BillingMode="PAY_PER_REQUEST")["TableDescription"]
    assert updated["TableStatus"] == "UPDATING"
    assert updated["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    with pytest.raises(ClientError, match="At least one of ProvisionedThroughput"):
        client.update_table(TableName="billed")


def test_tags_are_kept_and_paged(client: Any, make: Make) -> None:
    arn = make("tagged", Tags=[{"Key": "team", "Value": "blue"}])["TableArn"]
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": f"k{number}", "Value": "v"} for number in range(11)])
    client.untag_resource(ResourceArn=arn, TagKeys=["k3"])
    first = client.list_tags_of_resource(ResourceArn=arn)
    rest = client.list_tags_of_resource(ResourceArn=arn, NextToken=first["NextToken"])
    tags = {tag["Key"]: tag["Value"] for tag in first["Tags"] + rest["Tags"]}
    assert len(first["Tags"]) == 10
    assert tags == {"team": "blue", **{f"k{number}": "v" for number in range(11) if number != 3}}
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="ResourcArn"):
        client.list_tags_of_resource(ResourceArn=arn + "x")


def test_limits_endpoints_and_continuous_backups(client: Any, make: Make) -> None:
    assert client.describe_limits()["TableMaxReadCapacityUnits"] == 40_000
    assert client.describe_endpoints()["Endpoints"][0]["CachePeriodInMinutes"] == 1440
    make("backed")
    enabled = client.update_continuous_backups(
        TableName="backed", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert (enabled["PointInTimeRecoveryStatus"], enabled["RecoveryPeriodInDays"]) == ("ENABLED", 35)
    with pytest.raises(client.exceptions.TableNotFoundException):
        client.describe_continuous_backups(TableName="missing")
