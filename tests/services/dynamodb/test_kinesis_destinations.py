"""Changes of a table go to Kinesis streams, in order. That a crash loses none is in test_global_tables.py."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

Make = Callable[..., dict[str, Any]]


def stream(source: Any, name: str = "changes") -> str:
    kinesis = source.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    return str(kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"])


def records(source: Any, count: int, name: str = "changes") -> list[dict[str, Any]]:
    """What is in a stream once there is so much."""
    kinesis = source.client("kinesis")
    (shard,) = kinesis.list_shards(StreamName=name)["Shards"]
    start = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    deadline = time.monotonic() + 60
    while True:
        iterator = kinesis.get_shard_iterator(StreamName=name, **start)["ShardIterator"]
        found = kinesis.get_records(ShardIterator=iterator)["Records"]
        if len(found) >= count:
            return [json.loads(one["Data"]) for one in found]
        assert time.monotonic() < deadline, f"{len(found)} of {count} records"
        time.sleep(0.01)


def message(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Message"])


def test_changes_are_records(client: Any, make: Make, kumoi: Any) -> None:
    make(range="sk:N")
    arn, other = stream(kumoi), stream(kumoi, "other")
    key = {"pk": {"S": "a"}, "sk": {"N": "1"}}
    client.put_item(TableName="table", Item=key | {"n": {"S": "before"}})
    asked = {"TableName": "table", "StreamArn": arn}
    assert client.enable_kinesis_streaming_destination(**asked)["DestinationStatus"] == "ENABLING"
    client.put_item(TableName="table", Item=key | {"b": {"B": b"\0\xff"}})
    client.put_item(TableName="table", Item=key | {"b": {"B": b"\0\xff"}})
    precise = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}
    client.enable_kinesis_streaming_destination(
        TableName="table", StreamArn=other, EnableKinesisStreamingConfiguration=precise
    )
    client.delete_item(TableName="table", Key=key)
    modified, removed = records(kumoi, 2)
    assert (modified["eventName"], modified["tableName"], modified["eventSource"]) == (
        "MODIFY",
        "table",
        "aws:dynamodb",
    )
    assert (modified["recordFormat"], modified["userIdentity"]) == ("application/json", None)
    told = modified["dynamodb"]
    assert (told["Keys"], told["OldImage"]["n"], told["NewImage"]["b"]) == (key, {"S": "before"}, {"B": "AP8="})
    assert abs(told["ApproximateCreationDateTime"] / 1000 - kumoi.now().timestamp()) < 60
    assert (removed["eventName"], "NewImage" in removed["dynamodb"]) == ("REMOVE", False)
    (only,) = records(kumoi, 1, "other")
    assert only["dynamodb"]["ApproximateCreationDateTimePrecision"] == "MICROSECOND"
    assert only["dynamodb"]["ApproximateCreationDateTime"] > 10**15

    found = client.describe_kinesis_streaming_destination(TableName="table")["KinesisDataStreamDestinations"]
    assert [(one["StreamArn"], one["DestinationStatus"]) for one in found] == [(arn, "ACTIVE"), (other, "ACTIVE")]
    assert "to perform ENABLE operation" in message(lambda: client.enable_kinesis_streaming_destination(**asked))
    assert client.disable_kinesis_streaming_destination(**asked)["DestinationStatus"] == "DISABLING"
    assert "to perform DISABLE operation" in message(lambda: client.disable_kinesis_streaming_destination(**asked))
    client.put_item(TableName="table", Item=key)
    assert [one["eventName"] for one in records(kumoi, 2, "other")] == ["REMOVE", "INSERT"]
    assert len(records(kumoi, 2)) == 2

    given = {"TableName": "table", "StreamArn": other}
    update = client.update_kinesis_streaming_destination
    assert "cannot be null" in message(lambda: update(**given))
    same = {"UpdateKinesisStreamingConfiguration": precise}
    assert "already set to the desired value of MICROSECOND" in message(lambda: update(**given, **same))
    changed = {"ApproximateCreationDateTimePrecision": "MILLISECOND"}
    assert update(**given, UpdateKinesisStreamingConfiguration=changed)["DestinationStatus"] == "UPDATING"
    none = {"TableName": "table", "StreamArn": f"{arn}none"}
    assert "No streaming destination with streamArn" in message(lambda: update(**none, **same))
    assert "not found" in message(lambda: client.enable_kinesis_streaming_destination(**none))
    wrong = {"TableName": "table", "StreamArn": "arn:aws:sqs:us-east-1:000000000000:queue-with-a-name"}
    assert "is not the ARN of a Kinesis stream" in message(lambda: client.enable_kinesis_streaming_destination(**wrong))


def test_a_stream_whose_calls_are_lost_keeps_no_other_waiting(client: Any, make: Make, kumoi: Any) -> None:
    make()
    for name in ("changes", "other"):
        client.enable_kinesis_streaming_destination(TableName="table", StreamArn=stream(kumoi, name))
    fault = {"service": "kinesis", "operation": "PutRecords", "resource": "changes", "action": "drop"}
    faults = f"{kumoi.url}/_kumoi/faults"
    made = urllib3.request("POST", faults, timeout=60, json=fault | {"account": kumoi.account}).json()
    client.put_item(TableName="table", Item={"pk": {"S": "a"}})
    assert [one["eventName"] for one in records(kumoi, 1, "other")] == ["INSERT"]
    [struck] = [
        one["struck"] for one in urllib3.request("GET", faults, timeout=60).json()["faults"] if one["id"] == made["id"]
    ]
    assert struck
    urllib3.request("DELETE", f"{faults}?id={made['id']}", timeout=60)
