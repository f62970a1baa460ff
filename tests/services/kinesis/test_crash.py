"""What a stream has acknowledged outlives kill -9."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.slow
def test_acknowledged_records_are_there_in_order_after_a_kill(killable: Any) -> None:
    killable.start()
    kinesis = killable.client("kinesis")
    kinesis.create_stream(StreamName="events", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="events")
    numbers: list[str] = []
    for round_ in range(2):
        for number in range(20):
            sent = kinesis.put_record(StreamName="events", Data=f"{round_}-{number}".encode(), PartitionKey="k")
            numbers.append(sent["SequenceNumber"])
        killable.kill()
        killable.start()
        kinesis = killable.client("kinesis")
    where = {"StreamName": "events", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    records = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**where)["ShardIterator"])["Records"]
    assert [record["SequenceNumber"] for record in records] == numbers == sorted(numbers, key=int)
    assert [record["Data"].decode() for record in records] == [f"{a}-{b}" for a in range(2) for b in range(20)]
