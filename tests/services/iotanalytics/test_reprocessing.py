"""Messages that pass a pipeline once more, from the channel and from a bucket; channels in customers' buckets."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.iotanalytics import channel_export

pytestmark = pytest.mark.kumoi_clock

Put = Callable[..., None]
Pipeline = Callable[..., None]


def status(client: Any, run: str) -> str:
    (found,) = (
        one
        for one in client.describe_pipeline(pipelineName="p")["pipeline"]["reprocessingSummaries"]
        if one["id"] == run
    )
    return str(found["status"])


def test_messages_of_a_time_pass_again(
    client: Any, kumoi: Any, pipeline: Pipeline, put: Put, count: Callable[[], int], until: Callable[..., Any]
) -> None:
    pipeline()
    put([{"n": 1}, {"n": 2}])
    kumoi.advance("1h")
    middle = kumoi.now()
    kumoi.advance("1m")
    put([{"n": 3}])
    until(lambda: count() == 3, "not 3 rows")
    run = client.start_pipeline_reprocessing(pipelineName="p", endTime=middle)["reprocessingId"]
    until(lambda: status(client, run) == "SUCCEEDED", "the reprocessing did not end")
    assert count() == 5
    run = client.start_pipeline_reprocessing(pipelineName="p", startTime=middle)["reprocessingId"]
    until(lambda: status(client, run) == "SUCCEEDED", "the reprocessing did not end")
    assert count() == 6
    client.cancel_pipeline_reprocessing(pipelineName="p", reprocessingId=run)
    assert status(client, run) == "SUCCEEDED"


def test_what_cannot_be_reprocessed_is_refused(client: Any, pipeline: Pipeline) -> None:
    pipeline()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for asked, code in (
        ({"startTime": start, "channelMessages": {"s3Paths": ["x"]}}, "InvalidRequestException"),
        ({"channelMessages": {"s3Paths": ["x"]}}, "InvalidRequestException"),
        ({"startTime": start, "endTime": start - timedelta(1)}, "InvalidRequestException"),
    ):
        with pytest.raises(ClientError) as error:
            client.start_pipeline_reprocessing(pipelineName="p", **asked)
        assert error.value.response["Error"]["Code"] == code
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.cancel_pipeline_reprocessing(pipelineName="p", reprocessingId="gone")


def test_a_channel_in_a_bucket_of_ones_own(
    client: Any, kumoi: Any, pipeline: Pipeline, put: Put, count: Callable[[], int], until: Callable[..., Any]
) -> None:
    s3, bucket = kumoi.client("s3"), f"raw-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    pipeline()
    storage = {"bucket": bucket, "keyPrefix": "iot/", "roleArn": "arn:aws:iam::000000000000:role/r"}
    client.update_channel(channelName="p", channelStorage={"customerManagedS3": storage})
    put([{"n": 1}, b"\xff", b'{\n"n": 2}'])
    kumoi.advance("6s")
    (listed,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    pattern = rf"iot/channel/p/__dt=\d{{4}}-\d\d-\d\d 00:00:00/\d+_\d+_{kumoi.account}_p_0_0\.0\.json\.gz"
    assert re.fullmatch(pattern, listed["Key"])
    body = gzip.decompress(s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read())
    assert body == b'{"n": 1}\n"/w=="\n{"n":2}\n'
    until(lambda: count() == 2, "not 2 rows")
    put([{"n": 3}])
    kumoi.advance("6s")
    assert len(s3.list_objects_v2(Bucket=bucket)["Contents"]) == 2
    s3.put_object(Bucket=bucket, Key="broken", Body=gzip.compress(b"{}")[:10] + b"\xff" * 20)
    messages = {"s3Paths": ["broken", listed["Key"], "gone"]}
    run = client.start_pipeline_reprocessing(pipelineName="p", channelMessages=messages)["reprocessingId"]
    until(lambda: status(client, run) == "SUCCEEDED", "the reprocessing did not end")
    until(lambda: count() == 5, "not 5 rows")


def test_an_object_that_unpacks_to_too_much_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_export, "MOST_BYTES", 1000)
    assert channel_export.unpacked(gzip.compress(b"{}\n" * 333)) == [b"{}"] * 333
    for body in (gzip.compress(b"{}\n" * 334), b"{}\n" * 334):
        with pytest.raises(ValueError, match="more than 1000 bytes"):
            channel_export.unpacked(body)
