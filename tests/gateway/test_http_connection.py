"""What happens between requests and answers: order, speed, endings. Over real sockets."""

from __future__ import annotations

import array
import asyncio
import contextlib
import fcntl
import hashlib
import http.client
import logging
import socket
import termios
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kumoi.gateway.http_connection import _same_machine
from kumoi.gateway.limits import Limits
from kumoi.wire.http import ClientDisconnected, FileBody, Request, Response

GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
MB = 1_000_000


def get(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> str:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: a", *headers, "\r\n"])


def eventually(condition: Any) -> None:
    """Wait for a condition; fails when it does not come true."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def unread(connection: socket.socket) -> int:
    """Bytes that have come and wait to be read."""
    found = array.array("i", [0])
    fcntl.ioctl(connection, termios.FIONREAD, found)
    return found[0]


# ── keep-alive and pipelining ─────────────────────────────────────────────────────────────────────────────────────────


def test_http_client_keeps_its_connection(serve: Any) -> None:
    server = serve()
    client = http.client.HTTPConnection("127.0.0.1", server.listener.port, timeout=60)
    for number in range(3):
        client.request("PUT", f"/{number}", body=iter([b"a", b"b"]), encode_chunked=True)
        answer = client.getresponse()
        assert (answer.status, answer.read(), answer.headers["X-Path"]) == (200, b"ab", f"/{number}")
    assert server.listener.connections == 1
    client.close()


@pytest.mark.parametrize(
    ("sent", "connection", "closes"),
    [
        (get("/"), None, False),
        (get("/", "Connection: close"), "close", True),
        (get("/", "Connection: keep-alive, Close"), "close", True),
        (get("/", version="1.0"), "close", True),
        (get("/", "Connection: keep-alive", version="1.0"), "keep-alive", False),
    ],
)
def test_who_keeps_the_connection(serve: Any, sent: str, connection: str | None, closes: bool) -> None:
    client = serve().connect()
    assert client.ask(sent).headers.get("connection") == connection
    if closes:
        assert client.rest() == b""
    else:
        assert client.ask(GET).status == 200


def test_answers_come_in_the_order_of_the_requests_one_handler_at_a_time(serve: Any) -> None:
    running = []

    async def handler(request: Request) -> Response:
        running.append(request.path)
        assert len(running) == 1
        await asyncio.sleep(0.02 if request.path == "/0" else 0)
        running.remove(request.path)
        return Response(200, [], request.path.encode())

    client = serve(handler).connect()
    client.send("".join(get(f"/{number}") for number in range(50)))
    assert [client.answer().body for _ in range(50)] == [f"/{number}".encode() for number in range(50)]


def test_reading_stops_while_many_requests_wait(serve: Any) -> None:
    go = asyncio.Event()

    async def handler(request: Request) -> Response:
        await go.wait()
        return Response()

    server = serve(handler)
    client = server.connect(SO_SNDBUF=4096)
    client.socket.settimeout(0.5)
    request = get("/", "Padding: " + "x" * 8000).encode()
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 100 * MB:
            sent += client.socket.send(request)
    assert sent < 20 * MB
    server.loop.call_soon_threadsafe(go.set)
    client.socket.settimeout(60)
    assert client.answer().status == 200


# ── bodies that are sent ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("framing", ["Content-Length: 50000000", "Transfer-Encoding: chunked"])
def test_a_large_body_is_streamed_within_bounds(serve: Any, framing: str) -> None:
    held = []

    async def handler(request: Request) -> Response:
        body: Any = request.body
        digest, size = hashlib.sha256(), 0
        async for piece in body.stream():
            held.append(body.buffered)
            size += len(piece)
            digest.update(piece)
        return Response(200, [("X-Size", str(size))], digest.hexdigest().encode())

    client = serve(handler).connect()
    piece = bytes(range(250)) * 4000
    client.send(f"PUT / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n")
    for _ in range(50):
        client.send(piece if "Length" in framing else b"%x\r\n%b\r\n" % (len(piece), piece))
    if "chunked" in framing:
        client.send("0\r\n\r\n")
    answer = client.answer()
    assert answer.headers["x-size"] == "50000000"
    assert answer.body.decode() == hashlib.sha256(piece * 50).hexdigest()
    assert max(held) <= 1024 * 1024
    assert client.ask(GET).status == 200


def test_a_handler_that_does_not_read_stops_the_sender(serve: Any) -> None:
    go = asyncio.Event()
    bodies = []

    async def handler(request: Request) -> Response:
        bodies.append(request.body)
        await go.wait()
        return Response(200, [], b"%d" % len(await request.body.read()))

    server = serve(handler)
    client = server.connect(SO_SNDBUF=65536)
    client.send(f"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {50 * MB}\r\n\r\n")
    eventually(lambda: bodies)
    client.socket.settimeout(0.5)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 50 * MB:
            sent += client.socket.send(b"x" * min(65536, 50 * MB - sent))
    assert sent < 20 * MB
    assert bodies[0].buffered <= 1024 * 1024
    server.loop.call_soon_threadsafe(go.set)
    client.socket.settimeout(60)
    client.send(b"x" * (50 * MB - sent))
    assert client.answer().body == b"50000000"


def test_continue_is_sent_when_the_body_is_wanted(serve: Any) -> None:
    client = serve().connect()
    client.send(get("/", "Expect: 100-continue", "Content-Length: 5", method="PUT"))
    assert client.answer().status == 100
    assert client.ask("hello").body == b"hello"
    assert client.ask(GET).status == 200


def test_continue_is_not_sent_behind_a_final_status(serve: Any) -> None:
    async def handler(request: Request) -> Response:
        return Response(403, [], b"no")

    client = serve(handler).connect()
    answer = client.ask(get("/", "Expect: 100-continue", "Content-Length: 5", method="PUT"))
    assert (answer.status, answer.headers["connection"]) == (403, "close")
    assert client.rest() == b""


@pytest.mark.parametrize(
    "sent",
    [
        get("/", "Expect: 100-continue", "Content-Length: 5", method="PUT", version="1.0") + "hello",
        get("/", "Expect: 100-continue", "Content-Length: 5", method="PUT") + "hello",
        get("/", "Expect: 100-continue"),
    ],
)
def test_continue_is_not_sent_to_those_who_do_not_wait(serve: Any, sent: str) -> None:
    assert serve().connect().ask(sent).status == 200


def test_an_answer_to_an_unread_upload_arrives(serve: Any) -> None:
    async def handler(request: Request) -> Response:
        return Response(404, [], b"no such bucket")

    client = serve(handler).connect()
    client.send(f"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {5 * MB}\r\n\r\n" + "x" * 5 * MB)
    answer = client.answer()
    assert (answer.status, answer.body, answer.headers["connection"]) == (404, b"no such bucket", "close")


def test_a_body_too_large_for_its_handler(serve: Any) -> None:
    async def handler(request: Request) -> Response:
        await request.body.read(100)
        raise AssertionError

    sent = get("/", f"Content-Length: {MB}", method="PUT") + "x" * MB
    assert serve(handler).connect().ask(sent).status == 413


@pytest.mark.parametrize("leave", ["reset", "close", "half-close"])
def test_a_handler_learns_of_a_client_that_left_and_goes_on(serve: Any, leave: str) -> None:
    seen: list[Any] = []

    async def handler(request: Request) -> Response:
        seen.append("begun")
        try:
            await request.body.read()
        except ClientDisconnected as error:
            seen.append(type(error))
        await asyncio.sleep(0.01)
        seen.append("done")
        return Response(400)

    client = serve(handler).connect()
    client.send(get("/", f"Content-Length: {MB}", method="PUT") + "x" * 1000)
    eventually(lambda: seen == ["begun"])
    if leave == "reset":
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    if leave == "half-close":
        client.socket.shutdown(socket.SHUT_WR)
        assert client.answer().status == 400
    else:
        client.socket.close()
    eventually(lambda: seen == ["begun", ClientDisconnected, "done"])


def test_a_body_that_breaks_the_rules_is_answered_400_whatever_its_handler_makes_of_it(serve: Any) -> None:
    closed = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"never sent"
        finally:
            closed.append(True)

    async def handler(request: Request) -> Response:
        try:
            await request.body.read()
        except ConnectionError:
            return Response(500, [], pieces())
        raise AssertionError

    client = serve(handler, limits=Limits(buffered_body=10)).connect()
    client.send(get("/", "Transfer-Encoding: chunked", method="PUT") + "14\r\n" + "x" * 20 + "\r\nzz\r\n")
    assert client.answer().status == 400
    assert client.rest() == b""


def test_requests_may_end_with_a_half_close(serve: Any) -> None:
    client = serve().connect()
    client.send(get("/1") + get("/2"))
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.answer().headers["x-path"] for _ in range(2)] == ["/1", "/2"]
    assert client.rest() == b""


# ── bodies that are answered ──────────────────────────────────────────────────────────────────────────────────────────


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
    serve: Any, file: Path, cached: bool, monkeypatch: pytest.MonkeyPatch
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
    serve: Any, file: Path, caplog: pytest.LogCaptureFixture
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
def test_pieces_are_closed_when_the_client_leaves(serve: Any, leave: str) -> None:
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
def test_on_sent_is_called_once(serve: Any, body: str, file: Path) -> None:
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


# ── handlers that fail ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_handler_that_raises_is_logged_and_answered_500(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Request) -> Response:
        if request.path == "/bad":
            raise RuntimeError("a secret")
        return Response()

    client = serve(handler).connect()
    with caplog.at_level(logging.ERROR):
        answer = client.ask(get("/bad"))
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "RuntimeError: a secret" in caplog.text
    assert client.ask(GET).status == 200


def test_an_answer_that_is_none_cuts_the_connection(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Request) -> Response:
        return Response(200, [("Connection", None)])  # type: ignore[list-item]

    client = serve(handler).connect()
    client.send(GET)
    with pytest.raises(ConnectionResetError):
        client.rest()
    assert "could not be written" in caplog.text


def test_a_handler_that_is_cancelled_cuts_the_connection(serve: Any) -> None:
    async def handler(request: Request) -> Response:
        raise asyncio.CancelledError

    client = serve(handler).connect()
    client.send(GET)
    assert client.rest() == b""


def test_an_abort_resets_the_connection(serve: Any) -> None:
    async def handler(request: Request) -> Response:
        return Response(abort=True)

    client = serve(handler).connect()
    client.send(GET)
    with pytest.raises(ConnectionResetError):
        client.rest()


def test_handlers_are_tasks(serve: Any) -> None:
    async def handler(request: Request) -> Response:
        async with asyncio.timeout(60):
            return Response(200, [], type(asyncio.current_task()).__name__.encode())

    assert serve(handler).connect().ask(GET).body.endswith(b"Task")


# ── time-outs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("drip", [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"P"])
def test_a_head_that_drips_is_given_up(serve: Any, drip: bytes) -> None:
    client = serve(limits=Limits(header_timeout=0.3)).connect()
    client.send(drip)
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(0.05):
            try:
                client.send(b"x" if len(drip) > 1 else b"")
            except OSError:
                return

    dripping = threading.Thread(target=go_on)
    dripping.start()
    try:
        assert client.answer().status == 408
        assert client.rest() == b""
    finally:
        stop.set()
        dripping.join()


def asked_in_time(server: Any, data: str) -> tuple[Any, Any]:
    """A connection and the answer to what was sent at once; anew where the machine let the time go by before that."""
    for _ in range(10):
        client = server.connect()
        with contextlib.suppress(EOFError, ConnectionError):
            return client, client.ask(data)
    raise AssertionError("nothing is answered")


@pytest.mark.parametrize("length", [1000, 1_000_000])
def test_a_body_that_stops_is_given_up(serve: Any, length: int) -> None:
    server = serve(limits=Limits(idle_timeout=0.3))
    _, answer = asked_in_time(server, get("/", f"Content-Length: {length}", method="PUT") + "x")
    assert answer.status == 408


@pytest.mark.parametrize("sent", ["", GET, "\r\n"])
def test_a_silent_connection_is_closed(serve: Any, sent: str) -> None:
    server = serve(limits=Limits(idle_timeout=0.3))
    if sent == GET:
        client, answer = asked_in_time(server, sent)
        assert answer.status == 200
    else:
        client = server.connect()
        client.send(sent)
    assert client.rest() == b""


def test_empty_lines_do_not_keep_a_connection(serve: Any) -> None:
    client = serve(limits=Limits(idle_timeout=0.3)).connect()
    deadline = time.monotonic() + 60
    client.socket.settimeout(0.05)
    while time.monotonic() < deadline:
        try:
            client.send("\r\n")
            if client.socket.recv(1) == b"":
                return
        except TimeoutError:
            continue
        except ConnectionError:
            return
    pytest.fail("the connection was kept")


def test_a_handler_may_take_longer_than_any_time_out(serve: Any) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(0.6)
        return Response()

    limits = Limits(idle_timeout=0.2, header_timeout=0.2, linger_timeout=0.2)
    assert asked_in_time(serve(handler, limits=limits), GET)[1].status == 200


def test_pieces_that_pass_an_upload_on_end_with_it_and_nobody_is_blamed(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Request) -> Response:
        return Response(200, [], request.body.stream())

    client = serve(handler, limits=Limits(buffered_body=1)).connect()
    client.send(get("/", "Content-Length: 10", method="PUT") + "hello")
    assert client.until(b"hello\r\n")
    client.socket.shutdown(socket.SHUT_WR)
    with pytest.raises((EOFError, ConnectionResetError)):
        client.until(b"0\r\n\r\n")
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("peer", "own", "local"),
    [
        (("127.0.0.1", 5), ("127.0.0.1", 4566), True),
        (("127.0.0.1", 5), ("127.0.0.2", 4566), True),
        (("::ffff:127.0.0.1", 5, 0, 0), ("::ffff:127.0.0.1", 4566, 0, 0), True),
        (("::1", 5, 0, 0), ("::1", 4566, 0, 0), True),
        (("192.0.2.1", 5), ("192.0.2.1", 4566), True),
        ("", "/run/kumoi.sock", True),
        (("192.0.2.9", 5), ("192.0.2.1", 4566), False),
        (("fe80::9%eth0", 5, 0, 2), ("fe80::1%eth0", 4566, 0, 2), False),
        (None, ("192.0.2.1", 4566), False),
        (None, None, False),
    ],
)
def test_a_connection_knows_whether_its_ends_are_on_one_machine(peer: Any, own: Any, local: bool) -> None:
    assert _same_machine(peer, own) is local
