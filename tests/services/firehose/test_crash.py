"""Nothing acknowledged is lost: a platform killed with -9 while records are put delivers each of them."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = 3
ROLE = "arn:aws:iam::000000000000:role/firehose"


@pytest.mark.slow
def test_each_acknowledged_record_is_delivered_after_crashes(killable: Any, at_work: Any) -> None:
    rng = random.Random(4)
    taken: list[bytes] = []
    for number in range(ROUNDS):
        killable.start()
        if number == 0:
            killable.client("s3").create_bucket(Bucket="deliveries")
            place = {
                "RoleARN": ROLE,
                "BucketARN": "arn:aws:s3:::deliveries",
                "BufferingHints": {"IntervalInSeconds": 1, "SizeInMBs": 1},
            }
            firehose = killable.client("firehose")
            firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=place)
        worker = threading.Thread(target=work, args=(killable.client("firehose"), number, taken))
        worker.start()
        at_work(worker, taken)
        time.sleep(rng.uniform(0.5, 1.6))  # the moment of the crash is the point of this test
        killable.kill()
        worker.join()
    killable.start()
    s3 = killable.client("s3")
    deadline = time.monotonic() + 30
    while missing := set(taken) - delivered(s3):
        assert time.monotonic() < deadline, f"{len(missing)} of {len(taken)} were not delivered"
        time.sleep(0.1)


def delivered(s3: Any) -> set[bytes]:
    lines: set[bytes] = set()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="deliveries"):
        for one in page.get("Contents", []):
            lines.update(s3.get_object(Bucket="deliveries", Key=one["Key"])["Body"].read().splitlines())
    return lines


def work(firehose: Any, round_number: int, taken: list[bytes]) -> None:
    """Put records until the platform is gone; note what was answered."""
    try:
        for number in range(100_000):
            lines = [f"{round_number}-{number}-{part}-{'x' * 2000}".encode() for part in range(3)]
            firehose.put_record_batch(DeliveryStreamName="d", Records=[{"Data": one + b"\n"} for one in lines])
            taken += lines
    except (BotoCoreError, ClientError):
        return


@pytest.mark.slow
def test_what_waits_for_its_bucket_waits_on_after_a_crash(killable: Any) -> None:
    killable.start()
    place = {
        "RoleARN": ROLE,
        "BucketARN": "arn:aws:s3:::deliveries",
        "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1},
        "CloudWatchLoggingOptions": {"Enabled": True, "LogGroupName": "g", "LogStreamName": "s"},
    }
    logs, firehose = killable.client("logs"), killable.client("firehose")
    logs.create_log_group(logGroupName="g")
    firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=place)
    firehose.put_record(DeliveryStreamName="d", Record={"Data": b"waits\n"})
    deadline = time.monotonic() + 30
    while len(logs.filter_log_events(logGroupName="g")["events"]) < 2:  # it was tried, and will be again later
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killable.kill()
    killable.start()
    s3 = killable.client("s3")
    s3.create_bucket(Bucket="deliveries")
    while delivered(s3) != {b"waits"}:
        assert time.monotonic() < deadline + 60
        time.sleep(0.1)
