"""A platform killed with -9 while a client writes: what was answered is there, and index and stream agree with it."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = 3


def start(data: Path, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", str(data)])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_kumoi/health", timeout=1):
                return process
        except OSError:
            assert process.poll() is None, "the platform ended while starting"
            time.sleep(0.02)
    raise AssertionError("the platform did not answer within 120 s")


def client(name: str, port: int) -> Any:
    return boto3.client(
        name,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
    )


@pytest.mark.slow
def test_what_was_answered_outlives_kill_9(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    rng = random.Random(4566)
    answered: dict[str, str] = {}
    process = start(tmp_path, port)
    arn = create(port)
    for round_number in range(ROUNDS):
        writer = threading.Thread(target=write, args=(port, round_number, answered))
        writer.start()
        time.sleep(rng.uniform(0.05, 0.5))  # the moment of the crash is the point of this test
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        writer.join()
        process = start(tmp_path, port)
        check(port, arn, answered)
    process.terminate()
    assert process.wait(20) == 0
    assert len(answered) > ROUNDS


def create(port: int) -> str:
    dynamodb = client("dynamodb", port)
    table = dynamodb.create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "g")],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    dynamodb.close()
    return str(table["LatestStreamArn"])


def write(port: int, round_number: int, answered: dict[str, str]) -> None:
    """Put items, singly and two in a transaction, until the platform is gone; note what was answered."""
    dynamodb = client("dynamodb", port)
    try:
        for number in range(10_000):
            keys = [f"{round_number}-{number}-{part}" for part in "ab"]
            items = [{"pk": {"S": key}, "g": {"S": str(number % 3)}} for key in keys]
            if number % 2:
                puts = [{"Put": {"TableName": "table", "Item": item}} for item in items]
                dynamodb.transact_write_items(TransactItems=puts)
                answered.update({key: str(number % 3) for key in keys})
            else:
                dynamodb.put_item(TableName="table", Item=items[0])
                answered[keys[0]] = str(number % 3)
    except (BotoCoreError, ClientError, OSError):
        return
    finally:
        dynamodb.close()


def check(port: int, arn: str, answered: dict[str, str]) -> None:
    """Everything answered is there; index and stream hold exactly what the table does; no transaction is torn."""
    dynamodb, streams = client("dynamodb", port), client("dynamodbstreams", port)
    pages = dynamodb.get_paginator("scan")
    table, index = (
        {item["pk"]["S"]: item["g"]["S"] for page in pages.paginate(**source) for item in page["Items"]}
        for source in ({"TableName": "table"}, {"TableName": "table", "IndexName": "by-g"})
    )
    assert table.items() >= answered.items()
    assert index == table
    torn = [key for key in table if int(key.split("-")[1]) % 2 and f"{key[:-1]}{'ab'[key[-1] == 'a']}" not in table]
    assert torn == []
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    told: dict[str, str] = {}
    answer = streams.get_records(ShardIterator=iterator["ShardIterator"])
    while answer["Records"]:
        told.update(
            {one["dynamodb"]["NewImage"]["pk"]["S"]: one["dynamodb"]["NewImage"]["g"]["S"] for one in answer["Records"]}
        )
        answer = streams.get_records(ShardIterator=answer["NextShardIterator"])
    assert told == table
    for opened in (dynamodb, streams):
        opened.close()
