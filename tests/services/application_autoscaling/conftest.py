from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

READS = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/orders",
    "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
}


@pytest.fixture
def scaling(kumoi: Any) -> Any:
    return kumoi.client("application-autoscaling")


@pytest.fixture
def reads() -> dict[str, str]:
    """The reads of the table `orders`, as calls name them."""
    return dict(READS)


@pytest.fixture
def writes() -> dict[str, str]:
    """The writes of the table `orders`."""
    return {**READS, "ScalableDimension": "dynamodb:table:WriteCapacityUnits"}


@pytest.fixture
def orders(kumoi: Any) -> Any:
    """DynamoDB, with a table `orders` of five units each way, and an index of three."""
    dynamodb = kumoi.client("dynamodb")
    index = {
        "IndexName": "by-day",
        "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 3},
    }
    dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "day")],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
        GlobalSecondaryIndexes=[index],
    )
    return dynamodb


@pytest.fixture
def capacity(orders: Any) -> Callable[[], tuple[int, int]]:
    """The table's read and write capacity now."""

    def units() -> tuple[int, int]:
        told = orders.describe_table(TableName="orders")["Table"]["ProvisionedThroughput"]
        return told["ReadCapacityUnits"], told["WriteCapacityUnits"]

    return units


@pytest.fixture
def activities(scaling: Any) -> Callable[..., list[tuple[str, str, str]]]:
    """What was done to DynamoDB's targets, the oldest first: description, cause, status."""

    def told(**more: Any) -> list[tuple[str, str, str]]:
        found = scaling.describe_scaling_activities(ServiceNamespace="dynamodb", **more)["ScalingActivities"]
        return [(one["Description"], one["Cause"], one["StatusCode"]) for one in reversed(found)]

    return told


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """The code and the text of the error that a call answers."""

    def code_and_text(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            call(**params)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    return code_and_text
