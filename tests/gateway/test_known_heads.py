"""Heads that were seen before: what is found by them the parser reads alike, what it could read otherwise is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kumoi.gateway import known_heads
from kumoi.gateway.known_heads import KnownHeads
from kumoi.gateway.limits import Limits
from kumoi.gateway.request_reader import Exchange, Refused, RequestReader
from kumoi.wire.http import BufferedBody, Request, Response

SIGNATURE = "0123456789abcdef" * 4
CREDENTIAL = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host"
SIGNED = (
    "POST / HTTP/1.1\r\n"
    "Host: 127.0.0.1:4566\r\n"
    "X-Amz-Target: DynamoDB_20120810.GetItem\r\n"
    "User-Agent: Boto3/1.42 md/a#b; (c)\r\n"
    "X-Amz-Date: 20260101T000000Z\r\n"
    f"Authorization: {CREDENTIAL}, Signature={SIGNATURE}\r\n"
    "amz-sdk-invocation-id: 0f2a1b3c-aaaa-bbbb-cccc-ddddeeeeffff\r\n"
    "Content-Length: 2\r\n\r\n{}"
)
QUESTION = "GET /a/b?c=d HTTP/1.1\r\nHost: a\r\nX-Amzn-Trace-Id: Root=1-5;Sampled=1\r\n\r\n"
UPLOAD = (
    "PUT /bucket/key HTTP/1.1\r\nHost: a\r\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n"
    "x-amz-checksum-crc32: AAAA+/==\r\nContent-Length: 3\r\n\r\nabc"
)


def reader() -> RequestReader:
    return RequestReader(
        Limits(),
        secure=False,
        client=("127.0.0.1", 1),
        local=True,
        websockets=True,
        taken=lambda: None,
        wanted=lambda _: None,
    )


def parsed(data: bytes) -> Exchange | None:
    """The one request that the parser finds in some bytes; None where they are anything else."""
    reading = reader()
    try:
        reading.feed(data)
    except Refused:
        return None
    return reading.ready[0] if len(reading.ready) == 1 and reading.idle and not reading.rest else None


def told(request: Request) -> tuple[Any, ...]:
    assert isinstance(request.body, BufferedBody)
    headers = request.headers
    return request.method, request.path, request.query, headers.items, headers.index, request.body.content


def knowing(*texts: str, limits: Limits | None = None) -> KnownHeads:
    heads = KnownHeads(limits or Limits())
    for text in texts:
        exchange = parsed(text.encode())
        assert exchange is not None
        assert heads.learn(text.encode(), exchange.request)
    return heads


@pytest.mark.parametrize(
    ("seen", "next_"),
    [
        (SIGNED, SIGNED),
        (SIGNED, SIGNED.replace("Date: 20260101T000000Z", "Date: 20261231T235959Z").replace("\n{}", "\n[]")),
        (SIGNED, SIGNED.replace(SIGNATURE, SIGNATURE[::-1]).replace("bbbb-cccc", "0000-1111")),
        (SIGNED, SIGNED.replace("Length: 2\r\n\r\n{}", "Length: 0\r\n\r\n")),
        (SIGNED, SIGNED.replace("POST / ", "POST /elsewhere?x ")),
        (QUESTION, QUESTION.replace("GET /a/b?c=d", "DELETE /%2F..//z;a=@:$?")),
        (QUESTION, QUESTION.replace("Root=1-5", "Root=1-7")),
        (UPLOAD, UPLOAD.replace("AAAA+/==", "abcd0/==").replace("\nabc", "\nxyz")),
    ],
)
def test_its_like_is_found_as_the_parser_reads_it(seen: str, next_: str) -> None:
    found = knowing(seen).find(next_.encode())
    expected = parsed(next_.encode())
    assert found is not None and expected is not None
    assert told(reader().known(found).request) == told(expected.request)


@pytest.mark.parametrize(
    "data",
    [
        SIGNED[:-1],
        SIGNED + "x",
        SIGNED + SIGNED,
        "\r\n" + SIGNED,
        SIGNED.replace("Length: 2", "Length: 3"),
        SIGNED.replace("Length: 2", "Length: x"),
        SIGNED.replace("Length: 2", "Length: +"),
        SIGNED.replace("Length: 2\r\n", "Length: 12\r\n"),
        SIGNED.replace("X-Amz-Date", "x-amz-date"),
        SIGNED.replace("GetItem", "PutItem"),
        SIGNED.replace("HTTP/1.1", "HTTP/1.0"),
        SIGNED.replace("POST / ", "POST  / "),
        SIGNED.replace("POST / ", "POST /#a "),
        SIGNED.replace("POST / ", "POST * "),
        SIGNED.replace("POST / ", "POST http://b/ "),
        SIGNED.replace("POST / ", "CONNECT / "),
        SIGNED.replace("POST / ", f"POST /{'x' * 2048} "),
        SIGNED.replace("20260101T000000Z", "20260101T00000\r\n"),
        SIGNED.replace("20260101T000000Z", "2026\r\nTe: abcdef"[:16]),
        SIGNED.replace(SIGNATURE, f"{SIGNATURE[:-12]}\r\nExpect:100"),
        SIGNED.replace(SIGNATURE, f" {SIGNATURE[1:]}"),
        SIGNED.replace(SIGNATURE, f"{SIGNATURE[1:]}\0"),
        SIGNED.replace("\r\n", "\n"),
    ],
)
def test_what_is_not_exactly_its_like_is_not_found(data: str) -> None:
    assert knowing(SIGNED).find(data.encode("latin-1")) is None


@pytest.mark.parametrize(
    "data",
    [
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A:1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1 \r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nX-A: {'x' * 4096}\r\n\r\n",
    ],
)
def test_what_could_be_more_than_it_seems_is_not_learnt(data: str) -> None:
    exchange = parsed(data.encode()) or Exchange(Request("GET", "/"))
    heads = KnownHeads(Limits())
    assert not heads.learn(data.encode(), exchange.request)
    assert heads.find(data.encode()) is None


@pytest.mark.parametrize("cut", ["", "\r", "\r\n", "\r\n\r"])
def test_a_head_that_has_not_ended_is_not_known(cut: str) -> None:
    """Whatever its Content-Length says of the bytes that are there."""
    whole = SIGNED.replace("Length: 2\r\n\r\n{}", "Length: 000\r\n\r\n")
    exchange = parsed(whole.encode())
    assert exchange is not None
    heads = KnownHeads(Limits())
    assert heads.learn(whole.encode(), exchange.request)
    assert heads.find(whole.encode()) is not None
    begun = whole.removesuffix("\r\n\r\n") + cut
    for length in range(1000):
        assert heads.find(begun.replace("Length: 000", f"Length: {length:03}").encode()) is None


def test_limits_hold() -> None:
    limits = Limits(request_line=64, buffered_body=8)
    heads = knowing(UPLOAD, limits=limits)
    assert heads.find(UPLOAD.encode()) is not None
    assert heads.find(UPLOAD.replace("/key", "/key" * 16).encode()) is None
    longer = UPLOAD.replace("Length: 3\r\n\r\nabc", "Length: 9\r\n\r\n123456789")
    assert heads.find(longer.encode()) is None
    assert knowing(UPLOAD).find(longer.encode()) is not None


def test_no_more_are_kept_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_heads, "MOST", 8)
    monkeypatch.setattr(known_heads, "MOST_LINES", 4)
    texts = [QUESTION.replace("Host: a", f"Host: {chr(97 + number)}") for number in range(9)]
    heads = knowing(*texts)
    assert heads.find(texts[0].encode()) is None
    assert heads.find(texts[8].encode()) is not None
    for number in range(9):
        assert heads.find(texts[8].replace("/a/b", f"/{number}").encode()) is not None


def test_those_that_come_again_are_kin() -> None:
    heads = knowing(QUESTION)

    def kin(text: str) -> Any:
        found = heads.find(text.encode())
        assert found is not None
        return found.line.kin

    assert kin(QUESTION) is None
    again = kin(QUESTION)
    assert again is not None and kin(QUESTION.replace("Root=1-5", "Root=1-6")) is again
    other = QUESTION.replace("/a/b", "/a/c")
    assert kin(other) is None
    assert kin(other) is not again


def test_two_ways_for_the_same_length() -> None:
    """Heads whose own values have other places in as many bytes are told apart."""
    one = "GET / HTTP/1.1\r\nHost: a\r\nContent-Md5: abcdefgh\r\nX-Amz-Date: 1234\r\n\r\n"
    other = "GET / HTTP/1.1\r\nHost: a\r\nContent-Md5: abcd\r\nX-Amz-Date: 12345678\r\n\r\n"
    heads = knowing(one, other)
    for text in (one, other, one.replace("1234", "9876"), other.replace("12345678", "87654321")):
        found, expected = heads.find(text.encode()), parsed(text.encode())
        assert found is not None and expected is not None
        assert told(reader().known(found).request) == told(expected.request)


_MARKS = (
    b"\r\n",
    b"\n",
    b"\r",
    b": ",
    b":",
    b" ",
    b"\t",
    b"\0",
    b"0",
    b"9",
    b"a",
    b"\xff",
    b"-",
    b"\r\n\r\n",
    b"#",
    b"?",
)
_FIELDS = (b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Host: b\r\n")
_PIECES = st.sampled_from([*_MARKS, *_FIELDS, b"Upgrade: x\r\n"])
_CHANGES = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 3), _PIECES), min_size=1, max_size=3)


@settings(max_examples=300)
@given(st.sampled_from([SIGNED, QUESTION, UPLOAD]), _CHANGES)
@example(SIGNED, [(SIGNED.index("20260101T"), 2, b"\r\n")])
def test_whatever_is_found_the_parser_would_read(text: str, changes: list[tuple[int, int, bytes]]) -> None:
    heads, data = knowing(SIGNED, QUESTION, UPLOAD), text.encode()
    for at, taken, put in changes:
        data = data[:at] + put + data[at + taken :]
    found = heads.find(data)
    if found is not None:
        expected = parsed(data)
        assert expected is not None and expected.keep_alive and not expected.old and not expected.websocket
        assert told(reader().known(found).request) == told(expected.request)


def test_a_connection_answers_in_order_whatever_is_known(serve: Callable[..., Any]) -> None:
    async def slow(request: Request) -> Response:
        await asyncio.sleep(0)
        return Response(200, [("X-Date", request.headers.get("x-amz-date") or "")], await request.body.read())

    client = serve(slow).connect()
    for number in range(4):
        answer = client.ask(SIGNED.replace("20260101T000000Z", f"2026010{number}T000000Z"))
        assert (answer.headers["x-date"], answer.body) == (f"2026010{number}T000000Z", b"{}")
    client.send(SIGNED + SIGNED.replace("{}", "[]") + QUESTION)
    assert [client.answer().body for _ in range(3)] == [b"{}", b"[]", b""]
    for half in (SIGNED[:80], SIGNED[80:]):
        client.send(half)
    assert client.answer().body == b"{}"
    assert client.ask(SIGNED.replace("Content-Length: 2", "Content-Length: x")).status == 400
