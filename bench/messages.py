r"""SQS through HTTP: the server's CPU time per SendMessage, and per pair of ReceiveMessage and DeleteMessage.

    PEER_PYTHON=/venv/with/ministack/bin/python MOTO=/venv/with/moto/bin/moto_server scripts/bench messages

Prepared requests on kept-alive connections, messages of 1 KB. Kumoi's are on disk, the others' in memory. Each
server has answered 20,000 requests before. moto closes every connection: it is compared with one for each request.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Any

from load import cpu_seconds, exchange, free_port, load, request, server, warm

COUNT, PAIRS, ALONE = 7000, 2000, 500
"""Requests; ministack closes a connection after a thousand."""
CONNECTIONS = 8
BODY = "m" * 1024


def call(operation: str, **members: Any) -> bytes:
    headers = {"X-Amz-Target": f"AmazonSQS.{operation}", "Content-Type": "application/x-amz-json-1.0"}
    return request("POST", "/", json.dumps(members).encode(), headers).replace(b"/lambda/", b"/sqs/")


def alone(port: int, prepared: bytes) -> bytes:
    """One request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return answer_of(connection, prepared)


def answer_of(connection: socket.socket, prepared: bytes = b"") -> bytes:
    """The answer to a request, or to one that was sent before."""
    status, answer = exchange(connection, prepared)
    assert status == 200, answer
    return answer


def at_once(connections: list[socket.socket], prepared: list[bytes]) -> list[bytes]:
    """A request on each connection, all of them before the first answer is read."""
    for connection, one in zip(connections, prepared, strict=True):
        connection.sendall(one)
    return [answer_of(connection) for connection in connections]


def sending(port: int, name: str) -> bytes:
    """Make a queue; what sends a message to it."""
    url = json.loads(alone(port, call("CreateQueue", QueueName=name)))["QueueUrl"]
    return call("SendMessage", QueueUrl=url, MessageBody=BODY)


def deletion(url: str, received: bytes) -> bytes:
    (message,) = json.loads(received)["Messages"]
    return call("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def measure_kept(port: int, pid: int) -> None:
    """Over eight connections that stay."""
    warm(port, call("ListQueues"), pid)
    measured = load(
        port, sending(port, "kept"), count=COUNT, concurrency=CONNECTIONS, pid=pid, warm_up=CONNECTIONS * 25
    )
    print(f"  SendMessage      c={CONNECTIONS}   {measured.cpu_us:6.0f} µs CPU")
    load(port, sending(port, "pairs"), count=PAIRS, concurrency=CONNECTIONS, pid=pid)
    url = json.loads(alone(port, call("GetQueueUrl", QueueName="pairs")))["QueueUrl"]
    receive = call("ReceiveMessage", QueueUrl=url)
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(CONNECTIONS)]

        def take(rounds: int) -> None:
            for _ in range(rounds):
                received = at_once(sockets, [receive] * CONNECTIONS)
                at_once(sockets, [deletion(url, one) for one in received])

        take(25)
        rounds, began = PAIRS // CONNECTIONS - 25, cpu_seconds(pid)
        take(rounds)
        cpu = (cpu_seconds(pid) - began) / rounds / CONNECTIONS
    print(f"  Receive + Delete c={CONNECTIONS}   {cpu * 1e6:6.0f} µs CPU")


def measure_alone(port: int, pid: int) -> None:
    """Over a connection for each request."""
    url = json.loads(alone(port, call("CreateQueue", QueueName="alone")))["QueueUrl"]
    send, receive = call("SendMessage", QueueUrl=url, MessageBody=BODY), call("ReceiveMessage", QueueUrl=url)
    count, began = ALONE, cpu_seconds(pid)
    for _ in range(count):
        alone(port, send)
    print(f"  SendMessage      alone {(cpu_seconds(pid) - began) / count * 1e6:6.0f} µs CPU")
    began = cpu_seconds(pid)
    for _ in range(count):
        alone(port, deletion(url, alone(port, receive)))
    print(f"  Receive + Delete alone {(cpu_seconds(pid) - began) / count * 1e6:6.0f} µs CPU")


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data:
        command = [sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", data]
        with server(command, port) as (pid, _):
            print("kumoi")
            measure_kept(port, pid)
            measure_alone(port, pid)
    if (path := os.environ.get("PEER_PYTHON")) is not None:
        with server([path, "-m", "ministack"], port, GATEWAY_PORT=str(port)) as (pid, _):
            print("ministack")
            measure_kept(port, pid)
    if (path := os.environ.get("MOTO")) is not None:
        with server([path, "-p", str(port)], port) as (pid, _):
            print("moto")
            measure_alone(port, pid)


if __name__ == "__main__":
    main()
