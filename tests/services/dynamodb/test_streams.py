"""DynamoDB Streams: what was written comes out, in order, as the view type has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., dict[str, Any]]
KEY = {"pk": {"S": "a"}}
DAY = 86_400


def with_view(view: str) -> dict[str, Any]:
    return {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}}


def iterator(streams: Any, arn: str, kind: str = "TRIM_HORIZON", **options: Any) -> str:
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    return streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **options)["ShardIterator"]


def records(streams: Any, arn: str, kind: str = "TRIM_HORIZON", **options: Any) -> list[dict[str, Any]]:
    return streams.get_records(ShardIterator=iterator(streams, arn, kind, **options))["Records"]


def change(client: Any) -> None:
    """An insert, a rewrite without effect, a change and a deletion."""
    item = {**KEY, "x": {"S": "one"}}
    client.put_item(TableName="table", Item=item)
    client.put_item(TableName="table", Item=item)
    client.put_item(TableName="table", Item={**KEY, "x": {"S": "three"}})
    client.delete_item(TableName="table", Key=KEY)
    client.delete_item(TableName="table", Key=KEY)


@pytest.mark.parametrize(
    ("view", "images", "sizes"),
    [
        ("KEYS_ONLY", [set(), set(), set()], [3, 3, 3]),
        ("NEW_IMAGE", [{"NewImage"}, {"NewImage"}, set()], [10, 12, 3]),
        ("OLD_IMAGE", [set(), {"OldImage"}, {"OldImage"}], [3, 10, 12]),
        ("NEW_AND_OLD_IMAGES", [{"NewImage"}, {"NewImage", "OldImage"}, {"OldImage"}], [10, 19, 12]),
    ],
)
def test_each_change_is_told_as_the_view_type_has_it(
    client: Any, streams: Any, make: Make, view: str, images: list[set[str]], sizes: list[int]
) -> None:
    arn = make(**with_view(view))["LatestStreamArn"]
    change(client)
    found = records(streams, arn)
    assert [record["eventName"] for record in found] == ["INSERT", "MODIFY", "REMOVE"]
    assert [set(record["dynamodb"]) & {"NewImage", "OldImage"} for record in found] == images
    assert [record["dynamodb"]["SizeBytes"] for record in found] == sizes
    numbers = [record["dynamodb"]["SequenceNumber"] for record in found]
    assert numbers == sorted(numbers)
    for record in found:
        assert (record["eventVersion"], record["eventSource"]) == ("1.1", "aws:dynamodb")
        assert record["awsRegion"] == "us-east-1"
        assert record["dynamodb"]["Keys"] == KEY
        assert record["dynamodb"]["StreamViewType"] == view
        assert len(record["eventID"]) == 32
    assert len({record["eventID"] for record in found}) == 3
    if "NewImage" in images[0]:
        assert found[0]["dynamodb"]["NewImage"] == {**KEY, "x": {"S": "one"}}


def test_batches_and_transactions_are_told_as_well(client: Any, streams: Any, make: Make) -> None:
    arn = make(**with_view("NEW_IMAGE"))["LatestStreamArn"]
    client.batch_write_item(RequestItems={"table": [{"PutRequest": {"Item": KEY}}]})
    client.transact_write_items(TransactItems=[{"Delete": {"TableName": "table", "Key": KEY}}])
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "table", "Item": KEY}},
                {
                    "ConditionCheck": {
                        "TableName": "table",
                        "Key": {"pk": {"S": "b"}},
                        "ConditionExpression": "attribute_exists(pk)",
                    }
                },
            ]
        )
    assert [record["eventName"] for record in records(streams, arn)] == ["INSERT", "REMOVE"]


def test_reading_goes_on_where_it_stopped(client: Any, streams: Any, make: Make) -> None:
    arn = make(**with_view("KEYS_ONLY"))["LatestStreamArn"]
    latest = iterator(streams, arn, "LATEST")
    for number in range(5):
        client.put_item(TableName="table", Item={"pk": {"S": str(number)}})
    first = streams.get_records(ShardIterator=iterator(streams, arn), Limit=2)
    second = streams.get_records(ShardIterator=first["NextShardIterator"])
    told = [record["dynamodb"]["Keys"]["pk"]["S"] for record in first["Records"] + second["Records"]]
    assert told == ["0", "1", "2", "3", "4"]
    assert streams.get_records(ShardIterator=second["NextShardIterator"])["Records"] == []
    assert len(streams.get_records(ShardIterator=latest)["Records"]) == 5
    third = second["Records"][0]["dynamodb"]["SequenceNumber"]
    assert len(records(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=third)) == 3
    assert len(records(streams, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=third)) == 2


def test_streams_are_listed_and_described(client: Any, streams: Any, make: Make) -> None:
    table = make("table", "pk:S", "sk:S", **with_view("OLD_IMAGE"))
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"}
    arn = table["LatestStreamArn"]
    assert arn == f"{table['TableArn']}/stream/{table['LatestStreamLabel']}"
    make("other", **with_view("KEYS_ONLY"))
    listed = streams.list_streams(TableName="table")["Streams"]
    assert listed == [{"StreamArn": arn, "TableName": "table", "StreamLabel": table["LatestStreamLabel"]}]
    first = streams.list_streams(Limit=1)
    rest = streams.list_streams(ExclusiveStartStreamArn=first["LastEvaluatedStreamArn"])
    assert [one["TableName"] for one in first["Streams"] + rest["Streams"]] == ["other", "table"]
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "ENABLED"
    assert described["KeySchema"] == table["KeySchema"]
    assert "EndingSequenceNumber" not in described["Shards"][0]["SequenceNumberRange"]
    with pytest.raises(streams.exceptions.ResourceNotFoundException, match="Stream: .* not found"):
        streams.describe_stream(StreamArn=arn + "9")


@pytest.mark.kumoi_clock
def test_a_stream_outlives_its_end_by_a_day(client: Any, streams: Any, make: Make, kumoi: Any) -> None:
    arn = make(**with_view("NEW_IMAGE"))["LatestStreamArn"]
    client.put_item(TableName="table", Item=KEY)
    with pytest.raises(ClientError, match="already has an enabled stream"):
        client.update_table(TableName="table", **with_view("KEYS_ONLY"))
    client.update_table(TableName="table", StreamSpecification={"StreamEnabled": False})
    client.put_item(TableName="table", Item={**KEY, "x": {"S": "untold"}})
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "DISABLED"
    answer = streams.get_records(ShardIterator=iterator(streams, arn))
    assert len(answer["Records"]) == 1
    assert "NextShardIterator" not in answer
    again = client.update_table(TableName="table", **with_view("KEYS_ONLY"))["TableDescription"]["LatestStreamArn"]
    assert again != arn
    client.delete_table(TableName="table")
    assert len(streams.list_streams(TableName="table")["Streams"]) == 2
    kumoi.advance(2 * DAY)
    assert streams.list_streams(TableName="table")["Streams"] == []
    with pytest.raises(streams.exceptions.ResourceNotFoundException):
        streams.describe_stream(StreamArn=arn)


@pytest.mark.kumoi_clock
def test_records_and_iterators_grow_old(client: Any, streams: Any, make: Make, kumoi: Any) -> None:
    arn = make(**with_view("KEYS_ONLY"))["LatestStreamArn"]
    client.put_item(TableName="table", Item=KEY)
    number = records(streams, arn)[0]["dynamodb"]["SequenceNumber"]
    begin = iterator(streams, arn)
    kumoi.advance(901)
    with pytest.raises(streams.exceptions.ExpiredIteratorException):
        streams.get_records(ShardIterator=begin)
    kumoi.advance(DAY + 7200)
    client.put_item(TableName="table", Item={"pk": {"S": "b"}})
    assert [record["dynamodb"]["Keys"] for record in records(streams, arn)] == [{"pk": {"S": "b"}}]
    with pytest.raises(streams.exceptions.TrimmedDataAccessException):
        iterator(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=number)
    with pytest.raises(ClientError, match="Invalid ShardIterator"):
        streams.get_records(ShardIterator="garbage")


@pytest.mark.kumoi_clock
def test_expired_items_are_told_as_the_services_own_deletions(
    client: Any, streams: Any, make: Make, kumoi: Any
) -> None:
    table = make(**with_view("OLD_IMAGE"))
    specification = {"AttributeName": "ttl", "Enabled": True}
    client.update_time_to_live(TableName="table", TimeToLiveSpecification=specification)
    expires = int(client.describe_table(TableName="table")["Table"]["CreationDateTime"].timestamp()) + 60
    client.put_item(TableName="table", Item={**KEY, "ttl": {"N": str(expires)}})
    kumoi.advance(120)
    removed = records(streams, table["LatestStreamArn"])[-1]
    assert removed["eventName"] == "REMOVE"
    assert removed["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
