"""Global indexes made and dropped while a table is used; indexes always hold what their items say."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., dict[str, Any]]


def create_index(client: Any, name: str = "by-g", **options: Any) -> dict[str, Any]:
    created = {
        "IndexName": name,
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        **options,
    }
    return client.update_table(
        TableName="table",
        AttributeDefinitions=[{"AttributeName": "g", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": created}],
    )["TableDescription"]


def wait_until_active(client: Any) -> None:
    deadline = time.monotonic() + 60
    while any(
        index["IndexStatus"] != "ACTIVE"
        for index in client.describe_table(TableName="table")["Table"]["GlobalSecondaryIndexes"]
    ):
        assert time.monotonic() < deadline, "the index is not active after 20 s"


def test_an_index_is_filled_while_the_table_is_written(client: Any, make: Make) -> None:
    make()
    for start in range(0, 350, 25):
        requests = [
            {"PutRequest": {"Item": {"pk": {"S": f"k{start + number}"}, "g": {"S": f"g{number % 5}"}}}}
            for number in range(25)
        ]
        client.batch_write_item(RequestItems={"table": requests})
    client.put_item(TableName="table", Item={"pk": {"S": "other type"}, "g": {"N": "1"}})
    client.put_item(TableName="table", Item={"pk": {"S": "without"}})
    told = create_index(client)
    assert told["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    client.put_item(TableName="table", Item={"pk": {"S": "new"}, "g": {"S": "g0"}})
    client.delete_item(TableName="table", Key={"pk": {"S": "k0"}})
    wait_until_active(client)
    found = client.scan(TableName="table", IndexName="by-g")["Items"]
    table = client.scan(TableName="table")["Items"]
    held = [item for item in table if "S" in item.get("g", {})]
    assert sorted(found, key=str) == sorted(held, key=str)
    assert client.describe_table(TableName="table")["Table"]["GlobalSecondaryIndexes"][0]["ItemCount"] == 350


def test_an_index_is_dropped(client: Any, make: Make) -> None:
    make(gsi={"by-g": ("g:S",)})
    client.put_item(TableName="table", Item={"pk": {"S": "a"}, "g": {"S": "x"}})
    dropped = client.update_table(TableName="table", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])[
        "TableDescription"
    ]
    assert dropped["GlobalSecondaryIndexes"][0]["IndexStatus"] == "DELETING"
    table = client.describe_table(TableName="table")["Table"]
    assert "GlobalSecondaryIndexes" not in table
    assert table["AttributeDefinitions"] == [{"AttributeName": "pk", "AttributeType": "S"}]
    create_index(client)
    wait_until_active(client)
    assert client.scan(TableName="table", IndexName="by-g")["Count"] == 1


def test_an_attribute_keeps_the_type_it_has(client: Any, make: Make) -> None:
    make(gsi={"by-g": ("g:S",)})
    client.update_table(
        TableName="table",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "N"} for name in ("g", "h", "pk")],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by-h",
                    "KeySchema": [
                        {"AttributeName": "h", "KeyType": "HASH"},
                        {"AttributeName": "g", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )
    wait_until_active(client)
    definitions = client.describe_table(TableName="table")["Table"]["AttributeDefinitions"]
    assert {one["AttributeName"]: one["AttributeType"] for one in definitions} == {"pk": "S", "g": "S", "h": "N"}
    client.put_item(TableName="table", Item={"pk": {"S": "a"}, "g": {"S": "x"}, "h": {"N": "1"}})
    for index in ("by-g", "by-h"):
        assert client.scan(TableName="table", IndexName=index)["Count"] == 1


def test_index_updates_that_are_refused(client: Any, make: Make) -> None:
    make(gsi={"by-g": ("g:S",)})
    with pytest.raises(ClientError, match="Attempting to create an index which already exists"):
        create_index(client)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.update_table(TableName="table", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "none"}}])
    with pytest.raises(ClientError, match="must not be null"):
        client.update_table(TableName="table", GlobalSecondaryIndexUpdates=[{}])
    deletes = [{"Delete": {"IndexName": name}} for name in ("by-g", "other")]
    with pytest.raises(client.exceptions.LimitExceededException):
        client.update_table(TableName="table", GlobalSecondaryIndexUpdates=deletes)
    with pytest.raises(ClientError, match="are not defined in AttributeDefinitions"):
        create_index(client, "by-h", KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}])


def test_indexes_always_hold_what_the_items_say(client: Any, make: Make) -> None:
    make(
        "table",
        "pk:S",
        "sk:S",
        gsi={"by-g": ("g:S", "n:N")},
        lsi={"by-n": ("pk", "n:N")},
        projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
    )
    rng = random.Random(7)
    for _ in range(150):
        key = {"pk": {"S": rng.choice("ab")}, "sk": {"S": rng.choice("xyz")}}
        attributes = {"g": {"S": rng.choice("gh")}, "n": {"N": str(rng.randrange(3))}, "x": {"S": rng.choice("12")}}
        kept = {name: value for name, value in attributes.items() if rng.random() < 0.7}
        if rng.random() < 0.2:
            client.delete_item(TableName="table", Key=key)
        else:
            client.put_item(TableName="table", Item={**key, **kept, "untold": {"S": str(rng.random())}})
    table = client.scan(TableName="table")["Items"]
    for index, needed in (("by-g", {"g", "n"}), ("by-n", {"n"})):
        names = {"pk", "sk", "x", *needed}
        expected = [
            {name: value for name, value in item.items() if name in names} for item in table if needed <= item.keys()
        ]
        found = client.scan(TableName="table", IndexName=index)["Items"]
        assert sorted(found, key=lambda item: sorted(map(str, item.items()))) == sorted(
            expected, key=lambda item: sorted(map(str, item.items()))
        )
