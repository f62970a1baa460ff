"""A listener in a thread of its own, and a client that sends raw bytes: what a real peer sees, nothing less."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import uvloop

from kumoi.gateway.limits import Limits
from kumoi.gateway.listener import Listener
from kumoi.wire.http import Request, Response


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection. Reading past the server's last byte fails, waiting longer than ten seconds too."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(60)
        self.received = b""

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def until(self, end: bytes) -> bytes:
        while end not in self.received:
            self._more()
        found, _, self.received = self.received.partition(end)
        return found + end

    def exactly(self, size: int) -> bytes:
        pieces, left = [self.received], size - len(self.received)
        while left > 0:
            pieces.append(self.socket.recv(1024 * 1024))
            if not pieces[-1]:
                raise EOFError("the server closed the connection in the middle of an answer")
            left -= len(pieces[-1])
        found = b"".join(pieces)
        self.received = found[size:]
        return found[:size]

    def answer(self, *, head: bool = False) -> Answer:
        """The next response; `head` when it answers HEAD."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
        if head or status in (100, 101, 204, 304):
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.until(b"\r\n"), 16):
                body += self.exactly(size)
                assert self.exactly(2) == b"\r\n"
            assert self.exactly(2) == b"\r\n"
            return Answer(status, headers, body)
        if "content-length" in headers:
            return Answer(status, headers, self.exactly(int(headers["content-length"])))
        return Answer(status, headers, self.rest())

    def ask(self, data: bytes | str) -> Answer:
        self.send(data)
        return self.answer()

    def rest(self) -> bytes:
        """What else comes until the server closes."""
        while piece := self.socket.recv(65536):
            self.received += piece
        found, self.received = self.received, b""
        return found

    def _more(self) -> None:
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError(f"the server closed the connection behind {self.received!r}")
        self.received += piece


class Server:
    """A running listener; `run` awaits something on its loop."""

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop) -> None:
        self.listener = listener
        self.loop = loop
        self._clients: list[Client] = []

    def run(self, wanted: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(wanted, self.loop).result(60)

    def connect(self, **options: Any) -> Client:
        connection = socket.socket()
        client = Client(connection)
        self._clients.append(client)
        for name, value in options.items():
            connection.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        connection.connect(("127.0.0.1", self.listener.port))
        return client

    def close_clients(self) -> None:
        for client in self._clients:
            client.socket.close()


Serve = Callable[..., Server]


async def echo(request: Request) -> Response:
    """Says what it was asked, and how."""
    body = await request.body.read()
    told = [
        ("X-Method", request.method),
        ("X-Path", request.path),
        ("X-Query", request.query),
        ("X-Host", request.host),
        ("X-Scheme", request.scheme),
        ("X-Trailers", repr(request.body.trailers)),
        ("X-Headers", repr(request.headers.items)),
    ]
    return Response(200, told, body)


@pytest.fixture(params=["uvloop", "asyncio"])
def serve(request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Start a listener with a handler (by default one that echoes); runs on uvloop and on the standard loop."""
    started: list[tuple[Server, threading.Thread, asyncio.Event]] = []

    def start(handler: Any = echo, **options: Any) -> Server:
        ready: list[Server] = []
        known = threading.Event()
        stop = asyncio.Event()

        async def main() -> None:
            limits = replace(options.pop("limits", Limits()), sweep_interval=0.05)
            listener = Listener(handler, port=0, limits=limits, **options)
            await listener.start()
            ready.append(Server(listener, asyncio.get_running_loop()))
            known.set()
            await stop.wait()
            await listener.stop()

        def run() -> None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop if request.param == "uvloop" else None) as runner:
                runner.run(main())

        thread = threading.Thread(target=run)
        thread.start()
        assert known.wait(60)
        started.append((ready[0], thread, stop))
        return ready[0]

    yield start
    for server, thread, stop in started:
        server.close_clients()
        server.loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def eventually() -> Callable[[Any], None]:
    """Wait for a condition; fails when it does not come true."""

    def wait(condition: Any) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    return wait
