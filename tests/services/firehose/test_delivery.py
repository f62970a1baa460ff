"""Records become objects: by time, by size, under prefixes; nothing is lost while S3 takes none."""

from __future__ import annotations

import io
import json
import re
import time
import urllib.request
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

Objects = Callable[[], dict[str, bytes]]
ROLE = "arn:aws:iam::000000000000:role/firehose"
pytestmark = pytest.mark.kumoi_clock


def put(firehose: Any, *contents: bytes, name: str = "clicks") -> None:
    answer = firehose.put_record_batch(DeliveryStreamName=name, Records=[{"Data": one} for one in contents])
    assert answer["FailedPutCount"] == 0


def test_a_buffer_is_delivered_when_its_time_is_over(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], objects: Objects
) -> None:
    new_stream(BufferingHints={"IntervalInSeconds": 60, "SizeInMBs": 5})
    arrived = kumoi.now()
    put(firehose, b"one\n", b"two\n")
    firehose.put_record(DeliveryStreamName="clicks", Record={"Data": b"three\n"})
    kumoi.advance(50)
    assert objects() == {}
    kumoi.advance(10)
    [(key, content)] = objects().items()
    assert content == b"one\ntwo\nthree\n"
    folder, name = key[:14], key[14:]
    assert folder in {f"{when:%Y/%m/%d/%H/}" for when in (arrived, arrived + timedelta(seconds=5))}
    assert re.fullmatch(r"clicks-1-\d{4}(-\d\d){5}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", name)
    kumoi.advance("1h")
    assert len(objects()) == 1


def test_a_full_buffer_is_delivered_at_once(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], objects: Objects
) -> None:
    new_stream(BufferingHints={"IntervalInSeconds": 900, "SizeInMBs": 1})
    put(firehose, bytes(700_000))
    put(firehose, bytes(700_000))
    put(firehose, b"next")
    kumoi.advance(0)
    assert [len(one) for one in objects().values()] == [1_400_000]
    kumoi.advance(900)
    assert sorted(map(len, objects().values())) == [4, 1_400_000]


def test_a_simple_destination_delivers_too(kumoi: Any, firehose: Any, bucket: str, objects: Objects) -> None:
    place = {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", "CompressionFormat": "GZIP"}
    firehose.create_delivery_stream(DeliveryStreamName="clicks", S3DestinationConfiguration=place)
    put(firehose, b"x")
    kumoi.advance(300)
    [(key, content)] = objects().items()
    assert key.endswith(".gz")
    assert content == b"x"


def test_zip(kumoi: Any, firehose: Any, new_stream: Callable[..., str], objects: Objects) -> None:
    new_stream(CompressionFormat="ZIP")
    put(firehose, b"x")
    kumoi.advance(300)
    [(key, content)] = objects().items()
    assert key.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        [name] = archive.namelist()
        assert archive.read(name) == b"x"


def test_prefixes_have_expressions_in_a_time_zone(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], objects: Objects
) -> None:
    new_stream(
        Prefix="in/!{timestamp:'day='yyyy-MM-dd/}!{firehose:random-string}/",
        ErrorOutputPrefix="failed/!{firehose:error-output-type}/",
        CustomTimeZone="Pacific/Kiritimati",
        FileExtension=".json",
    )
    put(firehose, b"{}")
    kumoi.advance(300)
    [key] = objects()
    days = {f"{datetime.fromtimestamp(kumoi.now().timestamp() + 14 * 3600 - ago, UTC):%Y-%m-%d}" for ago in (0, 600)}
    match = re.fullmatch(r"in/day=([\d-]+)/[0-9a-f-]{11}/clicks-1-.*\.json", key)
    assert match is not None
    assert match[1] in days


