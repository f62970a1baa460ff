"""AppSync's subscriptions: how long a mutation takes to reach many subscribers, and what idle ones cost.

    scripts/bench subscriptions

Clients are sockets of this process: each subscriber has a connection of its own, which is the dearest way. A mutation
may take 100 ms to the last of 1,000, and 10,000 that only listen 300 MB.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import socket
import statistics
import struct
import time
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from invoke import kumoi
from load import cpu_seconds, exchange, free_port, request, rss_mb, server

SDL = """
type Query { hello: String }
type Mutation { add(room: ID, text: String): Message }
type Message { id: ID! room: ID text: String }
type Subscription { onAdd(room: ID): Message @aws_subscribe(mutations: ["add"]) }
"""
ROUNDS = 15


class Subscriber:
    """A WebSocket that has subscribed; `rest` is what arrived of a frame that is not whole."""

    def __init__(self, port: int, api: str, key: str, query: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        header = base64.b64encode(json.dumps({"host": "localhost", "x-api-key": key}).encode()).decode()
        self.socket.sendall(
            f"GET /graphql/{api}/realtime?header={header}&payload=e30= HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-ws\r\n\r\n".encode()
        )
        received = b""
        while b"\r\n\r\n" not in received:
            received += self.socket.recv(65536)
        self.rest = received.partition(b"\r\n\r\n")[2]
        authorization = {"host": "localhost", "x-api-key": key}
        payload = {"data": json.dumps({"query": query}), "extensions": {"authorization": authorization}}
        self.send({"id": "1", "type": "start", "payload": payload})
        while b"start_ack" not in b"".join(self.receive()):
            pass

    def send(self, message: Any) -> None:
        content = json.dumps(message).encode()
        size = struct.pack("!BBH", 0x81, 0x80 | 126, len(content))
        self.socket.sendall(size + bytes(4) + content)

    def receive(self) -> list[bytes]:
        """The frames that have arrived, at least what one read brings."""
        self.rest += self.socket.recv(65536)
        found = []
        while len(self.rest) >= 2:
            size, begin = self.rest[1], 2
            if size == 126:
                size, begin = struct.unpack("!H", self.rest[2:4])[0], 4
            if len(self.rest) < begin + size:
                break
            found.append(self.rest[begin : begin + size])
            self.rest = self.rest[begin + size :]
        return found


def api(port: int) -> tuple[str, str]:
    """An API whose mutation answers at once, and a key of it."""
    client = boto3.client(
        "appsync",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    made = client.create_graphql_api(name="bench", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    client.start_schema_creation(apiId=made, definition=SDL.encode())
    client.create_data_source(apiId=made, name="none", type="NONE")
    client.create_resolver(
        apiId=made,
        typeName="Mutation",
        fieldName="add",
        dataSourceName="none",
        requestMappingTemplate='{"version":"2018-05-29","payload":$util.toJson($ctx.args)}',
        responseMappingTemplate='$util.qr($ctx.result.put("id", "1"))$util.toJson($ctx.result)',
    )
    return made, client.create_api_key(apiId=made)["apiKey"]["id"]


def reach(port: int, pid: int, made: str, key: str, subscribers: list[Subscriber]) -> None:
    """Mutate, and see how long it takes until everybody has it."""
    query = {"query": 'mutation { add(room: "a", text: "hello, all of you") { id room text } }'}
    headers = {"Host": "localhost", "x-api-key": key, "Content-Type": "application/json", "Authorization": ""}
    prepared = request("POST", f"/graphql/{made}", json.dumps(query).encode(), headers)
    first, last, answered, cpu = [], [], [], []
    with selectors.DefaultSelector() as selector, socket.create_connection(("127.0.0.1", port)) as mutator:
        for one in subscribers:
            selector.register(one.socket, selectors.EVENT_READ, one)
        for _ in range(ROUNDS):
            before, began, left = cpu_seconds(pid), time.perf_counter(), len(subscribers)
            status, _ = exchange(mutator, prepared)
            assert status == 200
            answered.append(time.perf_counter() - began)
            got = False
            while left:
                for chosen, _ in selector.select(60):
                    left -= sum(b'"data"' in frame for frame in chosen.data.receive())
                    if not got:
                        got, _ = True, first.append(time.perf_counter() - began)
            last.append(time.perf_counter() - began)
            cpu.append(cpu_seconds(pid) - before)
    told = "  ".join(
        f"{name} {statistics.median(times) * 1000:5.1f} ms"
        for name, times in (("answered", answered), ("first", first), ("last", last), ("server's CPU", cpu))
    )
    print(f"{len(subscribers)} subscribers: {told}  (load {os.getloadavg()[0]:.1f})")


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data, server(kumoi(port, data), port) as (pid, _ready):
        made, key = api(port)
        query = "subscription { onAdd { id room text } }"
        warm = [Subscriber(port, made, key, query)]
        before = rss_mb(pid)
        many = [Subscriber(port, made, key, query) for _ in range(1000)]
        print(f"1,000 subscribers: {rss_mb(pid) - before:.0f} MB more than {before:.0f} MB")
        reach(port, pid, made, key, many)
        elsewhere = 'subscription { onAdd(room: "b") { id room text } }'
        many += [Subscriber(port, made, key, elsewhere) for _ in range(9000)]
        print(f"10,000 idle subscribers: {rss_mb(pid) - before:.0f} MB more than {before:.0f} MB")
        reach(port, pid, made, key, many[:1000])
        for one in (*warm, *many):
            one.socket.close()


if __name__ == "__main__":
    main()
