"""Which bytes are a request, and which are refused: tables, over real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.gateway.limits import Limits

CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
POST = "POST / HTTP/1.1\r\nHost: a\r\n"
GET = "GET / HTTP/1.1\r\nHost: a\r\n"
LARGE = "x" * 17_000

GOOD = {
    "a plain GET": (GET + "\r\n", "/", b""),
    "empty lines before it": ("\r\n\r\n" + GET + "\r\n", "/", b""),
    "a path stays as it is": ("GET /a%2fb//../%C3%A9;p=1 HTTP/1.1\r\nHost: a\r\n\r\n", "/a%2fb//../%C3%A9;p=1", b""),
    "characters that no path may have": ('GET /{a}|^`" HTTP/1.1\r\nHost: a\r\n\r\n', '/{a}|^`"', b""),
    "absolute form": ("GET http://b.example:80/p?q=1 HTTP/1.1\r\nHost: a\r\n\r\n", "/p", b""),
    "absolute form, no path": ("GET http://b.example?q=/x HTTP/1.1\r\nHost: a\r\n\r\n", "/", b""),
    "OPTIONS *": ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*", b""),
    "a length with white space": (POST + "Content-Length:\t 5 \r\n\r\nhello", "/", b"hello"),
    "chunks": (CHUNKED + "\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "/", b"hello"),
    "chunks with extensions": (CHUNKED + "\r\n5;name=value\r\nhello\r\n0\r\n\r\n", "/", b"hello"),
    "Chunked, capitalised": (CHUNKED.replace("chunked", "Chunked") + "\r\n0\r\n\r\n", "/", b""),
    "a large chunk size in hex": (CHUNKED + "\r\n00A\r\n0123456789\r\n0\r\n\r\n", "/", b"0123456789"),
    "HTTP/1.0 without a Host": ("GET / HTTP/1.0\r\n\r\n", "/", b""),
    "an offer of h2c": (
        POST + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
        "/",
        b"hello",
    ),
    "an offer of WebSocket that nobody takes": (GET + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "/", b""),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_requests(serve: Any, name: str) -> None:
    sent, path, body = GOOD[name]
    answer = serve().connect().ask(sent)
    assert answer.status == 200
    assert answer.headers["x-path"] == path
    assert answer.body == body


BAD = {
    # Two readers could disagree about where the request ends.
    "CL.TE": (400, POST + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
    "TE.CL": (400, POST + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n"),
    "TE twice": (400, CHUNKED + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "TE chunked, then identity": (400, CHUNKED + "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    "TE identity, then chunked": (501, POST + "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    "TE chunked not last": (400, POST + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    "TE gzip, chunked": (501, POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "TE xchunked": (501, POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "TE in quotes": (501, POST + 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    "TE behind a vertical tab": (400, POST + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"),
    "TE on the next line": (400, POST + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    "TE with a space before its colon": (400, POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    "TE in HTTP/1.0": (400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "CL twice, the same": (400, POST + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    "CL twice, different": (400, POST + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    "CL a list": (400, POST + "Content-Length: 5, 5\r\n\r\nhello"),
    "CL negative": (400, POST + "Content-Length: -5\r\n\r\nhello"),
    "CL with a plus": (400, POST + "Content-Length: +5\r\n\r\nhello"),
    "CL in hex": (400, POST + "Content-Length: 0x5\r\n\r\nhello"),
    "CL empty": (400, POST + "Content-Length:\r\n\r\nhello"),
    "CL too large for a number": (400, POST + "Content-Length: 99999999999999999999999\r\n\r\nhello"),
    "CL in a trailer": (400, CHUNKED + "\r\n0\r\nContent-Length: 5\r\n\r\n"),
    "chunk size with a sign": (400, CHUNKED + "\r\n-5\r\nhello\r\n0\r\n\r\n"),
    "chunk size with 0x": (400, CHUNKED + "\r\n0x5\r\nhello\r\n0\r\n\r\n"),
    "chunk size behind white space": (400, CHUNKED + "\r\n5 \r\nhello\r\n0\r\n\r\n"),
    "chunk size too large": (400, CHUNKED + "\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    "chunk longer than its size": (400, CHUNKED + "\r\n5\r\nhello!\r\n0\r\n\r\n"),
    "chunk size ended by a bare LF": (400, CHUNKED + "\r\n5\nhello\r\n0\r\n\r\n"),
    "chunk extension with a bare LF": (400, CHUNKED + "\r\n5;a\nb\r\nhello\r\n0\r\n\r\n"),
    # Fields and lines.
    "obs-fold": (400, GET + "A: b\r\n c\r\n\r\n"),
    "bare LF behind a header": (400, GET + "A: b\nB: c\r\n\r\n"),
    "bare LF everywhere": (400, "GET / HTTP/1.1\nHost: a\n\n"),
    "bare CR in a header": (400, GET + "A: b\rB: c\r\n\r\n"),
    "NUL in a value": (400, GET + "A: b\0c\r\n\r\n"),
    "NUL in a name": (400, GET + "A\0: b\r\n\r\n"),
    "control character in a value": (400, GET + "A: b\x01\r\n\r\n"),
    "space before the colon": (400, GET + "A : b\r\n\r\n"),
    "no name": (400, GET + ": b\r\n\r\n"),
    "no colon": (400, GET + "A b\r\n\r\n"),
    "white space before the first header": (400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    "two Hosts": (400, GET + "Host: b\r\n\r\n"),
    "no Host": (400, "GET / HTTP/1.1\r\n\r\n"),
    "not ASCII in the target": (400, "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"),
    "control character in the target": (400, "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "target that is no path": (400, "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n"),
    "absolute form without an authority": (400, "GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n"),
    "* without OPTIONS": (400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    "white space behind the version": (400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    # What is not served, and what is too large.
    "no version": (400, "GET /\r\n\r\n"),
    "HTTP/0.9": (400, "GET / HTTP/0.9\r\n\r\n"),
    "HTTP/2.0": (400, "GET / HTTP/2.0\r\n\r\n"),
    "HTTP/1.2": (400, "GET / HTTP/1.2\r\n\r\n"),
    "unknown method": (501, "FOO / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "CONNECT": (501, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "garbage": (400, "\x00\x01\x02\x03\r\n\r\n"),
    "a long target": (414, f"GET /{LARGE} HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a long header": (431, GET + f"A: {LARGE}\r\n\r\n"),
    "a long header name": (431, GET + f"{LARGE}: a\r\n\r\n"),
    "many headers": (431, GET + f"A: {'x' * 900}\r\n" * 80 + "\r\n"),
    "a header without an end": (431, GET + "A: " + "x" * 600_000),
    "a long trailer": (431, CHUNKED + f"\r\n0\r\nA: {LARGE}\r\n\r\n"),
    "many trailers": (431, CHUNKED + "\r\n0\r\n" + f"A: {'x' * 900}\r\n" * 80 + "\r\n"),
    "a chunk extension without an end": (431, CHUNKED + "\r\n5;" + "x" * 600_000),
    "empty lines without an end": (431, "\r\n" * 100_000),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_are_refused_and_nothing_behind_them_is_read(serve: Any, name: str) -> None:
    status, sent = BAD[name]
    asked = []

    async def handler(request: Any) -> Any:
        asked.append(request.path)
        raise AssertionError

    client = serve(handler).connect()
    client.send(sent + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = client.answer()
    assert answer.status == status
    assert answer.headers["connection"] == "close"
    assert client.rest() == b""
    assert asked == []


@pytest.mark.parametrize("name", ["CL.TE", "obs-fold", "NUL in a value", "CL twice, different", "a long target"])
def test_bad_requests_behind_good_ones_are_refused_in_their_turn(serve: Any, name: str) -> None:
    status, sent = BAD[name]
    client = serve().connect()
    client.send(GET + "\r\n" + GET + "\r\n" + sent)
    assert [client.answer().status for _ in range(3)] == [200, 200, status]
    assert client.rest() == b""


@pytest.mark.parametrize("name", GOOD)
def test_requests_may_come_byte_by_byte(serve: Any, name: str) -> None:
    sent, path, body = GOOD[name]
    client = serve().connect()
    for byte in sent.encode("latin-1"):
        client.send(bytes([byte]))
    answer = client.answer()
    assert (answer.status, answer.headers["x-path"], answer.body) == (200, path, body)


def test_header_names_order_duplicates_and_bytes_are_kept(serve: Any) -> None:
    answer = (
        serve().connect().ask("GET / HTTP/1.1\r\nhOsT: a\r\nX-B: 1\r\nx-a:  \xe9 \r\nX-B: \r\n\r\n".encode("latin-1"))
    )
    assert answer.headers["x-headers"] == repr([("hOsT", "a"), ("X-B", "1"), ("x-a", "\xe9"), ("X-B", "")])


def test_a_declined_offer_leaves_the_headers_as_sent(serve: Any) -> None:
    answer = serve().connect().ask(GET + "Upgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n")
    assert answer.headers["x-headers"] == repr([("Host", "a"), ("Upgrade", "h2c"), ("Connection", "Upgrade, close")])
    assert answer.headers["connection"] == "close"


def test_the_authority_of_an_absolute_target_is_the_host(serve: Any) -> None:
    answer = serve().connect().ask("GET http://u:p@b.example:80/p?q=1#f HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (answer.headers["x-host"], answer.headers["x-query"]) == ("b.example:80", "q=1")


def test_trailers(serve: Any) -> None:
    answer = serve().connect().ask(CHUNKED + "\r\n2\r\nhi\r\n0\r\nX-Sum: abc=\r\nx-other:\r\n\r\n")
    assert answer.body == b"hi"
    assert answer.headers["x-trailers"] == repr([("X-Sum", "abc="), ("x-other", "")])


def test_trailers_of_a_body_that_is_streamed(serve: Any) -> None:
    server = serve(limits=Limits(buffered_body=10))
    answer = server.connect().ask(CHUNKED + f"\r\n20\r\n{'x' * 32}\r\n0\r\nX-Sum: abc=\r\n\r\n")
    assert len(answer.body) == 32
    assert answer.headers["x-trailers"] == repr([("X-Sum", "abc=")])


def test_offers_without_an_end_are_refused(serve: Any) -> None:
    client = serve().connect()
    client.send((GET + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n") * 3000)
    answers = [client.answer().status]
    while answers[-1] == 200:
        answers.append(client.answer().status)
    assert answers[-1] == 400
    assert client.rest() == b""


def test_a_bug_of_ours_is_no_fault_of_the_client(
    serve: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kumoi.gateway.request_reader.Headers", None)
    assert serve().connect().ask(GET + "\r\n").status == 500
    assert "TypeError" in caplog.text
