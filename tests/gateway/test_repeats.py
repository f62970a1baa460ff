"""Requests that repeat the header fields of one before: which are found, what they get, which go the usual way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from kumoi.gateway import repeats
from kumoi.gateway.limits import Limits
from kumoi.gateway.recording import Recording
from kumoi.gateway.repeats import Repeats, fill
from kumoi.gateway.response_writer import frame, head
from kumoi.gateway.turnstile import Turnstile
from kumoi.wire.again import Frame, Framing
from kumoi.wire.http import Headers, Request, Response

FIELDS = "Host: a\r\nUser-Agent: b\r\n\r\n"
PLAIN = f"GET /x?y=1 HTTP/1.1\r\n{FIELDS}"


class Offer:
    """Answers what it is asked, with a count; it notes what it was asked."""

    def __init__(self, body: bytes = b"", *, declines: bool = False) -> None:
        self.asked: list[str] = []
        self.body = body
        self.declines = declines

    def __call__(
        self, target: str, _client: tuple[str, int], framing: Framing
    ) -> tuple[Frame, tuple[bytes, ...]] | None:
        self.asked.append(target)
        if self.declines:
            return None
        body = self.body or target.encode()
        made = framing(Response(200, [("X-Number", "blank"), ("X-Percent", "100%b")], body), ["blank"])
        assert made is not None
        return made, (b"%d" % len(self.asked),)


def request_of(data: str) -> Request:
    line, _, rest = data.partition("\r\n")
    method, target, version = line.split(" ")
    fields = [tuple(field.split(": ", 1)) for field in rest.split("\r\n") if field]
    path, _, query = target.partition("?")
    return Request(method, path, query, Headers(fields), http_version=version[5:])  # type: ignore[arg-type]


def test_bytes_that_were_seen_are_found_with_another_target() -> None:
    known = Repeats()
    offer = Offer()
    known.learn(PLAIN.encode(), request_of(PLAIN), Response(again=offer))
    assert known.find(PLAIN.encode()) == ("/x?y=1", offer)
    assert known.find(f"GET /%2F..//z;a=@:$ HTTP/1.1\r\n{FIELDS}".encode()) == ("/%2F..//z;a=@:$", offer)


@pytest.mark.parametrize(
    "data",
    [
        f"HEAD /x HTTP/1.1\r\n{FIELDS}",
        f"POST /x HTTP/1.1\r\n{FIELDS}",
        f"GET /x HTTP/1.0\r\n{FIELDS}",
        f"GET  /x HTTP/1.1\r\n{FIELDS}",
        f"GET /x  HTTP/1.1\r\n{FIELDS}",
        f"GET /x\tHTTP/1.1\r\n{FIELDS}",
        f"GET /x y HTTP/1.1\r\n{FIELDS}",
        f"GET x HTTP/1.1\r\n{FIELDS}",
        f"GET * HTTP/1.1\r\n{FIELDS}",
        f"GET http://b/x HTTP/1.1\r\n{FIELDS}",
        f"GET /x#y HTTP/1.1\r\n{FIELDS}",
        f"GET /é HTTP/1.1\r\n{FIELDS}",
        f"GET /x\x00 HTTP/1.1\r\n{FIELDS}",
        f"GET /x HTTP/1.1\r\nHost: a\r\n\n{FIELDS}",
        f"GET /x HTTP/1.1\n{FIELDS}",
        f"\r\nGET /x HTTP/1.1\r\n{FIELDS}",
        f"GET /_kumoi/info HTTP/1.1\r\n{FIELDS}",
        f"GET /_localstack/chaos/faults HTTP/1.1\r\n{FIELDS}",
        f"GET /x?X-Amz-Signature=1 HTTP/1.1\r\n{FIELDS}",
        f"GET /x?a&AWSAccessKeyId=1 HTTP/1.1\r\n{FIELDS}",
        f"GET /{'x' * 2100} HTTP/1.1\r\n{FIELDS}",
        f"GET /x HTTP/1.1\r\n{FIELDS}x",
        f"GET /x HTTP/1.1\r\n{FIELDS}GET /y HTTP/1.1\r\n{FIELDS}",
        f"GET /x HTTP/1.1\r\n{FIELDS.replace('User', 'user')}",
        f"GET /x HTTP/1.1\r\n{FIELDS.replace('b', 'b ')}",
        f"GET /x HTTP/1.1\r\n{FIELDS[:-2]}",
        "G",
        "GET",
        "",
    ],
)
def test_whatever_else_is_not(data: str) -> None:
    known = Repeats()
    known.learn(PLAIN.encode(), request_of(PLAIN), Response(again=Offer()))
    assert known.find(data.encode("latin-1")) is None


@pytest.mark.parametrize(
    "field",
    [
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "Upgrade: h2c",
        "Expect: 100-continue",
        "Connection: close",
        "Connection: keep-alive, upgrade",
        "Authorization: AWS4-HMAC-SHA256 x",
        "X-Amz-Security-Token: x",
        "X-Amzn-Trace-Id: Root=1",
        f"X-Long: {'x' * 5000}",
    ],
)
def test_fields_that_make_more_than_a_question_are_not_kept(field: str) -> None:
    known = Repeats()
    data = PLAIN.replace("\r\n\r\n", f"\r\n{field}\r\n\r\n")
    known.learn(data.encode(), request_of(data), Response(again=Offer()))
    assert not known.known


def test_few_are_kept() -> None:
    known = Repeats()
    for number in range(repeats.MOST + 1):
        data = PLAIN.replace("User-Agent: b", f"User-Agent: {number}")
        known.learn(data.encode(), request_of(data), Response(again=Offer()))
    assert len(known.known) == 1


# ── frames ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_filled_frame_is_the_head_that_is_written_otherwise() -> None:
    def response(age: str, name: str) -> Response:
        fields = [("A", "50%"), ("Age", age), ("Connection", "keep-alive"), ("Id", f"{name};x"), ("B", "a\r\nb: c")]
        return Response(203, fields, b"body")

    made = frame(response("blank-1", "blank-2"), ["blank-1", "blank-2"])
    assert made is not None
    expected = head(response("7", "%b"), method="GET", keep_alive=True, old=False, date="today")
    assert fill(made, (b"7", b"%b"), b"today") == expected.content
    dated = frame(Response(200, [("Date", "yesterday"), ("Age", "blank")], b""), ["blank"])
    assert dated is not None
    assert fill(dated, (b"7",), b"today").endswith(b"\r\nDate: yesterday\r\nAge: 7\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("fields", "blanks"),
    [
        ([("A", "2"), ("B", "1")], ["1", "2"]),
        ([("A", "blank-1")], ["blank-1", "blank-2"]),
        ([("A", "blank-1"), ("B", "blank-1")], ["blank-1"]),
        ([("A", "blank-1"), ("Connection", "close")], ["blank-1"]),
    ],
)
def test_what_cannot_be_framed(fields: list[tuple[str, str]], blanks: Sequence[str]) -> None:
    assert frame(Response(200, fields, b"x"), blanks) is None


# ── on connections ────────────────────────────────────────────────────────────────────────────────────────────────────


class Plane:
    """Answers each request in a task, with an offer to answer others itself."""

    def __init__(self, body: bytes = b"", *, declines: bool = False) -> None:
        self.offer = Offer(body, declines=declines)
        self.handled: list[str] = []
        self.held: asyncio.Event | None = None

    async def __call__(self, request: Request) -> Response:
        self.handled.append(request.path)
        if self.held is not None and request.path == "/held":
            await self.held.wait()
        return Response(200, [], request.path.encode(), again=self.offer)


def get(path: str, *fields: str) -> str:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *fields, "\r\n"])


def test_who_repeats_its_fields_is_answered_without_the_handler(serve: Any) -> None:
    plane = Plane()
    server = serve(plane)
    client, other = server.connect(), server.connect()
    assert client.ask(get("/1")).body == b"/1"
    second = client.ask(get("/2?a=b"))
    assert (second.body, second.headers["x-number"], second.headers["x-percent"]) == (b"/2?a=b", "1", "100%b")
    assert "date" in second.headers
    assert other.ask(get("/3")).headers["x-number"] == "2"
    assert client.ask(get("/4", "X-Other: 1")).body == b"/4"
    assert plane.handled == ["/1", "/4"]
    assert plane.offer.asked == ["/2?a=b", "/3"]


def test_who_ends_the_connection_in_a_second_field_is_handled(serve: Any) -> None:
    plane = Plane()
    server = serve(plane)
    for path in ("/1", "/2"):
        client = server.connect()
        client.send(get(path, "Connection: keep-alive", "Connection: close"))
        assert client.rest().endswith(path.encode())
    assert plane.handled == ["/1", "/2"]


def test_what_is_declined_is_handled(serve: Any) -> None:
    plane = Plane(declines=True)
    client = serve(plane).connect()
    for path in ("/1", "/2", "/3"):
        assert client.ask(get(path)).body == path.encode()
    assert plane.handled == ["/1", "/2", "/3"]


def test_an_offer_that_fails_is_declined(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    plane = Plane()
    client = serve(plane).connect()
    assert client.ask(get("/1")).body == b"/1"
    plane.offer.asked = None  # type: ignore[assignment]
    assert client.ask(get("/2")).body == b"/2"
    assert "GET /2 could not be answered again" in caplog.text


def test_requests_in_a_row_keep_their_order(serve: Any) -> None:
    plane = Plane()
    server = serve(plane)
    plane.held = server.run(_event())
    client = server.connect()
    assert client.ask(get("/1")).body == b"/1"
    client.send(get("/held", "X-Other: 1"))
    client.send(get("/2"))
    client.send(get("/3") + get("/4"))
    server.loop.call_soon_threadsafe(plane.held.set)
    assert [client.answer().body for _ in range(4)] == [b"/held", b"/2", b"/3", b"/4"]
    client.send(get("/5")[:20])
    client.send(get("/5")[20:])
    assert client.answer().body == b"/5"
    assert client.ask(get("/6", "X-Other: 1", "Connection: close")).headers["connection"] == "close"


async def _event() -> asyncio.Event:
    return asyncio.Event()


def test_a_client_that_takes_nothing_holds_up_itself_alone(serve: Any) -> None:
    body = b"x" * 1_000_000
    plane = Plane(body)
    server = serve(plane, limits=replace(Limits(), pipeline_depth=2))
    client = server.connect(SO_RCVBUF=8192)
    assert client.ask(get("/1")).body == b"/1"
    for _ in range(40):
        client.send(get("/2"))
    assert server.connect().ask(get("/3")).body == body
    bodies = [client.answer().body for _ in range(40)]
    assert set(bodies) <= {body, b"/2"}
    assert len(plane.offer.asked) < 40, "what does not fit into the transport's buffer waits with a task of its own"


def test_a_shut_turnstile_forgets_and_takes_nothing() -> None:
    async def scenario() -> None:
        turnstile = Turnstile()
        known = turnstile.repeats
        data, response = PLAIN.encode(), Response(again=Offer())
        known.learn(data, request_of(PLAIN), response)
        assert not known.known
        front: Any = None
        turnstile.open(front)
        known.learn(data, request_of(PLAIN), response)
        assert known.known
        task = asyncio.create_task(turnstile.close(1))
        await task
        assert not known.known
        known.learn(data, request_of(PLAIN), response)
        assert not known.known

    asyncio.run(scenario())


def test_who_records_hears_those_who_repeat_themselves() -> None:
    known = Repeats()
    under_way = PLAIN.encode(), request_of(PLAIN), Response(again=Offer())
    known.learn(*under_way)
    recording = Recording(known.shut, known.open)
    recording.start()
    assert not known.known
    known.learn(*under_way)
    assert not known.known, "it began before the recording, and is answered meanwhile"
    recording.stop()
    known.learn(*under_way)
    assert known.known


def test_the_end_of_a_client_that_was_answered_at_once(serve: Any) -> None:
    server = serve(Plane())
    client = server.connect()
    assert client.ask(get("/1")).body == b"/1"
    client.send(get("/2"))
    client.socket.shutdown(socket.SHUT_WR)
    assert client.rest().endswith(b"/2")


def test_an_answer_that_waits_for_company_is_written(serve: Any) -> None:
    """Each 64th waits for the end of the turn, to see whether it has any."""
    server = serve(Plane())
    client = server.connect()
    assert client.ask(get("/1")).body == b"/1"
    for _ in range(130):
        client.send(get("/2"))
        client.send(get("/3", "X-Other: 1"))
        assert [client.answer().body, client.answer().body] == [b"/2", b"/3"]
    for _ in range(130):
        client = server.connect()
        client.send(get("/4"))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.rest().endswith(b"/4")
