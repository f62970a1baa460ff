"""A queue that starts a function: messages a second through a batch of ten, end to end.

    scripts/bench queues

The queue is filled first; what counts is from the mapping's creation until the queue is empty: receiving, invoking a
warm Python function, deleting. The limit is 1,000 messages a second on two cores.
"""

from __future__ import annotations

import io
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from invoke import kumoi
from load import cpu_seconds, free_port, server

MESSAGES = 10_000
HANDLER = "def handler(event, context):\n    return {'seen': len(event['Records'])}\n"


def fill(sqs: Any, url: str) -> None:
    """Send the messages, ten a call."""

    def send(first: int) -> None:
        entries = [{"Id": str(number), "MessageBody": f'{{"order": {first + number}}}'} for number in range(10)]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        assert not answer.get("Failed")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(0, MESSAGES, 10)))


def left(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data, server(kumoi(port, data), port) as (pid, _ready):
        client = {
            name: boto3.client(
                name,
                endpoint_url=f"http://127.0.0.1:{port}",
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            for name in ("sqs", "lambda")
        }
        sqs, functions = client["sqs"], client["lambda"]
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as out:
            out.writestr("app.py", HANDLER)
        functions.create_function(
            FunctionName="bench",
            Runtime=f"python3.{sys.version_info.minor}",
            Role="arn:aws:iam::000000000000:role/bench",
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        functions.get_waiter("function_active_v2").wait(FunctionName="bench")
        functions.invoke(FunctionName="bench", Payload=b'{"Records": []}')
        url = sqs.create_queue(QueueName="bench")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        fill(sqs, url)
        before, began = cpu_seconds(pid, children=True), time.perf_counter()
        functions.create_event_source_mapping(FunctionName="bench", EventSourceArn=arn, BatchSize=10)
        while left(sqs, url):
            time.sleep(0.05)
        seconds, cpu = time.perf_counter() - began, cpu_seconds(pid, children=True) - before
        print(f"{MESSAGES / seconds:,.0f} messages/s (limit 1,000); {cpu / MESSAGES * 1e6:.0f} µs CPU a message")


if __name__ == "__main__":
    main()
