"""What happens between requests and answers: order, speed, endings. Over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import logging
import socket
import threading
import time
from typing import Any

import pytest

from kumoi.gateway.limits import Limits
from kumoi.gateway.peer import same_machine
from kumoi.wire.http import Request, Response

GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
MB = 1_000_000


def get(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> str:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: a", *headers, "\r\n"])


# ── keep-alive and pipelining ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_connection_that_waits_holds_no_request(serve: Any, eventually: Any) -> None:
    client = serve().connect()
    paths = {f"/held/{number}" for number in range(3)}
    for path in sorted(paths):
        assert client.ask(get(path)).status == 200
    eventually(lambda: not any(type(one) is Request and one.path in paths for one in gc.get_objects()))
    assert client.ask(GET).status == 200


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
    assert same_machine(peer, own) is local
