"""What was acknowledged outlives kill -9: queries that were started, events that a subscriber is to get."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest


def eventually(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not happen within 60 s"
        time.sleep(0.05)
    return result


@pytest.mark.slow
def test_queries_and_deliveries_outlive_the_platform(killable: Any) -> None:
    killable.start()
    logs, kinesis = killable.client("logs"), killable.client("kinesis")
    kinesis.create_stream(StreamName="k", ShardCount=1)
    arn = kinesis.describe_stream(StreamName="k")["StreamDescription"]["StreamARN"]
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_subscription_filter(
        logGroupName="g",
        filterName="f",
        filterPattern="",
        destinationArn=arn,
        roleArn="arn:aws:iam::000000000000:role/logs",
    )
    now = int(time.time())
    for n in range(10):
        event = {"timestamp": now * 1000, "message": str(n)}
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    times = {"startTime": now - 5, "endTime": now + 5}
    query = logs.start_query(logGroupName="g", **times, queryString="stats count(*) as n")["queryId"]
    killable.kill()
    killable.start()
    logs, kinesis = killable.client("logs"), killable.client("kinesis")
    answer = eventually(
        lambda: (found := logs.get_query_results(queryId=query))["status"] == "Complete" and found["results"]
    )
    assert answer == [[{"field": "n", "value": "10"}]]
    shard = kinesis.list_shards(StreamName="k")["Shards"][0]["ShardId"]
    start = kinesis.get_shard_iterator(StreamName="k", ShardId=shard, ShardIteratorType="TRIM_HORIZON")

    def told() -> set[str]:
        records = kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]
        envelopes = [json.loads(gzip.decompress(record["Data"])) for record in records]
        return {one["message"] for envelope in envelopes for one in envelope["logEvents"]}

    eventually(lambda: {str(n) for n in range(10)} <= told())
