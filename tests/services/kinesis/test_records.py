"""Records: put into the shard of their key, read in order from every kind of place."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., Any]


def put(kinesis: Any, *texts: str, key: str = "a") -> list[str]:
    """Put records one by one; their sequence numbers."""
    return [
        kinesis.put_record(StreamName="events", Data=text.encode(), PartitionKey=key)["SequenceNumber"]
        for text in texts
    ]


def test_a_record_goes_where_the_md5_of_its_key_lies(kinesis: Any, stream: Make) -> None:
    stream(4)
    shards = kinesis.list_shards(StreamName="events")["Shards"]
    for key in ("a", "b", "Straße", "🛸"):
        where = int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest())
        [wanted] = [
            shard["ShardId"]
            for shard in shards
            if int(shard["HashKeyRange"]["StartingHashKey"]) <= where <= int(shard["HashKeyRange"]["EndingHashKey"])
        ]
        assert kinesis.put_record(StreamName="events", Data=b"x", PartitionKey=key)["ShardId"] == wanted
    last = str(2**128 - 1)
    told = kinesis.put_record(StreamName="events", Data=b"x", PartitionKey="a", ExplicitHashKey=last)
    assert told["ShardId"] == "shardId-000000000003"
    with pytest.raises(ClientError, match="Invalid ExplicitHashKey"):
        kinesis.put_record(StreamName="events", Data=b"x", PartitionKey="a", ExplicitHashKey=str(2**128))


def test_records_are_read_in_order_and_to_the_tip(kinesis: Any, stream: Make) -> None:
    reader = stream()
    numbers = put(kinesis, "1", "2", "3")
    assert numbers == sorted(numbers, key=int)
    first = kinesis.get_records(ShardIterator=reader.iterator(), Limit=2)
    assert [record["Data"] for record in first["Records"]] == [b"1", b"2"]
    assert [record["SequenceNumber"] for record in first["Records"]] == numbers[:2]
    assert first["Records"][0]["PartitionKey"] == "a"
    assert abs(first["Records"][0]["ApproximateArrivalTimestamp"].timestamp() - time.time()) < 60
    rest = kinesis.get_records(ShardIterator=first["NextShardIterator"])
    assert ([record["Data"] for record in rest["Records"]], rest["MillisBehindLatest"]) == ([b"3"], 0)
    tip = kinesis.get_records(ShardIterator=rest["NextShardIterator"])
    assert (tip["Records"], "NextShardIterator" in tip) == ([], True)
    put(kinesis, "4")
    assert [r["Data"] for r in kinesis.get_records(ShardIterator=tip["NextShardIterator"])["Records"]] == [b"4"]


def test_every_kind_of_iterator(kinesis: Any, stream: Make) -> None:
    reader = stream()
    latest = reader.iterator(kind="LATEST")
    numbers = put(kinesis, "1", "2", "3")
    assert reader.data(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == ["2", "3"]
    assert reader.data(kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == ["3"]
    assert reader.data(kind="LATEST") == []
    assert len(kinesis.get_records(ShardIterator=latest)["Records"]) == 3
    shard = kinesis.list_shards(StreamName="events")["Shards"][0]
    start = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    assert reader.data(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=start) == ["1", "2", "3"]
    arrivals = [
        record["ApproximateArrivalTimestamp"]
        for record in kinesis.get_records(ShardIterator=reader.iterator())["Records"]
    ]
    assert reader.data(kind="AT_TIMESTAMP", Timestamp=arrivals[2])[-1] == "3"
    assert reader.data(kind="AT_TIMESTAMP", Timestamp=0) == ["1", "2", "3"]
    assert reader.data(kind="AT_TIMESTAMP", Timestamp=time.time() + 86_400 * 400) == []


def test_what_no_iterator_can_be_made_of_is_refused_in_awss_words(kinesis: Any, stream: Make, kumoi: Any) -> None:
    reader = stream(2)
    [number] = put(kinesis, "1", key="a")
    wrong = {
        "shardId-000000000009": ({}, "Shard shardId-000000000009 in stream events under account"),
        "nonsense": ({}, "Shard nonsense in stream events under account"),
    }
    for shard, (where, message) in wrong.items():
        with pytest.raises(kinesis.exceptions.ResourceNotFoundException, match=message):
            reader.iterator(shard, **where)
    for kind, where, message in (
        ("AT_SEQUENCE_NUMBER", {}, "Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber."),
        ("LATEST", {"StartingSequenceNumber": number}, "Request specified LATEST and also a StartingSequenceNumber."),
        ("AT_SEQUENCE_NUMBER", {"StartingSequenceNumber": "7"}, "is invalid."),
        ("AT_TIMESTAMP", {}, "Current request has no timestamp parameter"),
    ):
        with pytest.raises(kinesis.exceptions.InvalidArgumentException, match=message):
            reader.iterator(kind=kind, **where)
    other = {"shardId-000000000000": "shardId-000000000001", "shardId-000000000001": "shardId-000000000000"}
    shard = next(name for name in other if reader.data(name))
    with pytest.raises(kinesis.exceptions.InvalidArgumentException, match=f"It encodes {shard}"):
        reader.iterator(other[shard], kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=number)
    with pytest.raises(kinesis.exceptions.InvalidArgumentException, match="Invalid ShardIterator."):
        kinesis.get_records(ShardIterator="AAAAAAAA")


def test_many_records_at_once_keep_their_order(kinesis: Any, stream: Make) -> None:
    reader = stream()
    entries = [{"Data": f"{number}".encode(), "PartitionKey": f"k{number}"} for number in range(500)]
    answer = kinesis.put_records(StreamName="events", Records=entries)
    assert (answer["FailedRecordCount"], len(answer["Records"])) == (0, 500)
    assert reader.data() == [str(number) for number in range(500)]
    numbers = [int(record["SequenceNumber"]) for record in answer["Records"]]
    assert numbers == sorted(numbers)


def test_sizes_have_bounds(kinesis: Any, stream: Make) -> None:
    stream()
    mebibyte = bytes(1 << 20)
    kinesis.put_record(StreamName="events", Data=mebibyte[1:], PartitionKey="a")
    with pytest.raises(ClientError, match="Value at 'data' failed to satisfy constraint: Member must have length less"):
        kinesis.put_record(StreamName="events", Data=mebibyte, PartitionKey="a")
    entries = [{"Data": b"x", "PartitionKey": "a"}, {"Data": mebibyte, "PartitionKey": "a"}]
    with pytest.raises(ClientError, match=r"Value at 'records.2.member.data'"):
        kinesis.put_records(StreamName="events", Records=entries)
    with pytest.raises(ClientError, match="less than or equal to 500"):
        kinesis.put_records(StreamName="events", Records=[entries[0]] * 501)
    with pytest.raises(ClientError, match="exceeds 10 MB"):
        kinesis.put_records(StreamName="events", Records=[{"Data": mebibyte[1:], "PartitionKey": "a"}] * 11)


def test_an_answer_holds_ten_mebibytes_at_most(kinesis: Any, stream: Make) -> None:
    reader = stream()
    for _ in range(2):
        kinesis.put_records(
            StreamName="events", Records=[{"Data": bytes(1_000_000), "PartitionKey": "a"} for _ in range(6)]
        )
    first = kinesis.get_records(ShardIterator=reader.iterator())
    assert len(first["Records"]) == 10
    assert len(kinesis.get_records(ShardIterator=first["NextShardIterator"])["Records"]) == 2
