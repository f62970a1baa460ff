"""Bodies that are answered: files, pieces as they come, and what is told once they are sent. Over real sockets."""

from __future__ import annotations

import array
import asyncio
import fcntl
import hashlib
import socket
import termios
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kumoi.gateway.limits import Limits
from kumoi.wire.http import FileBody, Request, Response

GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
MB = 1_000_000


def get(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> str:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: a", *headers, "\r\n"])


def unread(connection: socket.socket) -> int:
    """Bytes that have come and wait to be read."""
    found = array.array("i", [0])
    fcntl.ioctl(connection, termios.FIONREAD, found)
    return found[0]


async def letters() -> AsyncIterator[bytes]:
    for letter in (b"a", b"", b"bc"):
        yield letter


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 4096)
    return path


def test_files_are_answered_from_their_offset(serve: Any, file: Path) -> None:
    async def handler(request: Request) -> Response:
        return Response(206, [], FileBody(file, 1, 1_000_000))

    client = serve(handler).connect()
    for _ in range(2):
        answer = client.ask(GET)
        assert answer.headers["content-length"] == "1000000"
        assert answer.body == file.read_bytes()[1:1_000_001]


def test_a_head_without_the_file_behind_it_is_not_held_back(serve: Any, file: Path) -> None:
    async def handler(request: Request) -> Response:
        return Response(200, [], FileBody(file, 0, 1_000_000))

    client = serve(handler).connect()
    took = []
    for _ in range(10):
        began = time.monotonic()
        client.send(get("/", method="HEAD"))
        assert b"Content-Length: 1000000" in client.until(b"\r\n\r\n")
        took.append(time.monotonic() - began)
    assert min(took) < 0.15, "the kernel waits for more for 0.2 seconds, each time"


@pytest.mark.parametrize("cached", [True, False])
def test_a_file_reaches_a_slow_client_whole(
    serve: Any, file: Path, cached: bool, monkeypatch: pytest.MonkeyPatch, eventually: Callable[[Any], None]
) -> None:
    file.write_bytes(file.read_bytes() * 16)
    monkeypatch.setattr("kumoi.gateway.file_sender.is_cached", lambda *_: cached)

    async def handler(request: Request) -> Response:
        return Response(200, [], FileBody(file, 0, file.stat().st_size))

    client = serve(handler).connect()
    client.send(GET)
    eventually(lambda: unread(client.socket) > 60_000)  # it is sent while nobody reads
    assert hashlib.md5(client.answer().body).digest() == hashlib.md5(file.read_bytes()).digest()
    assert client.ask(GET).body[-3:] == b"\xfd\xfe\xff"


def test_a_client_that_leaves_in_the_middle_of_a_file_is_no_failure(
    serve: Any, file: Path, caplog: pytest.LogCaptureFixture, eventually: Callable[[Any], None]
) -> None:
    file.write_bytes(file.read_bytes() * 16)
    sent: list[int] = []

    async def handler(request: Request) -> Response:
        body = FileBody(file, 0, file.stat().st_size)
        return Response(200, [], body, on_sent=lambda: sent.append(1))

    server = serve(handler)
    for number in range(1, 4):
        client = server.connect(SO_RCVBUF=8192)
        client.send(GET)
        client.until(b"\r\n\r\n")
        eventually(lambda: unread(client.socket) > 2000)  # noqa: B023  (awaited here)
        client.socket.close()
        eventually(lambda: len(sent) == number)  # noqa: B023  (awaited here)
    assert not caplog.records


@pytest.mark.parametrize("body", ["missing", "short"])
def test_a_file_that_is_not_there_cuts_the_connection(
    serve: Any, file: Path, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Request) -> Response:
        return Response(200, [], FileBody(file if body == "short" else file.with_name("none"), 0, 2_000_000))

    client = serve(handler).connect()
    client.send(GET)
    with pytest.raises((EOFError, ConnectionResetError)):
        client.answer()
    assert "failed in the middle" in caplog.text


