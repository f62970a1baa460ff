from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kumoi.gateway.http2_heads import answer_of, request_of, trailers_of
from kumoi.gateway.limits import Limits
from kumoi.gateway.peer import Peer
from kumoi.gateway.request_reader import Refused
from kumoi.wire.http import Request, Response

PEER = Peer(True, ("10.0.0.1", 5), False, b"der")
DATE = "Mon, 30 Nov 2026 12:00:00 GMT"


def request(*fields: tuple[str, str], method: str = "GET", path: str = "/", authority: str | None = "a:1") -> Request:
    pseudo = [(":method", method), (":scheme", "https"), (":path", path)]
    if authority is not None:
        pseudo.append((":authority", authority))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in [*pseudo, *fields]]
    return request_of(raw, PEER, Limits())


def test_a_request_is_as_over_http_1_1() -> None:
    read = request(("accept", "*/*"), ("x-a", "ÿ"), method="PUT", path="/a%2Fb/?c=d?e#f")
    assert (read.method, read.path, read.query, read.host) == ("PUT", "/a%2Fb/", "c=d?e", "a:1")
    assert read.headers.items == [("host", "a:1"), ("accept", "*/*"), ("x-a", "ÿ")]
    assert (read.scheme, read.client, read.local, read.certificate) == ("https", ("10.0.0.1", 5), False, b"der")
    assert (read.http_version, read.websocket, read.kin) == ("2", False, None)


@pytest.mark.parametrize(
    ("authority", "fields", "host"),
    [
        ("b.example:8443", [], "b.example:8443"),
        ("user@b.example", [], "b.example"),
        ("b.example", [("host", "b.example")], "b.example"),
        (None, [("host", "c.example")], "c.example"),
    ],
)
def test_the_host_is_the_authority(authority: str | None, fields: list[tuple[str, str]], host: str) -> None:
    assert request(*fields, authority=authority).headers.items == [("host", host)]


@pytest.mark.parametrize(
    ("status", "given"),
    [
        (501, {"method": "CONNECT"}),
        (414, {"path": "/" + "a" * 16_384}),
        (431, {"fields": [("a", "b" * 16_384)]}),
        (431, {"fields": [(f"a{n}", "b" * 16_000) for n in range(5)]}),
        (400, {"method": "G T"}),
        (400, {"method": ""}),
        (400, {"fields": [("a(b", "c")]}),
        (400, {"path": "a"}),
        (400, {"path": "*"}),
        (400, {"path": "http://a/"}),
        (400, {"path": "/a b"}),
        (400, {"path": "/a HTTP/1.1\r\nx: y"}),
        (400, {"path": "/a\x7f"}),
        (400, {"fields": [("content-length", "1"), ("content-length", "2")]}),
    ],
)
def test_what_http_1_1_would_not_let_in_is_refused(status: int, given: dict[str, object]) -> None:
    fields = given.pop("fields", [])
    with pytest.raises(Refused) as refused:
        request(*fields, **given)  # type: ignore[arg-type,misc]
    assert refused.value.status == status


def test_options_may_ask_for_everything() -> None:
    assert request(method="OPTIONS", path="*").path == "*"


def test_trailers_with_names_that_are_none_are_left_out() -> None:
    assert trailers_of([(b"x-amz-checksum-crc32", b"AAAA"), (b"a b", b"c")]) == [("x-amz-checksum-crc32", "AAAA")]


def test_an_answer_has_its_fields_in_lower_case_and_nothing_about_the_connection() -> None:
    said = [
        *(("Content-Type", "text/plain"), ("X-A", " b\r\nc: d\0 "), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")),
        *(("Connection", "close"), ("Keep-Alive", "1"), ("Transfer-Encoding", "chunked"), ("Upgrade", "h2c")),
        *(("bad name", "x"), ("", "x"), (":status", "500")),
    ]
    fields, length = answer_of(Response(200, said, b"four"), method="GET", date=DATE)
    assert length == 4
    assert fields == [
        (b":status", b"200"),
        (b"content-type", b"text/plain"),
        (b"x-a", b"b  c: d"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"content-length", b"4"),
        (b"date", DATE.encode()),
    ]


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


@pytest.mark.parametrize(
    ("response", "method", "length", "announced"),
    [
        (Response(200, [], b""), "GET", 0, b"0"),
        (Response(200, [("Content-Length", "9")], b"abc"), "GET", 3, b"3"),
        (Response(200, [("Content-Length", "9")], b""), "HEAD", 0, b"9"),
        (Response(200, [], b"abc"), "HEAD", 0, b"3"),
        (Response(204, [("Content-Length", "9")], b"abc"), "GET", 0, None),
        (Response(304, [("Content-Length", "9")], b""), "GET", 0, b"9"),
        (Response(200, [("Content-Length", "9")], _nothing()), "GET", 9, b"9"),
        (Response(200, [], _nothing()), "GET", None, None),
    ],
)
def test_the_length_of_an_answer(response: Response, method: str, length: int | None, announced: bytes | None) -> None:
    fields, found = answer_of(response, method=method, date=DATE)
    assert (found, dict(fields).get(b"content-length")) == (length, announced)


def test_a_date_of_the_handlers_own_stands() -> None:
    fields, _ = answer_of(Response(200, [("Date", "then")]), method="GET", date=DATE)
    assert [value for name, value in fields if name == b"date"] == [b"then"]
