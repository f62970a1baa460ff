"""What the HTTP server costs above its floor: CPU microseconds per request, side by side in one run.

Floor: a bare `asyncio.Protocol` over httptools that answers from the parser's callback and checks nothing. Ours: a
`Listener`. Both decode and encode the same JSON; a child process sends a fixed number of requests over keep-alive
connections. CPU time is the server process's own (user + system), which a busy machine disturbs less than a clock.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import socket
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import httptools
import orjson
import uvloop

from kumoi.gateway.listener import Listener
from kumoi.wire.http import Request, Response

CONNECTIONS = 16
BODY = orjson.dumps({"Item": {f"attribute{n}": {"S": "x" * 40} for n in range(14)}})
REQUEST = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1:4566\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"X-Amz-Target: DynamoDB_20120810.PutItem\r\nUser-Agent: bench\r\nX-Amz-Date: 20260101T000000Z\r\n"
    b"Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY


class Floor(asyncio.Protocol):
    """The least that answers a POST."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        body = orjson.dumps(orjson.loads(self.body))
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n" % len(body)
            + body
        )


async def echo(request: Request) -> Response:
    """The handler of ours: the same work."""
    body = orjson.dumps(orjson.loads(await request.body.read()))
    return Response(200, [("Content-Type", "application/x-amz-json-1.0")], body)


async def serve_floor() -> tuple[int, Callable[[], Awaitable[None]]]:
    server = await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", 0)

    async def stop() -> None:
        server.close()

    return server.sockets[0].getsockname()[1], stop


async def serve_ours() -> tuple[int, Callable[[], Awaitable[None]]]:
    listener = Listener(echo, port=0)
    await listener.start()
    return listener.port, listener.stop


async def measure(serve: Callable[[], Awaitable[tuple[int, Callable[[], Awaitable[None]]]]], requests: int) -> float:
    """CPU microseconds per request of this process while a child loads it."""
    port, stop = await serve()
    await _load(port, requests // 10)
    before = resource.getrusage(resource.RUSAGE_SELF)
    await _load(port, requests)
    after = resource.getrusage(resource.RUSAGE_SELF)
    await stop()
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used / requests * 1e6


async def _load(port: int, requests: int) -> None:
    client = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--client", str(port), "--requests", str(requests), stdin=subprocess.DEVNULL
    )
    if await client.wait():
        raise SystemExit("the load client failed")


def client(port: int, requests: int) -> None:
    """Keep-alive requests over several connections at once."""

    def run(count: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(count):
                connection.sendall(REQUEST)
                received = b""
                while not received.endswith(BODY):
                    piece = connection.recv(65536)
                    if not piece:
                        raise ConnectionError("the server closed the connection")
                    received += piece
                if not received.startswith(b"HTTP/1.1 200"):
                    raise ValueError(f"not a good answer: {received[:100]!r}")

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(run, [requests // CONNECTIONS] * CONNECTIONS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=48_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        client(arguments.client, arguments.requests)
        return
    floors, ours = [], []
    for _ in range(arguments.rounds):
        floors.append(uvloop.run(measure(serve_floor, arguments.requests)))
        ours.append(uvloop.run(measure(serve_ours, arguments.requests)))
    floor, own = statistics.median(floors), statistics.median(ours)
    print(f"floor: {floor:5.1f} µs CPU/request   {[round(f, 1) for f in floors]}")
    print(f"ours:  {own:5.1f} µs CPU/request   {[round(f, 1) for f in ours]}")
    print(f"ratio: {own / floor:.2f} (target 1.6)")


if __name__ == "__main__":
    main()
