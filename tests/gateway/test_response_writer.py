from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kumoi.gateway.response_writer import DateHeader, chunk, file_pieces, head
from kumoi.wire.http import FileBody, HeaderList, Response, ResponseBody

PIECES = "pieces"
FILE = FileBody(Path("never-opened"), 0, 7)


async def pieces() -> AsyncIterator[bytes]:
    yield b""


@pytest.mark.parametrize(
    ("method", "status", "stated", "body", "length", "chunked", "content_length"),
    [
        ("GET", 200, None, b"abc", 3, False, "3"),
        ("GET", 200, None, b"", 0, False, "0"),
        ("GET", 200, "9", b"abc", 3, False, "3"),
        ("GET", 200, "9", b"", 0, False, "0"),
        ("GET", 206, None, FILE, 7, False, "7"),
        ("GET", 206, "9", FILE, 7, False, "7"),
        ("GET", 200, None, PIECES, None, True, None),
        ("GET", 200, "9", PIECES, 9, False, "9"),
        ("GET", 200, "nine", PIECES, None, True, None),
        ("HEAD", 200, None, b"abc", 0, False, "3"),
        ("HEAD", 200, "9", b"", 0, False, "9"),
        ("HEAD", 200, None, FILE, 0, False, "7"),
        ("HEAD", 200, None, PIECES, 0, False, None),
        ("GET", 204, "9", b"abc", 0, False, None),
        ("GET", 304, "9", b"abc", 0, False, "9"),
        ("GET", 304, None, b"abc", 0, False, None),
        ("GET", 304, None, PIECES, 0, False, None),
    ],
)
def test_framing(
    method: str,
    status: int,
    stated: str | None,
    body: ResponseBody | str,
    length: int | None,
    chunked: bool,
    content_length: str | None,
) -> None:
    headers: HeaderList = [] if stated is None else [("content-LENGTH", stated)]
    content = pieces() if isinstance(body, str) else body
    made = head(Response(status, headers, content), method=method, keep_alive=True, old=False, date="now")
    assert (made.length, made.chunked, made.keep_alive) == (length, chunked, True)
    lines = made.content.decode().split("\r\n")
    lengths = [line.partition(": ")[2] for line in lines if line.lower().startswith("content-length:")]
    assert lengths == ([] if content_length is None else [content_length])
    assert ("Transfer-Encoding: chunked" in lines) is chunked


def made(response: Response, *, keep_alive: bool = True, old: bool = False) -> list[str]:
    answered = head(response, method="GET", keep_alive=keep_alive, old=old, date="now")
    assert answered.content.endswith(b"\r\n\r\n")
    return answered.content.decode("latin-1").split("\r\n")[:-2]


def test_headers_keep_their_names_order_and_duplicates() -> None:
    headers = [("x-B", "1"), ("Set-Cookie", "a"), ("set-cookie", "b")]
    expected = ["HTTP/1.1 200 OK", "x-B: 1", "Set-Cookie: a", "set-cookie: b", "Content-Length: 0", "Date: now"]
    assert made(Response(200, headers)) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("X", "a\r\nSet-Cookie: b"), ("X", "a\nB: c"), ("X", "a\0b"), ("X\r\nB", "c"), ("X", "a\rb")],
)
def test_a_header_cannot_begin_another_line(name: str, value: str) -> None:
    lines = made(Response(200, [(name, value), ("Y", "z")]))
    assert len(lines) == 5
    assert not any(character in line for line in lines for character in "\r\n\0")


def test_framing_belongs_to_the_server() -> None:
    response = Response(200, [("Transfer-Encoding", "chunked"), ("Connection", "keep-alive")], b"abc")
    assert made(response) == ["HTTP/1.1 200 OK", "Content-Length: 3", "Date: now"]


@pytest.mark.parametrize("name", ["Content-Length", "content-length", "CONTENT-LENGTH"])
@pytest.mark.parametrize("stated", ["3", "9", "", "many", "3\r\nX: y", "3\0"])
def test_a_length_that_is_known_is_told_once(name: str, stated: str) -> None:
    response = Response(200, [("A", "b"), (name, stated), ("C", "%d")], b"abc")
    assert made(response) == ["HTTP/1.1 200 OK", "A: b", "C: %d", "Content-Length: 3", "Date: now"]


def test_a_handler_may_close_and_date_its_answer() -> None:
    lines = made(Response(200, [("Connection", "Close"), ("date", "then")]))
    assert lines == ["HTTP/1.1 200 OK", "date: then", "Content-Length: 0", "Connection: close"]


def test_statuses_without_a_name() -> None:
    assert made(Response(299))[0] == "HTTP/1.1 299 Unknown"


def test_http_1_0() -> None:
    assert made(Response(200), old=True)[-1] == "Connection: keep-alive"
    unknown = head(Response(200, [], pieces()), method="GET", keep_alive=True, old=True, date="now")
    assert (unknown.length, unknown.chunked, unknown.keep_alive) == (None, False, False)


def test_dates_are_as_http_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 784_111_777.9)
    assert DateHeader().text() == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_chunks() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


def test_file_pieces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")

    async def read(offset: int, length: int) -> bytes:
        return b"".join([piece async for piece in file_pieces(FileBody(path, offset, length))])

    assert asyncio.run(read(2, 5)) == b"23456"
    assert asyncio.run(read(2, 0)) == b""
    with pytest.raises(OSError, match="shorter"):
        asyncio.run(read(8, 5))
