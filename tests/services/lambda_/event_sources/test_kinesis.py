"""A Kinesis stream starts functions."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., dict[str, Any]]
SAID = "import base64\nsaid = [base64.b64decode(r['kinesis']['data']).decode() for r in event['Records']]\n"


class Stream:
    def __init__(self, kinesis: Any, shards: int = 1) -> None:
        self.kinesis = kinesis
        kinesis.create_stream(StreamName="events", ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName="events")
        self.arn: str = kinesis.describe_stream_summary(StreamName="events")["StreamDescriptionSummary"]["StreamARN"]

    def put(self, *said: str, key: str = "k") -> None:
        for one in said:
            self.kinesis.put_record(StreamName="events", Data=one.encode(), PartitionKey=key)


@pytest.fixture
def stream(kumoi: Any) -> Stream:
    return Stream(kumoi.client("kinesis"))


@pytest.fixture
def connect(client: Any, stream: Stream) -> Make:
    """Map the stream to the function f, from the stream's beginning."""

    def make(**options: Any) -> dict[str, Any]:
        wanted = {"FunctionName": "f", "EventSourceArn": stream.arn, "StartingPosition": "TRIM_HORIZON", **options}
        made: dict[str, Any] = client.create_event_source_mapping(**wanted)
        return made

    return make


def said(event: dict[str, Any]) -> list[str]:
    return [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]


def test_a_record_arrives_as_a_function_expects_it(
    kumoi: Any, seen: Any, stream: Stream, telling: Make, connect: Make
) -> None:
    telling()
    connect()
    stream.put("hello", key="some key")
    [record] = seen.next()["Records"]
    sent = record["kinesis"]
    assert (sent["partitionKey"], sent["kinesisSchemaVersion"]) == ("some key", "1.0")
    assert sent["approximateArrivalTimestamp"] == pytest.approx(kumoi.now().timestamp(), abs=60)
    assert record["eventID"] == f"shardId-000000000000:{sent['sequenceNumber']}"
    assert (record["eventName"], record["eventSource"]) == ("aws:kinesis:record", "aws:kinesis")
    assert (record["eventSourceARN"], record["awsRegion"]) == (stream.arn, "us-east-1")
    assert record["invokeIdentityArn"] == f"arn:aws:iam::{kumoi.account}:role/test-role"


def test_what_was_there_before_is_read_in_order(seen: Any, stream: Stream, telling: Make, connect: Make) -> None:
    telling()
    wanted = [str(number) for number in range(25)]
    stream.put(*wanted)
    connect(BatchSize=10)
    got: list[str] = []
    while len(got) < 25:
        event = seen.next()
        assert len(event["Records"]) <= 10
        got += said(event)
    assert got == wanted


def test_children_of_a_split_wait_for_their_parent(seen: Any, stream: Stream, telling: Make, connect: Make) -> None:
    telling(SAID + "if said == ['1'] and calls == 1:\n    raise ValueError('not yet')")
    stream.put("1")
    stream.kinesis.split_shard(StreamName="events", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    stream.kinesis.get_waiter("stream_exists").wait(StreamName="events")
    stream.put("2")
    connect()
    assert [said(event) for event in seen.take(3)] == [["1"], ["1"], ["2"]]


def test_filters_see_the_decoded_data(seen: Any, stream: Stream, telling: Make, connect: Make) -> None:
    telling()
    connect(FilterCriteria={"Filters": [{"Pattern": '{"data": {"kind": ["order"]}}'}]})
    stream.put('{"kind": "note"}', "no JSON", '{"kind": "order"}')
    assert said(seen.next()) == ['{"kind": "order"}']


@pytest.mark.kumoi_clock
def test_what_fails_for_good_is_told_and_the_rest_goes_on(
    kumoi: Any, seen: Any, stream: Stream, telling: Make, connect: Make, mailbox: Callable[[str], Any]
) -> None:
    telling(SAID + "if said == ['bad']:\n    raise ValueError('no')")
    failed = mailbox("failed")
    stream.put("bad")
    connect(MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": failed.arn}})
    assert said(seen.next()) == ["bad"]
    kumoi.advance("10s")
    assert said(seen.next()) == ["bad"]
    kumoi.advance("10s")
    lost = failed.next()
    assert lost["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert lost["KinesisBatchInfo"]["streamArn"] == stream.arn
    assert lost["KinesisBatchInfo"]["shardId"] == "shardId-000000000000"
    stream.put("good")
    assert said(seen.next()) == ["good"]


def test_a_bucket_gets_what_was_lost_under_its_mapping_and_shard(
    kumoi: Any, stream: Stream, telling: Make, connect: Make, wait_until: Callable[..., Any]
) -> None:
    telling("raise ValueError('no')")
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket="lost")
    stream.put("bad")
    made = connect(MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::lost"}})
    kept = wait_until(lambda: s3.list_objects_v2(Bucket="lost").get("Contents"))[0]["Key"]
    today = kumoi.now().strftime("%Y/%m/%d/%Y-%m-%dT")
    assert kept.startswith(f"aws/lambda/{made['UUID']}/shardId-000000000000/{today}")
    record = json.loads(s3.get_object(Bucket="lost", Key=kept)["Body"].read())
    assert said(json.loads(record["payload"])) == ["bad"]


def test_parallel_batches_lose_nothing_and_keep_a_keys_order_in_each(
    seen: Any, stream: Stream, telling: Make, connect: Make
) -> None:
    telling()
    wanted = [f"{key}{number}" for number in range(10) for key in ("a", "b", "c")]
    for one in wanted:
        stream.put(one, key=one[0])
    connect(ParallelizationFactor=4, BatchSize=5)
    got: list[str] = []
    while len(got) < 30:
        batch = said(seen.next())
        for key in ("a", "b", "c"):
            own = [one for one in batch if one.startswith(key)]
            assert own == sorted(own)
        got += batch
    assert sorted(got) == sorted(wanted)


def test_an_event_bus_and_a_stream_and_a_function(
    kumoi: Any, seen: Any, stream: Stream, telling: Make, connect: Make
) -> None:
    telling()
    connect()
    events = kumoi.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["app"]}')
    role = f"arn:aws:iam::{kumoi.account}:role/r"
    events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": stream.arn, "RoleArn": role, "InputPath": "$.detail"}])
    events.put_events(Entries=[{"Source": "app", "DetailType": "made", "Detail": json.dumps({"n": 1})}])
    assert [json.loads(one) for one in said(seen.next())] == [{"n": 1}]
