"""Access logs: files in S3, records in Kinesis."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.services.cloudfront.edge.log_delivery import LogDelivery
from kumoi.services.cloudfront.edge.log_entry import STANDARD_FIELDS

pytestmark = pytest.mark.kumoi_clock

Config = Callable[..., dict[str, Any]]
View = Callable[..., Any]


def test_standard_logs(kumoi: Any, config: Config, view: View, curl: Any) -> None:
    s3 = kumoi.client("s3")
    bucket, logs = f"pages-{kumoi.account}", f"logs-{kumoi.account}"
    for name in (bucket, logs):
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=bucket, Key="a b.txt", Body=b"text", ContentType="text/plain")
    logging = {"Enabled": True, "IncludeCookies": True, "Bucket": f"{logs}.s3.amazonaws.com", "Prefix": "edge"}
    given = config(f"{bucket}.s3.us-east-1.amazonaws.com", Logging=logging)
    made = kumoi.client("cloudfront").create_distribution(DistributionConfig=given)["Distribution"]
    domain = made["DomainName"]
    answer = view(domain, "/a%20b.txt?x=1", User_Agent="Test 1", Cookie="c=1")
    assert curl("--http2-prior-knowledge", "-H", f"Host: {domain}", f"{kumoi.url}/a%20b.txt") == "text|2 200"
    kumoi.advance(6)
    deadline = time.monotonic() + 60
    found: list[Any] = []
    while not found and time.monotonic() < deadline:
        found = s3.list_objects_v2(Bucket=logs).get("Contents", [])
    assert found[0]["Key"].startswith(f"edge/{made['Id']}.{kumoi.now():%Y-%m-%d}")
    content = gzip.decompress(s3.get_object(Bucket=logs, Key=found[0]["Key"])["Body"].read()).decode()
    version, fields, first, second = content.splitlines()
    assert (version, fields) == ("#Version: 1.0", f"#Fields: {STANDARD_FIELDS}")
    row = dict(zip(STANDARD_FIELDS.split(" "), first.split("\t"), strict=True))
    assert len(row) == 33
    assert row["cs(Host)"] == domain
    assert row["cs-uri-stem"] == "/a%20b.txt"
    assert row["cs-uri-query"] == "x=1"
    assert row["cs(User-Agent)"] == "Test%201"
    assert row["cs(Cookie)"] == "c=1"
    assert row["x-edge-result-type"] == "Miss"
    assert row["x-edge-request-id"] == answer.headers["x-amz-cf-id"]
    assert row["sc-status"] == "200"
    assert row["fle-status"] == "-"
    assert row["cs-protocol-version"] == "HTTP/1.1"
    assert "\tHit\t" in second
    assert "\tHTTP/2.0\t" in second


def test_real_time_records(kumoi: Any, config: Config, view: View) -> None:
    client, kinesis = kumoi.client("cloudfront"), kumoi.client("kinesis")
    kinesis.create_stream(StreamName="requests", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="requests", WaiterConfig={"Delay": 1})
    stream = kinesis.describe_stream(StreamName="requests")["StreamDescription"]
    endpoint = {
        "StreamType": "Kinesis",
        "KinesisStreamConfig": {"RoleARN": "arn:aws:iam::000000000000:role/r", "StreamARN": stream["StreamARN"]},
    }
    made = client.create_realtime_log_config(
        Name="all", SamplingRate=100, Fields=["sc-status", "cs-uri-stem", "c-country"], EndPoints=[endpoint]
    )["RealtimeLogConfig"]
    behaviour = {"RealtimeLogConfigArn": made["ARN"]}
    given = config(f"none-{kumoi.account}.s3.us-east-1.amazonaws.com", behaviour=behaviour)
    distribution = client.create_distribution(DistributionConfig=given)["Distribution"]
    view(distribution["DomainName"], "/x", x_kumoi_pop="NRT")
    iterator = kinesis.get_shard_iterator(
        StreamName="requests", ShardId=stream["Shards"][0]["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    deadline = time.monotonic() + 60
    records: list[Any] = []
    while not records and time.monotonic() < deadline:
        got = kinesis.get_records(ShardIterator=iterator)
        records, iterator = got["Records"], got["NextShardIterator"]
    assert records[0]["Data"] == b"404\t/x\tJP\n"
    with pytest.raises(client.exceptions.RealtimeLogConfigInUse):
        client.delete_realtime_log_config(Name="all")
    using = client.list_distributions_by_realtime_log_config(RealtimeLogConfigName="all")["DistributionList"]
    assert [one["Id"] for one in using["Items"]] == [distribution["Id"]]


def test_requests_of_an_account_are_forgotten_with_it() -> None:
    nothing: Any = None
    delivery = LogDelivery(nothing)
    for account in ("1", "2"):
        row: Any = SimpleNamespace(account=account)
        delivery.recent[account] = row
    delivery.forget("1")
    assert list(delivery.recent) == ["2"]
    delivery.forget(None)
    assert not delivery.recent
