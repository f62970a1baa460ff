r"""Kinesis and SNS through HTTP: the server's CPU time per PutRecord, GetRecords of ten, and Publish.

    PEER_PYTHON=/venv/with/ministack/bin/python MOTO=/venv/with/moto/bin/moto_server scripts/bench streams

Prepared requests on kept-alive connections, records and messages of 1 KB. Kumoi's are on disk. A publication to a queue
counts with its delivery. moto closes every connection: it is compared with a connection for each request.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import sys
import time
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from load import cpu_seconds, exchange, free_port, load, request, server

COUNT = 2000
KB = "x" * 1024


def kinesis(operation: str, **members: Any) -> bytes:
    headers = {"X-Amz-Target": f"Kinesis_20131202.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    return request("POST", "/", json.dumps(members).encode(), headers).replace(b"/lambda/", b"/kinesis/")


def query(service: str, action: str, **members: Any) -> bytes:
    body = urlencode({"Action": action, "Version": "2010-03-31" if service == "sns" else "2012-11-05", **members})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return request("POST", "/", body.encode(), headers).replace(b"/lambda/", f"/{service}/".encode())


def ask(port: int, prepared: bytes) -> bytes:
    """One request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        status, answer = exchange(connection, prepared)
        assert status == 200, answer
        return answer


def prepare(port: int) -> dict[str, bytes]:
    """A stream, a topic without subscribers and one with a queue; the requests to measure."""
    ask(port, kinesis("CreateStream", StreamName="s", ShardCount=1))
    while (
        json.loads(ask(port, kinesis("DescribeStreamSummary", StreamName="s")))["StreamDescriptionSummary"][
            "StreamStatus"
        ]
        != "ACTIVE"
    ):
        time.sleep(0.05)
    put = kinesis("PutRecord", StreamName="s", PartitionKey="p", Data=base64.b64encode(KB.encode()).decode())
    for _ in range(10):
        ask(port, put)
    (shard,) = json.loads(ask(port, kinesis("ListShards", StreamName="s")))["Shards"]
    start = {"StreamName": "s", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = json.loads(ask(port, kinesis("GetShardIterator", **start)))["ShardIterator"]
    topics = []
    for name in ("none", "one"):
        answer = ask(port, query("sns", "CreateTopic", Name=name)).decode()
        topics.append(re.search("<TopicArn>(.*?)</TopicArn>", answer)[1])  # type: ignore[index]
    ask(port, query("sqs", "CreateQueue", QueueName="q"))
    queue = topics[0].replace(":sns:", ":sqs:").replace(":none", ":q")
    ask(port, query("sns", "Subscribe", TopicArn=topics[1], Protocol="sqs", Endpoint=queue))
    return {
        "GetRecords 10": kinesis("GetRecords", ShardIterator=iterator, Limit=10),
        "PutRecord": put,
        "Publish": query("sns", "Publish", TopicArn=topics[0], Message=KB),
        "Publish to a queue": query("sns", "Publish", TopicArn=topics[1], Message=KB),
    }


def measure(port: int, pid: int, *, kept: bool) -> None:
    for name, prepared in prepare(port).items():
        if kept:
            measured = load(port, prepared, count=COUNT, concurrency=8, pid=pid, warm_up=200)
            print(f"  {name:20} c=8    {measured.cpu_us:6.0f} µs CPU  {measured.rate:6.0f}/s")
        count, began = COUNT // 4, cpu_seconds(pid)
        for _ in range(count):
            ask(port, prepared)
        print(f"  {name:20} alone  {(cpu_seconds(pid) - began) / count * 1e6:6.0f} µs CPU")


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data:
        command = [sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", data]
        with server(command, port) as (pid, _):
            print("kumoi")
            measure(port, pid, kept=True)
    if (path := os.environ.get("PEER_PYTHON")) is not None:
        with server([path, "-m", "ministack"], port, GATEWAY_PORT=str(port)) as (pid, _):
            print("ministack")
            measure(port, pid, kept=True)
    if (path := os.environ.get("MOTO")) is not None:
        with server([path, "-p", str(port)], port) as (pid, _):
            print("moto")
            measure(port, pid, kept=False)


if __name__ == "__main__":
    main()