def test_source_records_are_backed_up_beside(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], bucket: str, objects: Objects
) -> None:
    backup = {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", "Prefix": "raw/"}
    delimiter = [
        {"Type": "AppendDelimiterToRecord", "Parameters": [{"ParameterName": "Delimiter", "ParameterValue": "\\n"}]}
    ]
    new_stream(
        Prefix="in/",
        S3BackupMode="Enabled",
        S3BackupConfiguration=backup,
        ProcessingConfiguration={"Enabled": True, "Processors": delimiter},
    )
    put(firehose, b"a", b"b")
    kumoi.advance(300)
    found = {key.partition("/")[0]: content for key, content in objects().items()}
    assert found == {"in": b"a\nb\n", "raw": b"ab"}


def test_while_the_bucket_is_missing_records_wait_for_a_day(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], bucket: str, objects: Objects
) -> None:
    s3, logs = kumoi.client("s3"), kumoi.client("logs")
    logs.create_log_group(logGroupName="/firehose")
    new_stream(
        BufferingHints={"IntervalInSeconds": 60, "SizeInMBs": 5},
        CloudWatchLoggingOptions={"Enabled": True, "LogGroupName": "/firehose", "LogStreamName": "S3Delivery"},
    )
    s3.delete_bucket(Bucket=bucket)
    put(firehose, b"first\n")
    kumoi.advance(60)
    put(firehose, b"second\n")
    kumoi.advance("20h")
    s3.create_bucket(Bucket=bucket)
    kumoi.advance("10m")
    assert sorted(objects().values()) == [b"first\n", b"second\n"]
    [event, *_] = logs.get_log_events(logGroupName="/firehose", logStreamName="S3Delivery", startFromHead=True)[
        "events"
    ]
    told = json.loads(event["message"])
    assert told["errorCode"] == "S3.NoSuchBucket"
    assert told["destination"] == f"arn:aws:s3:::{bucket}"


def test_a_changed_destination_takes_what_the_old_one_did_not(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], bucket: str, objects: Objects
) -> None:
    new_stream(BucketARN=f"arn:aws:s3:::{bucket}-missing")
    put(firehose, b"x")
    kumoi.advance(400)
    firehose.update_destination(
        DeliveryStreamName="clicks",
        CurrentDeliveryStreamVersionId="1",
        DestinationId="destinationId-000000000001",
        ExtendedS3DestinationUpdate={"BucketARN": f"arn:aws:s3:::{bucket}"},
    )
    kumoi.advance("10m")
    [key] = objects()
    assert "/clicks-2-" in key


def test_what_a_deleted_stream_held_is_not_delivered(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], objects: Objects
) -> None:
    new_stream()
    put(firehose, b"x")
    firehose.delete_delivery_stream(DeliveryStreamName="clicks")
    new_stream()
    kumoi.advance("1h")
    assert objects() == {}


def test_what_is_put_and_delivered_is_measured(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], objects: Objects
) -> None:
    new_stream()
    put(firehose, b"abc", b"de")
    firehose.put_record(DeliveryStreamName="clicks", Record={"Data": b"f"})
    kumoi.advance(300)
    assert len(objects()) == 1
    cloudwatch = kumoi.client("cloudwatch")

    def total(name: str, statistic: str = "Sum") -> float:
        now = kumoi.now().timestamp()
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/Firehose",
            MetricName=name,
            StartTime=now - 3600,
            EndTime=now + 600,
            Period=7200,
            Statistics=[statistic],
            Dimensions=[{"Name": "DeliveryStreamName", "Value": "clicks"}],
        )["Datapoints"]
        return float(max((one[statistic] for one in points), default=-1))

    expected = {
        "IncomingRecords": 3,
        "IncomingBytes": 6,
        "IncomingPutRequests": 2,
        "PutRecord.Bytes": 1,
        "PutRecordBatch.Records": 2,
        "DeliveryToS3.Records": 3,
        "DeliveryToS3.Bytes": 6,
        "DeliveryToS3.Success": 1,
    }
    deadline = time.monotonic() + 60
    while (found := {name: total(name) for name in expected}) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    assert total("DeliveryToS3.DataFreshness", "Maximum") >= 300


def test_the_map_shows_the_way_to_the_bucket(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], bucket: str, objects: Objects
) -> None:
    new_stream()
    put(firehose, b"x")
    kumoi.advance(300)
    assert len(objects()) == 1
    request = urllib.request.Request(f"{kumoi.url}/_kumoi/map?account={kumoi.account}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        edges = {(one["source"], one["target"]) for one in json.load(answer)["edges"]}
    assert {("client", "firehose:clicks"), ("firehose:clicks", f"s3:{bucket}")} <= edges
