"""What the HTTP server costs above its floor: CPU microseconds per request, side by side in one run.

Floor: a bare `asyncio.Protocol` over httptools that answers from the parser's callback and checks nothing. Ours: a
`Listener`, over HTTP/1.1 and, with the same header fields one stream after the other, over HTTP/2. All decode and
encode the same JSON; a child process sends a fixed number of requests over keep-alive connections. CPU time is the
server process's own (user + system), which a busy machine disturbs less than a clock.
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
from h2.connection import H2Connection
from hyperframe.frame import DataFrame, HeadersFrame, SettingsFrame, WindowUpdateFrame

from kumoi.gateway.http2_frames import PREFACE
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


async def measure(
    serve: Callable[[], Awaitable[tuple[int, Callable[[], Awaitable[None]]]]], requests: int, *, http2: bool = False
) -> float:
    """CPU microseconds per request of this process while a child loads it."""
    port, stop = await serve()
    await _load(port, requests // 10, http2=http2)
    before = resource.getrusage(resource.RUSAGE_SELF)
    await _load(port, requests, http2=http2)
    after = resource.getrusage(resource.RUSAGE_SELF)
    await stop()
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used / requests * 1e6


async def _load(port: int, requests: int, *, http2: bool) -> None:
    arguments = ["--client", str(port), "--requests", str(requests), *(["--http2"] if http2 else [])]
    client = await asyncio.create_subprocess_exec(sys.executable, __file__, *arguments, stdin=subprocess.DEVNULL)
    if await client.wait():
        raise SystemExit("the load client failed")


def fields() -> tuple[bytes, bytes]:
    """The request's header fields compressed, as they are sent first, and as they are once both sides know them."""
    line, *lines = REQUEST.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    method, path, _ = line.split()
    given = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    pseudo = [(":method", method), (":scheme", "http"), (":path", path), (":authority", dict(given)["host"])]
    encoder = H2Connection().encoder
    sent = [*pseudo, *(field for field in given if field[0] != "host")]
    return encoder.encode(sent), encoder.encode(sent)


def client(port: int, requests: int, *, http2: bool) -> None:
    """Keep-alive requests over several connections at once."""

    def run_http2(count: int) -> None:
        first, again = fields()
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            window = WindowUpdateFrame(0, window_increment=2**31 - 65_536).serialize()
            connection.sendall(PREFACE + SettingsFrame(0).serialize() + window)
            for number in range(count):
                stream = 2 * number + 1
                head = HeadersFrame(stream, again if number else first, flags=["END_HEADERS"]).serialize()
                connection.sendall(head + DataFrame(stream, BODY, flags=["END_STREAM"]).serialize())
                received = b""
                while not received.endswith(BODY):
                    piece = connection.recv(65536)
                    if not piece:
                        raise ConnectionError("the server closed the connection")
                    received += piece

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
        list(pool.map(run_http2 if http2 else run, [requests // CONNECTIONS] * CONNECTIONS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=48_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--http2", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        client(arguments.client, arguments.requests, http2=arguments.http2)
        return
    floors, ours, ours_http2 = [], [], []
    for _ in range(arguments.rounds):
        floors.append(uvloop.run(measure(serve_floor, arguments.requests)))
        ours.append(uvloop.run(measure(serve_ours, arguments.requests)))
        ours_http2.append(uvloop.run(measure(serve_ours, arguments.requests // 4, http2=True)))
    floor, own = statistics.median(floors), statistics.median(ours)
    print(f"floor: {floor:5.1f} µs CPU/request   {[round(f, 1) for f in floors]}")
    print(f"ours:  {own:5.1f} µs CPU/request   {[round(f, 1) for f in ours]}")
    print(f"ratio: {own / floor:.2f} (target 1.6)")
    by_http2 = statistics.median(ours_http2)
    print(
        f"HTTP/2: {by_http2:5.1f} µs CPU/request  {[round(f, 1) for f in ours_http2]}, {by_http2 / own:.1f} × HTTP/1.1"
    )


if __name__ == "__main__":
    main()
