"""EventBridge through HTTP: PutEvents to an SQS target, and PutEvents among 250 rules of one bus (1,000 in all).

    scripts/bench events

CPU per event counts all the server does for it: its request, its rules, its deliveries into the queue, until the queue
has them all. No rule of the 250 matches the event, so that matching is what is measured;
24 in 25 are anchored at an exact source, the others have only a prefix and are met by every event.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from tempfile import TemporaryDirectory
from typing import Any

from load import cpu_seconds, exchange, free_port, load, request, rss_mb, server

BATCHES = 600
BATCH = 10
RULES = 1000
BUSES = 4
"""A bus takes 300 rules, so they lie on several; an event meets those of its own."""


def call(service: str, target: str, **params: Any) -> bytes:
    version = "1.0" if service == "sqs" else "1.1"
    headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}
    return request("POST", "/", json.dumps(params).encode(), headers).replace(b"/lambda/", f"/{service}/".encode())


def events(operation: str, **params: Any) -> bytes:
    return call("events", f"AWSEvents.{operation}", **params)


def batch(source: str, bus: str = "default") -> bytes:
    detail = json.dumps({"state": "done", "size": 17, "user": {"name": "ann", "tags": ["a", "b"]}, "text": "x" * 200})
    entry = {"Source": source, "DetailType": "made", "Detail": detail, "EventBusName": bus}
    return events("PutEvents", Entries=[entry] * BATCH)


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data:
        command = [sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", data]
        with (
            server(command, port) as (pid, _),
            socket.create_connection(("127.0.0.1", port)) as connection,
        ):
            prepare(connection)
            to_queue(connection, port, pid)
            for source, title in (("nobody", "no rule matches, 1 rule"), ("lonely", "no rule matches, 250 rules")):
                bus = "default" if source == "nobody" else "bus0"
                measured = load(port, batch(source, bus), count=BATCHES, concurrency=8, pid=pid, warm_up=50)
                print(f"{title:32} {measured.cpu_us / BATCH:6.0f} µs CPU/event  {measured.rate * BATCH:6.0f} events/s")
            print(f"RSS {rss_mb(pid):.0f} MB")


def ask(connection: socket.socket, prepared: bytes) -> Any:
    status, answer = exchange(connection, prepared)
    assert status == 200, answer
    return json.loads(answer or b"{}")


def prepare(connection: socket.socket) -> None:
    ask(connection, call("sqs", "AmazonSQS.CreateQueue", QueueName="q"))
    target = {"Id": "q", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
    ask(connection, events("PutRule", Name="to-queue", EventPattern='{"source": ["app"]}'))
    ask(connection, events("PutTargets", Rule="to-queue", Targets=[target]))
    for bus in range(BUSES):
        ask(connection, events("CreateEventBus", Name=f"bus{bus}"))
        for number in range(RULES // BUSES):
            pattern = {"source": [f"app{number}"], "detail": {"size": [{"numeric": [">", number % 20]}]}}
            if number % 25 == 0:
                pattern = {"detail": {"user": {"name": [{"prefix": f"z{number}"}]}}}
            rule = {"Name": f"r{number}", "EventBusName": f"bus{bus}"}
            ask(connection, events("PutRule", **rule, EventPattern=json.dumps(pattern)))
            ask(
                connection, events("PutTargets", Rule=rule["Name"], EventBusName=rule["EventBusName"], Targets=[target])
            )


def to_queue(connection: socket.socket, port: int, pid: int) -> None:
    before, began, had = cpu_seconds(pid), time.perf_counter(), waiting(connection)
    measured = load(port, batch("app"), count=BATCHES, concurrency=8, pid=pid, warm_up=8)
    put, sent = time.perf_counter() - began, (BATCHES + 8) * BATCH
    while waiting(connection) - had < sent:
        time.sleep(0.05)
    seconds, cpu = time.perf_counter() - began, cpu_seconds(pid) - before
    print(
        f"PutEvents to a queue             {cpu / sent * 1e6:6.0f} µs CPU/event  {sent / seconds:6.0f} events/s"
        f"  p99 {measured.p99:.1f} ms a batch, {seconds - put:.1f} s behind"
    )


def waiting(connection: socket.socket) -> int:
    url = "http://127.0.0.1/000000000000/q"
    names = ["ApproximateNumberOfMessages"]
    answer = ask(connection, call("sqs", "AmazonSQS.GetQueueAttributes", QueueUrl=url, AttributeNames=names))
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


if __name__ == "__main__":
    main()
