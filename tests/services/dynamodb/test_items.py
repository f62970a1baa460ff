"""Items one at a time: PutItem, GetItem, UpdateItem, DeleteItem, with conditions, return values and capacity."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., dict[str, Any]]
KEY = {"pk": {"S": "a"}}


def put(client: Any, **options: Any) -> dict[str, Any]:
    return client.put_item(TableName="table", **options)


def get(client: Any, **options: Any) -> Any:
    return client.get_item(TableName="table", Key=KEY, **options).get("Item")


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_an_item_comes_back_as_it_was_put(client: Any, make: Make) -> None:
    make()
    item = {
        **KEY,
        "text": {"S": "grüezi"},
        "empty": {"S": ""},
        "number": {"N": "12.5"},
        "bytes": {"B": b"\x00\xff"},
        "truth": {"BOOL": False},
        "nothing": {"NULL": True},
        "texts": {"SS": ["x", "y"]},
        "blobs": {"BS": [b"\x00", b"\x01"]},
        "list": {"L": [{"S": "x"}, {"L": []}, {"N": "1"}]},
        "map": {"M": {"deep": {"M": {"null": {"S": "null"}}}}},
    }
    assert put(client, Item=item)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert get(client) == item
    assert "Item" not in client.get_item(TableName="table", Key={"pk": {"S": "b"}})


def test_the_resource_speaks_python(resource: Any, make: Make) -> None:
    make("table", "pk:S", "sk:N")
    table = resource.Table("table")
    item = {"pk": "a", "sk": Decimal("1.50"), "tags": {"x", "y"}, "nested": {"list": [1, None, True, b"z"]}}
    table.put_item(Item=item)
    found = table.get_item(Key={"pk": "a", "sk": Decimal("1.5")}, ConsistentRead=True)["Item"]
    assert found["sk"] == Decimal("1.5")
    assert found["tags"] == {"x", "y"}
    with table.batch_writer() as batch:
        for number in range(60):
            batch.put_item(Item={"pk": "many", "sk": number})
    assert table.scan(Select="COUNT")["Count"] == 61


def test_a_put_replaces_the_whole_item_and_tells_the_old_one(client: Any, make: Make) -> None:
    make()
    assert "Attributes" not in put(client, Item={**KEY, "x": {"S": "1"}}, ReturnValues="ALL_OLD")
    replaced = put(client, Item={**KEY, "y": {"S": "2"}}, ReturnValues="ALL_OLD")
    assert replaced["Attributes"] == {**KEY, "x": {"S": "1"}}
    assert get(client) == {**KEY, "y": {"S": "2"}}
    deleted = client.delete_item(TableName="table", Key=KEY, ReturnValues="ALL_OLD")
    assert deleted["Attributes"] == {**KEY, "y": {"S": "2"}}
    assert get(client) is None
    assert "Attributes" not in client.delete_item(TableName="table", Key=KEY, ReturnValues="ALL_OLD")


def test_a_condition_guards_the_write(client: Any, make: Make) -> None:
    make()
    put(client, Item={**KEY, "x": {"S": "1"}}, ConditionExpression="attribute_not_exists(pk)")
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as failed:
        put(
            client,
            Item={**KEY, "x": {"S": "2"}},
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert failed.value.response["Error"]["Message"] == "The conditional request failed"
    assert failed.value.response["Item"] == {**KEY, "x": {"S": "1"}}
    assert get(client) == {**KEY, "x": {"S": "1"}}
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as failed:
        client.delete_item(TableName="table", Key={"pk": {"S": "b"}}, ConditionExpression="attribute_exists(pk)")
    assert "Item" not in failed.value.response


def test_an_update_makes_and_changes_items(client: Any, make: Make) -> None:
    make()

    def update(value: str, returned: str) -> Any:
        return client.update_item(
            TableName="table",
            Key=KEY,
            UpdateExpression="SET #n = :v",
            ExpressionAttributeNames={"#n": "name"},
            ExpressionAttributeValues={":v": {"S": value}},
            ReturnValues=returned,
        ).get("Attributes")

    assert update("one", "ALL_OLD") is None
    assert update("two", "UPDATED_OLD") == {"name": {"S": "one"}}
    assert update("three", "UPDATED_NEW") == {"name": {"S": "three"}}
    assert update("four", "ALL_NEW") == {**KEY, "name": {"S": "four"}}
    assert update("five", "NONE") is None
    client.update_item(TableName="table", Key={"pk": {"S": "only a key"}})
    assert client.get_item(TableName="table", Key={"pk": {"S": "only a key"}})["Item"] == {"pk": {"S": "only a key"}}


def test_a_projection_tells_a_part(client: Any, make: Make) -> None:
    make()
    put(client, Item={**KEY, "x": {"S": "1"}, "y": {"S": "2"}})
    assert get(client, ProjectionExpression="x") == {"x": {"S": "1"}}
    assert get(client, ProjectionExpression="#y", ExpressionAttributeNames={"#y": "y"}) == {"y": {"S": "2"}}
    assert get(client, ProjectionExpression="z") == {}
    assert get(client, AttributesToGet=["x", "z"]) == {"x": {"S": "1"}}


def test_what_was_consumed_is_told(client: Any, make: Make) -> None:
    make(gsi={"by-g": ("g",)})
    item = {**KEY, "g": {"S": "g"}, "fill": {"S": "x" * 5000}}
    wrote = put(client, Item=item, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert wrote == {
        "TableName": "table",
        "CapacityUnits": 10.0,
        "Table": {"CapacityUnits": 5.0},
        "GlobalSecondaryIndexes": {"by-g": {"CapacityUnits": 5.0}},
    }
    again = put(client, Item=item, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert again == {"TableName": "table", "CapacityUnits": 5.0, "Table": {"CapacityUnits": 5.0}}
    moved = put(client, Item={**item, "g": {"S": "h"}}, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert moved == {"TableName": "table", "CapacityUnits": 15.0}
    for consistent, units in ((False, 1.0), (True, 2.0)):
        answer = client.get_item(TableName="table", Key=KEY, ConsistentRead=consistent, ReturnConsumedCapacity="TOTAL")
        assert answer["ConsumedCapacity"] == {"TableName": "table", "CapacityUnits": units}


def test_item_collections_are_told_of_tables_with_local_indexes(client: Any, make: Make) -> None:
    make("table", "pk:S", "sk:S", lsi={"by-l": ("pk", "l")})
    answer = put(client, Item={**KEY, "sk": {"S": "x"}}, ReturnItemCollectionMetrics="SIZE")
    assert answer["ItemCollectionMetrics"] == {"ItemCollectionKey": KEY, "SizeEstimateRangeGB": [0.0, 1.0]}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"x": {"S": "1"}}, "One or more parameter values were invalid: Missing the key pk in the item"),
        (
            {"pk": {"N": "1"}},
            "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N",
        ),
        (
            {"pk": {"S": ""}},
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            "empty string value. Key: pk",
        ),
        (
            {"pk": {"S": "x" * 2049}},
            "One or more parameter values were invalid: "
            "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        (
            {**KEY, "g": {"N": "1"}},
            "One or more parameter values were invalid: "
            "Type mismatch for Index Key g Expected: S Actual: N IndexName: by-g",
        ),
        ({**KEY, "x": {"S": "x" * 409_600}}, "Item size has exceeded the maximum allowed size"),
    ],
)
def test_items_that_are_refused(client: Any, make: Make, item: dict[str, Any], message: str) -> None:
    make(gsi={"by-g": ("g",)})
    assert refused(lambda: put(client, Item=item)) == ("ValidationException", message)


def test_requests_that_are_refused(client: Any, make: Make) -> None:
    make()
    assert refused(lambda: client.get_item(TableName="table", Key={"other": {"S": "a"}})) == (
        "ValidationException",
        "The provided key element does not match the schema",
    )
    assert refused(lambda: client.get_item(TableName="missing", Key=KEY)) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )
    assert refused(lambda: put(client, Item=KEY, ReturnValues="ALL_NEW")) == (
        "ValidationException",
        "ReturnValues can only be ALL_OLD or NONE",
    )
    assert refused(
        lambda: put(client, Item=KEY, Expected={"x": {"Exists": False}}, ConditionExpression="attribute_exists(x)")
    ) == (
        "ValidationException",
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}",
    )
    assert refused(lambda: put(client, Item=KEY, ExpressionAttributeValues={":x": {"S": ""}})) == (
        "ValidationException",
        "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
    )
    assert refused(
        lambda: client.update_item(
            TableName="table",
            Key=KEY,
            UpdateExpression="SET pk = :x",
            ExpressionAttributeValues={":x": {"S": "b"}},
        )
    ) == (
        "ValidationException",
        "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
    )
