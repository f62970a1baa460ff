from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import stat
import time
from pathlib import Path
from typing import Any

import pytest
import uvloop

from kumoi.gateway.limits import Limits
from kumoi.gateway.listener import Listener
from kumoi.wire.http import Request, Response

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def eventually(condition: Any) -> None:
    """Wait for a condition; fails when it does not come true."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


async def answer_ok(request: Request) -> Response:
    return Response(200, [], str(request.client).encode())


def test_a_port_in_use_is_told_as_such(serve: Any) -> None:
    port = serve().listener.port

    async def main() -> None:
        await Listener(answer_ok, port=port).start()

    with pytest.raises(OSError) as error:
        asyncio.run(main())
    assert error.value.errno == errno.EADDRINUSE


def test_silent_connections_hold_up_nobody(serve: Any) -> None:
    server = serve()
    silent = [server.connect() for _ in range(100)]
    assert server.connect().ask(GET).status == 200
    assert server.listener.connections == 1
    assert silent[0].ask(GET).status == 200


def test_tls_is_refused_where_there_is_none(serve: Any) -> None:
    client = serve().connect()
    client.send(b"\x16\x03\x01\x00\x05hello")
    with contextlib.suppress(ConnectionResetError):
        assert client.rest() == b""


def test_connections_beyond_the_limit_wait(serve: Any) -> None:
    server = serve(limits=Limits(max_connections=2))
    first, second = server.connect(), server.connect()
    assert [client.ask(GET).status for client in (first, second)] == [200, 200]
    third = server.connect()
    third.send(GET)
    third.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        third.answer()
    first.socket.close()
    third.socket.settimeout(60)
    assert third.answer().status == 200
    assert server.listener.connections == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_hosts(host: str) -> None:
    if ":" in host and not socket.has_ipv6:
        pytest.skip("no IPv6 here")

    async def main() -> bytes:
        listener = Listener(answer_ok, host=host, port=0)
        await listener.start()
        try:
            reader, writer = await asyncio.open_connection("::1" if ":" in host else "127.0.0.1", listener.port)
            writer.write(GET)
            received = await reader.readuntil(b")")
            writer.close()
            return received
        finally:
            await listener.stop()

    assert asyncio.run(main()).startswith(b"HTTP/1.1 200 OK")


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))

    async def main() -> None:
        listener = Listener(answer_ok, uds=path)
        await listener.start()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(OSError) as error:
            await Listener(answer_ok, uds=path).start()
        assert error.value.errno == errno.EADDRINUSE
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(GET)
        assert (await reader.readuntil(b"('', 0)")).startswith(b"HTTP/1.1 200 OK")
        writer.close()
        await listener.stop()
        assert not path.exists()

    asyncio.run(main())


# ── draining ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Gate:
    """A handler that waits."""

    def __init__(self) -> None:
        self.begun = 0
        self.open = asyncio.Event()

    async def __call__(self, request: Request) -> Response:
        self.begun += 1
        await self.open.wait()
        return Response(200, [], await request.body.read())


def test_stop_finishes_what_is_in_flight_and_closes_what_is_idle(serve: Any) -> None:
    gate = Gate()
    server = serve(gate)
    idle, silent, busy, uploading = (server.connect() for _ in range(4))
    uploading.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
    busy.send(GET + GET)
    server.run(asyncio.sleep(0))
    eventually(lambda: gate.begun == 1 and server.listener.connections == 2)
    assert server.listener.requests_in_flight == 1
    idle.send(b"\r\n")
    eventually(lambda: server.listener.connections == 3)
    stopping = asyncio.run_coroutine_threadsafe(server.listener.stop(), server.loop)
    assert idle.rest() == b""
    assert silent.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        server.connect()
    assert not stopping.done()
    server.loop.call_soon_threadsafe(gate.open.set)
    assert busy.answer().headers["connection"] == "close"
    assert busy.rest() == b""
    answer = uploading.ask(b"llo")
    assert (answer.body, answer.headers["connection"]) == (b"hello", "close")
    stopping.result(60)
    assert server.listener.connections == 0


def test_stop_waits_no_longer_than_it_may(serve: Any) -> None:
    gate = Gate()
    server = serve(gate, limits=Limits(drain_timeout=0.1))
    client = server.connect()
    client.send(GET)
    eventually(lambda: gate.begun == 1)
    server.run(server.listener.stop())
    with contextlib.suppress(ConnectionResetError):
        assert client.rest() == b""
    assert server.listener.connections == 0
    server.loop.call_soon_threadsafe(gate.open.set)


@pytest.mark.parametrize("turns", range(12))
def test_a_server_stops_at_once_whenever_a_connection_was_opened(turns: int) -> None:
    """At no turn of the loop is a connection left that nobody closes: who stops would wait out the drain time-out."""
    done = asyncio.Event()

    async def answer(request: Request) -> Response:
        await asyncio.sleep(0)
        done.set()
        return await answer_ok(request)

    async def main() -> tuple[bool, bytes]:
        listener = Listener(answer, port=0, limits=Limits(drain_timeout=600.0))
        await listener.start()
        loop = asyncio.get_running_loop()
        with socket.create_connection(("127.0.0.1", listener.port)) as client:
            client.setblocking(False)
            await loop.sock_sendall(client, GET)
            for _ in range(turns):
                await asyncio.sleep(0)
            async with asyncio.timeout(60):
                await listener.stop()
            assert listener.connections == 0
            try:
                return done.is_set(), await loop.sock_recv(client, 65536)
            except ConnectionResetError:
                return done.is_set(), b""

    asked, answered = uvloop.run(main())
    assert answered.startswith(b"HTTP/1.1 200") is asked, "what has been asked is answered"
