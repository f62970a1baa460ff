"""A platform killed with -9 while a client writes: what was answered is there, and index and stream agree with it."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from kumoi.clock import Clock
from kumoi.services.dynamodb import copying
from kumoi.services.dynamodb.copying import Backup, Copy, backups
from kumoi.services.dynamodb.keys import Keys
from kumoi.services.dynamodb.records import Table, tables
from kumoi.state import Transaction, transactional
from kumoi.state.sqlite import SqliteState

ROUNDS = 3


def start(data: Path, port: int) -> subprocess.Popen[bytes]:
    ports = ["--port", str(port), "--xray-port", "0"]
    process = subprocess.Popen([sys.executable, "-m", "kumoi", "up", *ports, "--data", str(data)])
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
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=60),
    )


@pytest.mark.slow
def test_what_was_answered_outlives_kill_9(tmp_path: Path, port: int, at_work: Any) -> None:
    rng = random.Random(4566)
    answered: dict[str, str] = {}
    process = start(tmp_path, port)
    arn = create(port)
    for round_number in range(ROUNDS):
        writer = threading.Thread(target=write, args=(port, round_number, answered))
        writer.start()
        at_work(writer, answered)
        time.sleep(rng.uniform(0.05, 0.5))  # the moment of the crash is the point of this test
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        writer.join()
        process = start(tmp_path, port)
        check(port, arn, answered)
    process.terminate()
    assert process.wait(300) == 0
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


ITEMS = 1000


def until(ask: Callable[[], dict[str, Any]], member: str) -> dict[str, Any]:
    """What is told once it is no longer in progress."""
    deadline = time.monotonic() + 60
    while (found := ask())[member] == "IN_PROGRESS":
        assert time.monotonic() < deadline, "it did not end within 60 s"
        time.sleep(0.02)
    return found


@pytest.mark.slow
def test_an_export_and_an_import_outlive_kill_9(killable: Any) -> None:
    """Both are done in the end: the export as of its moment, whatever is written meanwhile; the import in full."""
    rng = random.Random(4566)
    killable.start()
    dynamodb, s3 = killable.client("dynamodb"), killable.client("s3")
    s3.create_bucket(Bucket="files")
    definition: dict[str, Any] = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    table = dynamodb.create_table(TableName="table", **definition)["TableDescription"]["TableArn"]
    on = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName="table", PointInTimeRecoverySpecification=on)
    items = [{"pk": {"S": f"{number:04}"}, "text": {"S": "then"}} for number in range(ITEMS)]
    for start_at in range(0, ITEMS, 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[start_at : start_at + 25]]
        assert dynamodb.batch_write_item(RequestItems={"table": puts})["UnprocessedItems"] == {}

    export = dynamodb.export_table_to_point_in_time(TableArn=table, S3Bucket="files")["ExportDescription"]["ExportArn"]
    end = time.monotonic() + rng.uniform(0.02, 0.2)  # the moment of the crash is the point of this test
    number = 0
    while time.monotonic() < end:
        dynamodb.put_item(TableName="table", Item={**items[-1 - number % ITEMS], "text": {"S": "later"}})
        number += 1
    killable.kill()
    killable.start()
    done = until(lambda: dynamodb.describe_export(ExportArn=export)["ExportDescription"], "ExportStatus")
    assert (done["ExportStatus"], done["ItemCount"]) == ("COMPLETED", ITEMS)

    def read(key: str) -> bytes:
        return bytes(s3.get_object(Bucket="files", Key=key)["Body"].read())

    summary = json.loads(read(done["ExportManifest"]))
    (file,) = [json.loads(line) for line in read(summary["manifestFilesS3Key"]).splitlines()]
    lines = gzip.decompress(read(file["dataFileS3Key"])).splitlines()
    assert sorted((json.loads(line)["Item"] for line in lines), key=lambda item: item["pk"]["S"]) == items

    asked = dynamodb.import_table(
        S3BucketSource={"S3Bucket": "files", "S3KeyPrefix": file["dataFileS3Key"]},
        InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP",
        TableCreationParameters={"TableName": "made", **definition},
    )["ImportTableDescription"]["ImportArn"]
    time.sleep(rng.uniform(0.02, 0.2))
    killable.kill()
    killable.start()
    told = until(lambda: dynamodb.describe_import(ImportArn=asked)["ImportTableDescription"], "ImportStatus")
    counts = [told[name] for name in ("ProcessedItemCount", "ImportedItemCount", "ErrorCount")]
    assert (told["ImportStatus"], counts) == ("COMPLETED", [ITEMS, ITEMS, 0])
    pages = dynamodb.get_paginator("scan").paginate(TableName="made")
    assert sorted((item for page in pages for item in page["Items"]), key=lambda item: item["pk"]["S"]) == items
    assert dynamodb.describe_table(TableName="made")["Table"]["TableStatus"] == "ACTIVE"


def test_a_copy_that_is_made_is_not_made_again() -> None:
    """A restored table is its users' from then on, also when a crash follows at once."""
    keys = Keys("pk", "S")
    source = Table(name="source", id=1, uuid="u", created=0.0, keys=keys, attributes={"pk": "S"}, copies=1)

    @transactional
    async def begin(tx: Transaction) -> None:
        await tables.put(tx, source)
        await backups.put(tx, Backup(id="b", name="b", source=source, rows=2, created=0.0))
        await copying.begin(tx, Copy(kind="backup", target=("source", "b"), rows=1, source="source"))

    @transactional
    async def copies(tx: Transaction) -> int:
        found = await tables.get(tx, "source")
        assert found is not None
        return found.copies

    async def main() -> None:
        state = await SqliteState.open(None, clock=Clock())
        here = state.at("000000000000", "us-east-1")
        await begin(here)
        (timer,) = await state.due_timers(10)
        await copying.run(here, timer)
        assert await state.due_timers(10) == []
        assert await copies(here) == 1
        await state.close()

    asyncio.run(main())
