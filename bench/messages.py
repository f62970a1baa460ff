r"""SQS through HTTP: the server's CPU time per SendMessage, and per pair of ReceiveMessage and DeleteMessage.

    PEER_PYTHON=/venv/with/ministack/bin/python MOTO=/venv/with/moto/bin/moto_server scripts/bench messages

Prepared requests on kept-alive connections, messages of 1 KB. Kumoi's are on disk, the others' in memory. Each
server has answered 20,000 requests before. Kumoi and ministack are measured in turns, five of each, and the middle one
counts: a shared machine is now fast and now slow. moto closes every connection: it is compared with one for each
request.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import sys
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Any

from load import cpu_seconds, exchange, free_port, load, request, server, warm

ROUNDS = 5
COUNT, PAIRS, ALONE = 7000, 2000, 500
"""Requests; ministack closes a connection after a thousand."""
CONNECTIONS = 8
KUMOI = "kumoi"
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


def sent(port: int, pid: int, round_: int) -> float:
    """µs of the server's CPU a SendMessage, over eight connections that stay."""
    prepared = sending(port, f"kept-{round_}")
    measured = load(port, prepared, count=COUNT, concurrency=CONNECTIONS, pid=pid, warm_up=CONNECTIONS * 25)
    return measured.cpu_us


def received(port: int, pid: int, round_: int) -> float:
    """µs of the server's CPU a ReceiveMessage with its DeleteMessage, over eight connections that stay."""
    load(port, sending(port, f"pairs-{round_}"), count=PAIRS, concurrency=CONNECTIONS, pid=pid)
    url = json.loads(alone(port, call("GetQueueUrl", QueueName=f"pairs-{round_}")))["QueueUrl"]
    receive = call("ReceiveMessage", QueueUrl=url)
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(CONNECTIONS)]

        def take(rounds: int) -> None:
            for _ in range(rounds):
                found = at_once(sockets, [receive] * CONNECTIONS)
                at_once(sockets, [deletion(url, one) for one in found])

        take(25)
        rounds, began = PAIRS // CONNECTIONS - 25, cpu_seconds(pid)
        take(rounds)
        return (cpu_seconds(pid) - began) / rounds / CONNECTIONS * 1e6


def measure_kept(servers: dict[str, tuple[int, int]]) -> None:
    """Each server in turn; the servers by their names, with port and process."""
    for port, pid in servers.values():
        warm(port, call("ListQueues"), pid)
    for title, measure in (("SendMessage", sent), ("Receive + Delete", received)):
        rounds = [{name: measure(*where, number) for name, where in servers.items()} for number in range(ROUNDS)]
        middle = {name: statistics.median(one[name] for one in rounds) for name in servers}
        told = ", ".join(f"{name} {cpu:.0f} µs" for name, cpu in middle.items())
        ratios = "".join(
            f"; {middle[name] / middle[KUMOI]:.1f} × (in the rounds "
            f"{', '.join(f'{ratio:.1f}' for ratio in sorted(one[name] / one[KUMOI] for one in rounds))})"
            for name in servers
            if name != KUMOI
        )
        print(f"  {title:16} c={CONNECTIONS}   CPU: {told}{ratios}")


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
    port, other = free_port(), free_port()
    with ExitStack() as stack:
        data = stack.enter_context(TemporaryDirectory())
        command = [sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", data]
        pid, _ = stack.enter_context(server(command, port))
        servers = {KUMOI: (port, pid)}
        if (path := os.environ.get("PEER_PYTHON")) is not None:
            peer, _ = stack.enter_context(server([path, "-m", "ministack"], other, GATEWAY_PORT=str(other)))
            servers["ministack"] = (other, peer)
        measure_kept(servers)
        print(KUMOI)
        measure_alone(port, pid)
    if (path := os.environ.get("MOTO")) is not None:
        with server([path, "-p", str(port)], port) as (pid, _):
            print("moto")
            measure_alone(port, pid)


if __name__ == "__main__":
    main()
