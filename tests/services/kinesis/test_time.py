"""Retention, expiry of iterators, and being behind: on the platform's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
pytestmark = pytest.mark.kumoi_clock


def put(kinesis: Any, text: str) -> None:
    kinesis.put_record(StreamName="events", Data=text.encode(), PartitionKey="a")


def test_an_iterator_expires_after_five_minutes(kinesis: Any, stream: Make, kumoi: Any) -> None:
    reader = stream()
    iterator = reader.iterator()
    kumoi.advance("4m50s")
    kinesis.get_records(ShardIterator=iterator)
    kumoi.advance("15s")
    with pytest.raises(kinesis.exceptions.ExpiredIteratorException, match="tolerated delay of 300000 milliseconds"):
        kinesis.get_records(ShardIterator=iterator)


def test_how_far_a_reader_is_behind(kinesis: Any, stream: Make, kumoi: Any) -> None:
    reader = stream()
    put(kinesis, "1")
    put(kinesis, "2")
    kumoi.advance("10s")
    answer = kinesis.get_records(ShardIterator=reader.iterator(), Limit=1)
    assert 10_000 <= answer["MillisBehindLatest"] < 70_000
    rest = kinesis.get_records(ShardIterator=answer["NextShardIterator"])
    assert rest["MillisBehindLatest"] == 0


def test_records_are_kept_for_the_retention_period(kinesis: Any, stream: Make, kumoi: Any) -> None:
    reader = stream()
    put(kinesis, "old")
    number = kinesis.get_records(ShardIterator=reader.iterator())["Records"][0]["SequenceNumber"]
    kumoi.advance("23h30m")
    put(kinesis, "new")
    assert reader.data() == ["old", "new"]
    kumoi.advance("31m")
    assert reader.data() == ["new"]
    assert reader.data(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=number) == ["new"]
    kumoi.advance("2h")
    kinesis.increase_stream_retention_period(StreamName="events", RetentionPeriodHours=48)
    kumoi.advance("23h")
    assert reader.data() == ["new"]
    kumoi.advance("24h")
    assert reader.data() == []
    put(kinesis, "newest")
    assert reader.data() == ["newest"]


def test_a_time_is_found_among_records(kinesis: Any, stream: Make, kumoi: Any) -> None:
    reader = stream()
    for hour in range(5):
        put(kinesis, f"{hour}")
        kumoi.advance("1h")
    arrivals = [
        record["ApproximateArrivalTimestamp"].timestamp()
        for record in kinesis.get_records(ShardIterator=reader.iterator())["Records"]
    ]
    for hour in range(5):
        wanted = [f"{one}" for one in range(hour, 5)]
        assert reader.data(kind="AT_TIMESTAMP", Timestamp=arrivals[hour]) == wanted
        assert reader.data(kind="AT_TIMESTAMP", Timestamp=arrivals[hour] - 60) == wanted


def test_a_closed_shard_goes_with_its_last_record(kinesis: Any, stream: Make, kumoi: Any) -> None:
    stream()
    put(kinesis, "1")
    kinesis.split_shard(StreamName="events", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    assert len(kinesis.list_shards(StreamName="events")["Shards"]) == 3
    kumoi.advance("26h")
    shards = kinesis.list_shards(StreamName="events")["Shards"]
    assert [shard["ShardId"][-2:] for shard in shards] == ["01", "02"]
    assert len(kinesis.describe_stream(StreamName="events")["StreamDescription"]["Shards"]) == 2
