"""A Kinesis stream as the source: read from when the delivery stream was made, shard by shard, once."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

Zipped = Callable[[dict[str, str]], bytes]
ROLE = "arn:aws:iam::000000000000:role/firehose"

FUNCTION = """
import base64, json
def handler(event, context):
    def changed(record):
        told = {"stream": event["sourceKinesisStreamArn"], **record["kinesisRecordMetadata"]}
        return base64.b64encode(json.dumps(told).encode() + b"\\n").decode()
    ids = [(one["recordId"], changed(one)) for one in event["records"]]
    return {"records": [{"recordId": name, "result": "Ok", "data": data} for name, data in ids]}
"""


@pytest.fixture
def stream(kumoi: Any) -> str:
    kinesis = kumoi.client("kinesis")
    kinesis.create_stream(StreamName="events", ShardCount=2)
    return str(kinesis.describe_stream_summary(StreamName="events")["StreamDescriptionSummary"]["StreamARN"])


def reading(firehose: Any, bucket: str, stream: str, **settings: Any) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="clicks",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream, "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "BufferingHints": {"IntervalInSeconds": 1, "SizeInMBs": 1},
            **settings,
        },
    )


def lines_of(objects: Any, count: int) -> list[bytes]:
    deadline = time.monotonic() + 30
    while True:
        lines = [line for content in objects().values() for line in content.splitlines()]
        if len(lines) >= count:
            return lines
        assert time.monotonic() < deadline, f"{len(lines)} of {count} came"
        time.sleep(0.05)


def test_records_are_delivered_in_the_order_of_their_shard(
    kumoi: Any, firehose: Any, bucket: str, stream: str, objects: Any, refused: Any
) -> None:
    kinesis = kumoi.client("kinesis")
    kinesis.put_record(StreamName="events", Data=b"before\n", PartitionKey="k")
    reading(firehose, bucket, stream)
    told = firehose.describe_delivery_stream(DeliveryStreamName="clicks")["DeliveryStreamDescription"]
    source = told["Source"]["KinesisStreamSourceDescription"]
    assert (source["KinesisStreamARN"], source["RoleARN"]) == (stream, ROLE)
    assert source["DeliveryStartTimestamp"] == told["CreateTimestamp"]
    for number in range(20):
        records = [{"Data": f"{key} {number}\n".encode(), "PartitionKey": key} for key in ("a", "b", "c")]
        kinesis.put_records(StreamName="events", Records=records)
    lines = lines_of(objects, 60)
    assert len(lines) == len(set(lines)) == 60
    for key in (b"a", b"b", b"c"):
        assert [line for line in lines if line.startswith(key)] == [b"%s %d" % (key, n) for n in range(20)]
    code, text = refused(firehose.put_record, DeliveryStreamName="clicks", Record={"Data": b"x"})
    assert code == "InvalidArgumentException"
    assert "not permitted on KinesisStreamAsSource" in text
    firehose.delete_delivery_stream(DeliveryStreamName="clicks")


def test_a_function_is_told_where_records_were(
    kumoi: Any, firehose: Any, bucket: str, stream: str, objects: Any, zipped: Zipped
) -> None:
    arn = kumoi.client("lambda").create_function(
        FunctionName="where",
        Runtime="python3.11",
        Handler="f.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"f.py": FUNCTION})},
    )["FunctionArn"]
    processor = {"Type": "Lambda", "Parameters": [{"ParameterName": "LambdaArn", "ParameterValue": arn}]}
    reading(firehose, bucket, stream, ProcessingConfiguration={"Enabled": True, "Processors": [processor]})
    put = kumoi.client("kinesis").put_record(StreamName="events", Data=b"x", PartitionKey="k")
    [line] = lines_of(objects, 1)
    told = json.loads(line)
    assert (told["stream"], told["partitionKey"]) == (stream, "k")
    assert (told["shardId"], told["sequenceNumber"]) == (put["ShardId"], put["SequenceNumber"])


def test_a_source_that_is_not_there_is_refused(firehose: Any, bucket: str, stream: str, refused: Any) -> None:
    code, text = refused(reading, firehose=firehose, bucket=bucket, stream=f"{stream}-missing")
    assert code == "InvalidArgumentException"
    assert "cannot be read" in text


@pytest.mark.slow
def test_reading_goes_on_after_a_crash(killable: Any) -> None:
    killable.start()
    killable.client("s3").create_bucket(Bucket="deliveries")
    killable.client("kinesis").create_stream(StreamName="events", ShardCount=2)
    arn = "arn:aws:kinesis:us-east-1:000000000000:stream/events"
    reading(killable.client("firehose"), "deliveries", arn)
    taken: set[bytes] = set()
    for turn in range(3):
        kinesis = killable.client("kinesis")
        for number in range(40):
            line = f"{turn} {number}".encode()
            kinesis.put_record(StreamName="events", Data=base64.b64encode(line) + b"\n", PartitionKey=str(number))
            taken.add(line)
        time.sleep(0.3 * turn)  # the moment of the crash is the point of this test
        killable.kill()
        killable.start()
    s3 = killable.client("s3")
    deadline = time.monotonic() + 30
    found: set[bytes] = set()
    while taken - found:
        assert time.monotonic() < deadline, f"{len(taken - found)} of {len(taken)} were not delivered"
        time.sleep(0.1)
        for one in s3.list_objects_v2(Bucket="deliveries").get("Contents", []):
            content = s3.get_object(Bucket="deliveries", Key=one["Key"])["Body"].read()
            found |= {base64.b64decode(line) for line in content.splitlines()}
