"""Shards split, merge and scale; readers go from parents to children without losing the order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., Any]
FIRST, SECOND = "shardId-000000000000", "shardId-000000000001"
MIDDLE = str(2**127)


def everything(kinesis: Any, reader: Any, key: str = "k") -> list[str]:
    """What a reader of all shards gets of one key, parents before children."""
    shards = kinesis.list_shards(StreamName="events")["Shards"]
    got: list[str] = []
    for shard in shards:
        got += reader.data(shard["ShardId"])
    return got


def test_a_split_closes_the_parent_and_names_the_children(kinesis: Any, stream: Make) -> None:
    reader = stream()
    before = kinesis.put_record(StreamName="events", Data=b"1", PartitionKey="k")["SequenceNumber"]
    kinesis.split_shard(StreamName="events", ShardToSplit=FIRST, NewStartingHashKey=MIDDLE)
    after = kinesis.put_record(StreamName="events", Data=b"2", PartitionKey="k")
    assert int(after["SequenceNumber"]) > int(before)
    parent, low, high = kinesis.list_shards(StreamName="events")["Shards"]
    assert int(parent["SequenceNumberRange"]["EndingSequenceNumber"]) > int(before)
    assert (low["ParentShardId"], high["ParentShardId"]) == (FIRST, FIRST)
    assert high["HashKeyRange"] == {"StartingHashKey": MIDDLE, "EndingHashKey": str(2**128 - 1)}
    assert "EndingSequenceNumber" not in low["SequenceNumberRange"]
    end = kinesis.get_records(ShardIterator=reader.iterator(FIRST))
    assert "NextShardIterator" not in end
    assert [child["ShardId"] for child in end["ChildShards"]] == [low["ShardId"], high["ShardId"]]
    assert end["ChildShards"][0]["ParentShards"] == [FIRST]
    assert everything(kinesis, reader) == ["1", "2"]


def test_a_merge_has_two_parents(kinesis: Any, stream: Make) -> None:
    stream(2)
    kinesis.merge_shards(StreamName="events", ShardToMerge=FIRST, AdjacentShardToMerge=SECOND)
    merged = kinesis.list_shards(StreamName="events")["Shards"][-1]
    assert (merged["ParentShardId"], merged["AdjacentParentShardId"]) == (FIRST, SECOND)
    assert merged["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(2**128 - 1)}


def test_what_cannot_be_split_or_merged(kinesis: Any, stream: Make) -> None:
    stream(3)
    for where in ("0", "1", str(2**128 - 1)):
        with pytest.raises(kinesis.exceptions.InvalidArgumentException, match="is not both greater than one plus"):
            kinesis.split_shard(StreamName="events", ShardToSplit=FIRST, NewStartingHashKey=where)
    with pytest.raises(kinesis.exceptions.InvalidArgumentException, match="are not an adjacent pair"):
        kinesis.merge_shards(StreamName="events", ShardToMerge=FIRST, AdjacentShardToMerge="shardId-000000000002")
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException, match="Could not find shard shardId-000000000007"):
        kinesis.split_shard(StreamName="events", ShardToSplit="shardId-000000000007", NewStartingHashKey="5")
    kinesis.merge_shards(StreamName="events", ShardToMerge=FIRST, AdjacentShardToMerge=SECOND)
    with pytest.raises(kinesis.exceptions.InvalidArgumentException, match="already been merged or split"):
        kinesis.split_shard(StreamName="events", ShardToSplit=FIRST, NewStartingHashKey="5")


@pytest.mark.parametrize(("has", "wanted"), [(1, 2), (2, 4), (4, 2), (3, 5), (5, 3), (4, 3), (3, 3)])
def test_scaling_leaves_even_ranges_and_the_order(kinesis: Any, stream: Make, has: int, wanted: int) -> None:
    reader = stream(has)
    kinesis.put_record(StreamName="events", Data=b"1", PartitionKey="k")
    answer = kinesis.update_shard_count(StreamName="events", TargetShardCount=wanted, ScalingType="UNIFORM_SCALING")
    assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (has, wanted)
    kinesis.put_record(StreamName="events", Data=b"2", PartitionKey="k")
    shards = kinesis.list_shards(StreamName="events", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    starts = sorted(int(shard["HashKeyRange"]["StartingHashKey"]) for shard in shards)
    assert starts == [2**128 * number // wanted for number in range(wanted)]
    everywhere = kinesis.list_shards(StreamName="events")["Shards"]
    numbers = {shard["ShardId"]: shard for shard in everywhere}
    for shard in everywhere:
        for parent in (shard.get("ParentShardId"), shard.get("AdjacentParentShardId")):
            if parent is not None:
                assert int(numbers[parent]["SequenceNumberRange"]["EndingSequenceNumber"]) < int(
                    shard["SequenceNumberRange"]["StartingSequenceNumber"]
                )
    assert everything(kinesis, reader) == ["1", "2"]


def test_scaling_goes_to_double_or_half_at_most(kinesis: Any, stream: Make) -> None:
    stream(4)
    for count, message in ((9, "scale up over double"), (1, "scale down below half")):
        with pytest.raises(ClientError, match=message):
            kinesis.update_shard_count(StreamName="events", TargetShardCount=count, ScalingType="UNIFORM_SCALING")


def test_shards_are_listed_in_pages_and_by_filters(kinesis: Any, stream: Make) -> None:
    stream(3)
    first = kinesis.list_shards(StreamName="events", MaxResults=2)
    assert [shard["ShardId"][-1] for shard in first["Shards"]] == ["0", "1"]
    rest = kinesis.list_shards(NextToken=first["NextToken"])
    assert [shard["ShardId"][-1] for shard in rest["Shards"]] == ["2"]
    assert "NextToken" not in rest
    kinesis.split_shard(StreamName="events", ShardToSplit=FIRST, NewStartingHashKey="12345")

    def listed(**shard_filter: Any) -> str:
        shards = kinesis.list_shards(StreamName="events", ShardFilter=shard_filter)["Shards"]
        return "".join(shard["ShardId"][-1] for shard in shards)

    assert listed(Type="AT_LATEST") == "1234"
    assert listed(Type="AT_TRIM_HORIZON") == "012"
    assert listed(Type="FROM_TRIM_HORIZON") == "01234"
    assert listed(Type="AFTER_SHARD_ID", ShardId=SECOND) == "234"
    page = kinesis.describe_stream(StreamName="events", ExclusiveStartShardId=SECOND, Limit=2)["StreamDescription"]
    assert ([shard["ShardId"][-1] for shard in page["Shards"]], page["HasMoreShards"]) == (["2", "3"], True)
    with pytest.raises(ClientError, match="cannot be provided together"):
        kinesis.list_shards(StreamName="events", NextToken=first["NextToken"])
    with pytest.raises(ClientError, match="Either NextToken or StreamName"):
        kinesis.list_shards()
    with pytest.raises(ClientError, match="NextToken is invalid"):
        kinesis.list_shards(NextToken="nonsense")
