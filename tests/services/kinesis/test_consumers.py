"""Consumers, and SubscribeToShard over a real event stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., Any]
SHARD = "shardId-000000000000"


@pytest.fixture
def arn(stream: Make, kumoi: Any) -> str:
    stream()
    return f"arn:aws:kinesis:us-east-1:{kumoi.account}:stream/events"


@pytest.fixture
def subscribe(kinesis: Any) -> Iterator[Callable[..., Iterator[Any]]]:
    """Subscribe a consumer to the first shard; its events."""
    opened: list[Any] = []

    def make(consumer: str, kind: str, **where: Any) -> Iterator[Any]:
        position = {"Type": kind, **where}
        answer = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=SHARD, StartingPosition=position)
        opened.append(answer["EventStream"])
        return iter(answer["EventStream"])

    yield make
    for one in opened:
        one.close()


def data(events: Iterator[Any], number: int) -> list[bytes]:
    """The next so many records of a subscription."""
    got: list[bytes] = []
    while len(got) < number:
        got += [record["Data"] for record in next(events)["SubscribeToShardEvent"]["Records"]]
    return got


def test_consumers_are_registered_listed_and_deregistered(kinesis: Any, arn: str) -> None:
    made = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="one")["Consumer"]
    assert made["ConsumerARN"].startswith(f"{arn}/consumer/one:")
    described = kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])["ConsumerDescription"]
    assert (described["ConsumerStatus"], described["StreamARN"]) == ("ACTIVE", arn)
    with pytest.raises(kinesis.exceptions.ResourceInUseException):
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="one")
    kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="two", Tags={"a": "1"})
    first = kinesis.list_stream_consumers(StreamARN=arn, MaxResults=1)
    assert [one["ConsumerName"] for one in first["Consumers"]] == ["one"]
    rest = kinesis.list_stream_consumers(StreamARN=arn, NextToken=first["NextToken"])["Consumers"]
    assert [one["ConsumerName"] for one in rest] == ["two"]
    assert kinesis.list_tags_for_resource(ResourceARN=rest[0]["ConsumerARN"])["Tags"] == [{"Key": "a", "Value": "1"}]
    with pytest.raises(kinesis.exceptions.ResourceInUseException, match="registered consumers"):
        kinesis.delete_stream(StreamARN=arn)
    kinesis.deregister_stream_consumer(StreamARN=arn, ConsumerName="one")
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException, match="Consumer one under account"):
        kinesis.describe_stream_consumer(StreamARN=arn, ConsumerName="one")
    kinesis.delete_stream(StreamARN=arn, EnforceConsumerDeletion=True)


def test_twenty_consumers_are_enough(kinesis: Any, arn: str) -> None:
    for number in range(20):
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=f"c{number}")
    with pytest.raises(kinesis.exceptions.LimitExceededException):
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c20")


def test_a_subscription_tells_what_was_there_and_what_comes(kinesis: Any, arn: str, subscribe: Make) -> None:
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="one")["Consumer"]["ConsumerARN"]
    kinesis.put_record(StreamARN=arn, Data=b"1", PartitionKey="a")
    answer = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=SHARD, StartingPosition={"Type": "TRIM_HORIZON"})
    events = iter(answer["EventStream"])
    assert data(events, 1) == [b"1"]
    kinesis.put_record(StreamARN=arn, Data=b"2", PartitionKey="a")
    event = next(events)["SubscribeToShardEvent"]
    assert [record["Data"] for record in event["Records"]] == [b"2"]
    assert event["ContinuationSequenceNumber"] == event["Records"][-1]["SequenceNumber"]
    assert event["MillisBehindLatest"] == 0
    with pytest.raises(ClientError, match="Another active subscription exists for this consumer"):
        subscribe(consumer, "LATEST")
    kinesis.split_shard(StreamARN=arn, ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
    last = next(events)["SubscribeToShardEvent"]
    assert [child["ParentShards"] for child in last["ChildShards"]] == [[SHARD], [SHARD]]
    assert list(events) == []


@pytest.mark.kumoi_clock
def test_a_later_subscription_takes_over_and_goes_on_where_the_first_was(
    kinesis: Any, arn: str, kumoi: Any, subscribe: Make
) -> None:
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="one")["Consumer"]["ConsumerARN"]
    events = subscribe(consumer, "TRIM_HORIZON")
    kinesis.put_record(StreamARN=arn, Data=b"1", PartitionKey="a")
    number = ""
    while not number:
        told = next(events)["SubscribeToShardEvent"]
        number = told["ContinuationSequenceNumber"] if told["Records"] else ""
    kumoi.advance("6s")
    second = subscribe(consumer, "AFTER_SEQUENCE_NUMBER", SequenceNumber=number)
    assert all(not event["SubscribeToShardEvent"]["Records"] for event in events)  # and it ends
    kinesis.put_record(StreamARN=arn, Data=b"2", PartitionKey="a")
    assert data(second, 1) == [b"2"]


def test_a_subscription_of_what_is_not_there(kinesis: Any, arn: str) -> None:
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="one")["Consumer"]["ConsumerARN"]
    wrong = f"{arn}/consumer/other:12345"
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.subscribe_to_shard(ConsumerARN=wrong, ShardId=SHARD, StartingPosition={"Type": "LATEST"})
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.subscribe_to_shard(
            ConsumerARN=consumer, ShardId="shardId-000000000009", StartingPosition={"Type": "LATEST"}
        )