def test_pieces_leave_one_by_one(serve: Any) -> None:
    gate = asyncio.Semaphore(0)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await gate.acquire()
        yield b"second"

    async def handler(request: Request) -> Response:
        return Response(200, [], pieces())

    server = serve(handler)
    client = server.connect()
    client.send(GET)
    assert client.until(b"first\r\n").endswith(b"\r\n\r\n5\r\nfirst\r\n")
    server.loop.call_soon_threadsafe(gate.release)
    assert client.until(b"0\r\n\r\n") == b"6\r\nsecond\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "headers", "raw"),
    [
        (GET, [], b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
        (GET, [("content-length", "3")], b"abc"),
        (get("/", version="1.0"), [], b"abc"),
        (get("/", method="HEAD"), [], b""),
    ],
)
def test_how_pieces_are_framed(serve: Any, sent: str, headers: list[tuple[str, str]], raw: bytes) -> None:
    async def handler(request: Request) -> Response:
        return Response(200, headers, letters())

    client = serve(handler).connect()
    client.send(sent)
    client.socket.shutdown(socket.SHUT_WR)
    assert client.rest().partition(b"\r\n\r\n")[2] == raw


@pytest.mark.parametrize("promised", ["2", "4"])
def test_a_broken_promise_of_a_length_cuts_the_connection(
    serve: Any, promised: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Request) -> Response:
        return Response(200, [("Content-Length", promised)], letters())

    client = serve(handler).connect()
    client.send(GET + GET)
    with pytest.raises((EOFError, ConnectionResetError)):
        for _ in range(2):
            client.answer()
    assert "its Content-Length" in caplog.text


def test_a_slow_reader_slows_the_pieces_down(serve: Any) -> None:
    made = []

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(500):
            made.append(1)
            yield b"x" * 100_000

    async def handler(request: Request) -> Response:
        return Response(200, [("Content-Length", str(50 * MB))], pieces())

    client = serve(handler).connect()
    client.send(GET)
    client.until(b"\r\n\r\n")
    before = -1
    while len(made) != before:
        before = len(made)
        time.sleep(0.2)
    assert before < 200
    assert len(client.exactly(50 * MB)) == 50 * MB
    assert len(made) == 500


@pytest.mark.parametrize("leave", ["reset", "close"])
def test_pieces_are_closed_when_the_client_leaves(serve: Any, leave: str, eventually: Callable[[Any], None]) -> None:
    events = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            events.append("closed")

    async def handler(request: Request) -> Response:
        return Response(200, [], pieces(), on_sent=lambda: events.append("sent"))

    server = serve(handler, limits=Limits(header_timeout=0.1))
    client = server.connect()
    client.send(GET)
    client.until(b"first")
    if leave == "reset":
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.socket.close()
    eventually(lambda: events == ["closed", "sent"])
    eventually(lambda: server.listener.connections == 0)


@pytest.mark.parametrize("body", ["bytes", "pieces", "file", "abort"])
def test_on_sent_is_called_once(serve: Any, body: str, file: Path, eventually: Callable[[Any], None]) -> None:
    calls = []

    async def handler(request: Request) -> Response:
        content = {"bytes": b"x", "pieces": letters(), "file": FileBody(file, 0, 10), "abort": b""}[body]
        return Response(200, [], content, abort=body == "abort", on_sent=lambda: calls.append(1))

    client = serve(handler).connect()
    client.send(get("/", "Connection: close"))
    if body == "abort":
        with pytest.raises(ConnectionResetError):
            client.rest()
    else:
        client.rest()
    eventually(lambda: calls == [1])


def test_a_failing_on_sent_is_logged_and_harms_nobody(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Request) -> Response:
        return Response(on_sent=lambda: 1 // 0)  # type: ignore[arg-type, return-value]

    client = serve(handler).connect()
    assert [client.ask(GET).status for _ in range(2)] == [200, 200]
    assert "ZeroDivisionError" in caplog.text
