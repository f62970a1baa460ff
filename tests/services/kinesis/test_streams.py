"""Streams: made, described, listed, configured, deleted, in AWS's words where that fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., Any]


def test_a_provisioned_stream_shares_the_hash_keys_out_evenly(kinesis: Any, stream: Make, kumoi: Any) -> None:
    stream(3)
    told = kinesis.describe_stream(StreamName="events")["StreamDescription"]
    assert told["StreamARN"] == f"arn:aws:kinesis:us-east-1:{kumoi.account}:stream/events"
    assert (told["StreamStatus"], told["StreamModeDetails"]) == ("ACTIVE", {"StreamMode": "PROVISIONED"})
    assert (told["RetentionPeriodHours"], told["EncryptionType"], told["HasMoreShards"]) == (24, "NONE", False)
    ranges = [shard["HashKeyRange"] for shard in told["Shards"]]
    assert ranges[0]["StartingHashKey"] == "0"
    assert ranges[-1]["EndingHashKey"] == "340282366920938463463374607431768211455"
    for one, following in itertools.pairwise(ranges):
        assert int(one["EndingHashKey"]) + 1 == int(following["StartingHashKey"])
    assert [shard["ShardId"][-2:] for shard in told["Shards"]] == ["00", "01", "02"]


def test_a_stream_without_a_number_of_shards_is_on_demand_with_four(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="events")
    told = kinesis.describe_stream_summary(StreamName="events")["StreamDescriptionSummary"]
    assert told["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert (told["OpenShardCount"], told["ConsumerCount"]) == (4, 0)
    with pytest.raises(ClientError, match="is in On-Demand mode"):
        kinesis.update_shard_count(StreamName="events", TargetShardCount=8, ScalingType="UNIFORM_SCALING")


def test_a_name_is_taken_until_its_stream_is_deleted(kinesis: Any, stream: Make, kumoi: Any) -> None:
    stream()
    with pytest.raises(kinesis.exceptions.ResourceInUseException) as refused:
        kinesis.create_stream(StreamName="events", ShardCount=1)
    message = refused.value.response["Error"]["Message"]
    assert message == f"Stream events under account {kumoi.account} already exists."
    kinesis.put_record(StreamName="events", Data=b"old", PartitionKey="a")
    kinesis.delete_stream(StreamName="events")
    kinesis.get_waiter("stream_not_exists").wait(StreamName="events")
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException) as missing:
        kinesis.describe_stream(StreamName="events")
    message = missing.value.response["Error"]["Message"]
    assert message == f"Stream events under account {kumoi.account} not found."
    reader = stream()
    assert reader.data() == []


def test_streams_are_listed_in_pages(kinesis: Any, stream: Make) -> None:
    for name in ("a", "b", "c"):
        stream(name=name)
    first = kinesis.list_streams(Limit=2)
    assert (first["StreamNames"], first["HasMoreStreams"]) == (["a", "b"], True)
    rest = kinesis.list_streams(NextToken=first["NextToken"])
    assert (rest["StreamNames"], rest["HasMoreStreams"]) == (["c"], False)
    assert rest["StreamSummaries"][0]["StreamStatus"] == "ACTIVE"


def test_a_stream_is_named_by_its_arn_too(kinesis: Any, stream: Make, kumoi: Any) -> None:
    stream()
    arn = f"arn:aws:kinesis:us-east-1:{kumoi.account}:stream/events"
    assert kinesis.describe_stream_summary(StreamARN=arn)["StreamDescriptionSummary"]["StreamName"] == "events"
    kinesis.put_record(StreamARN=arn, Data=b"x", PartitionKey="a")
    with pytest.raises(ClientError, match="does not match"):
        kinesis.describe_stream_summary(StreamARN=arn, StreamName="other")
    with pytest.raises(ClientError, match="Either StreamName or StreamARN"):
        kinesis.describe_stream_summary()


def test_tags(kinesis: Any, stream: Make, kumoi: Any) -> None:
    stream(Tags={"a": "1"})
    arn = f"arn:aws:kinesis:us-east-1:{kumoi.account}:stream/events"
    kinesis.add_tags_to_stream(StreamName="events", Tags={"b": "2", "c": "3"})
    kinesis.remove_tags_from_stream(StreamName="events", TagKeys=["a"])
    kinesis.tag_resource(ResourceARN=arn, Tags={"d": "4"})
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["c"])
    page = kinesis.list_tags_for_stream(StreamName="events", Limit=1)
    assert (page["Tags"], page["HasMoreTags"]) == ([{"Key": "b", "Value": "2"}], True)
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"][1:] == [{"Key": "d", "Value": "4"}]
    with pytest.raises(ClientError, match="more than 50 tags"):
        for start in range(0, 60, 10):
            kinesis.add_tags_to_stream(StreamName="events", Tags={f"t{n}": "" for n in range(start, start + 10)})
    with pytest.raises(ClientError, match="Some tags contain invalid characters"):
        kinesis.add_tags_to_stream(StreamName="events", Tags={"#": "x"})


def test_the_retention_period_grows_and_shrinks_between_a_day_and_a_year(kinesis: Any, stream: Make) -> None:
    stream()
    kinesis.increase_stream_retention_period(StreamName="events", RetentionPeriodHours=48)
    with pytest.raises(ClientError, match=r"\(47 hours\) for stream events can not be shorter than existing"):
        kinesis.increase_stream_retention_period(StreamName="events", RetentionPeriodHours=47)
    with pytest.raises(ClientError, match=r"\(72 hours\) for stream events can not be longer than existing"):
        kinesis.decrease_stream_retention_period(StreamName="events", RetentionPeriodHours=72)
    with pytest.raises(ClientError, match="Maximum allowed retention period is 8760 hours"):
        kinesis.increase_stream_retention_period(StreamName="events", RetentionPeriodHours=8761)
    kinesis.decrease_stream_retention_period(StreamName="events", RetentionPeriodHours=24)
    with pytest.raises(ClientError, match=r"Requested retention period \(23 hours\) is too short"):
        kinesis.decrease_stream_retention_period(StreamName="events", RetentionPeriodHours=23)


def test_encryption_shows_on_the_stream_and_on_the_records_that_come_then(kinesis: Any, stream: Make) -> None:
    reader = stream()
    assert "EncryptionType" not in kinesis.put_record(StreamName="events", Data=b"open", PartitionKey="a")
    kinesis.start_stream_encryption(StreamName="events", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    told = kinesis.describe_stream(StreamName="events")["StreamDescription"]
    assert (told["EncryptionType"], told["KeyId"]) == ("KMS", "alias/aws/kinesis")
    assert kinesis.put_record(StreamName="events", Data=b"kept", PartitionKey="a")["EncryptionType"] == "KMS"
    records = kinesis.get_records(ShardIterator=reader.iterator())["Records"]
    assert [record.get("EncryptionType") for record in records] == [None, "KMS"]
    kinesis.stop_stream_encryption(StreamName="events", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert kinesis.describe_stream(StreamName="events")["StreamDescription"]["EncryptionType"] == "NONE"


def test_mode_metrics_and_record_size_change(kinesis: Any, stream: Make, kumoi: Any) -> None:
    stream(2)
    arn = f"arn:aws:kinesis:us-east-1:{kumoi.account}:stream/events"
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    answer = kinesis.enable_enhanced_monitoring(StreamName="events", ShardLevelMetrics=["IncomingBytes"])
    assert (answer["CurrentShardLevelMetrics"], answer["DesiredShardLevelMetrics"]) == ([], ["IncomingBytes"])
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=2048)
    told = kinesis.describe_stream_summary(StreamName="events")["StreamDescriptionSummary"]
    assert told["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert told["EnhancedMonitoring"] == [{"ShardLevelMetrics": ["IncomingBytes"]}]
    assert (told["MaxRecordSizeInKiB"], told["OpenShardCount"]) == (2048, 2)
    answer = kinesis.disable_enhanced_monitoring(StreamName="events", ShardLevelMetrics=["ALL"])
    assert answer["DesiredShardLevelMetrics"] == []


def test_limits_are_told_and_kept(kinesis: Any, stream: Make) -> None:
    stream(3)
    kinesis.create_stream(StreamName="free")
    told = kinesis.describe_limits()
    assert (told["ShardLimit"], told["OpenShardCount"], told["OnDemandStreamCount"]) == (20_000, 3, 1)
    with pytest.raises(kinesis.exceptions.LimitExceededException, match="Current shard count for the account: 3"):
        kinesis.create_stream(StreamName="many", ShardCount=20_000)
    with pytest.raises(kinesis.exceptions.LimitExceededException, match="from this request: 2147483647"):
        kinesis.create_stream(StreamName="many", ShardCount=2**31 - 1)


def test_policies_are_kept_with_their_stream(kinesis: Any, stream: Make, kumoi: Any) -> None:
    stream()
    arn = f"arn:aws:kinesis:us-east-1:{kumoi.account}:stream/events"
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.get_resource_policy(ResourceARN=arn)
    policy = '{"Version": "2012-10-17", "Statement": []}'
    kinesis.put_resource_policy(ResourceARN=arn, Policy=policy)
    assert kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == policy
    kinesis.delete_resource_policy(ResourceARN=arn)
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.delete_resource_policy(ResourceARN=arn)
