"""Bodies that clients send: streamed within bounds, waited for, left unread, broken off. Over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kumoi.gateway.body import StreamingBody
from kumoi.gateway.limits import Limits
from kumoi.wire.http import ClientDisconnected, Request, Response

GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
MB = 1_000_000


def get(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> str:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: a", *headers, "\r\n"])


def test_tiny_pieces_that_wait_are_joined() -> None:
    body = StreamingBody([], taken=lambda: None, wanted=lambda: None)
    sent = [bytes([number % 256]) for number in range(5000)]
    for piece in [*sent, b"x" * 4000, b"y", b"z"]:
        body.feed(piece)
    body.finish()
    assert body.buffered == 9002

    async def read() -> list[bytes]:
        return [piece async for piece in body.stream()]

    pieces = asyncio.run(read())
    assert b"".join(pieces) == b"".join(sent) + b"x" * 4000 + b"yz"
    assert len(pieces) == 7
    assert body.buffered == 0


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


def test_a_handler_that_does_not_read_stops_the_sender(serve: Any, eventually: Callable[[Any], None]) -> None:
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
def test_a_handler_learns_of_a_client_that_left_and_goes_on(
    serve: Any, leave: str, eventually: Callable[[Any], None]
) -> None:
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
