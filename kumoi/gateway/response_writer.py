"""Responses to bytes: status line, headers, and the framing that the body needs (RFC 9112 §6)."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

import msgspec

from kumoi.wire.again import Frame
from kumoi.wire.http import FileBody, HeaderList, Response

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}
_DECIDED = frozenset({"transfer-encoding", "connection", "date"})
_OURS = _DECIDED | {"content-length"}
_CONTINUES_LINE = str.maketrans("\r\n\0", "   ")
FILE_PIECE = 256 * 1024
_DATE = secrets.token_hex(16)
"""Stands for the date in a frame: nobody can have it in a header."""


class DateHeader:
    """The Date header's value, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""
        self._encoded = b""

    def text(self) -> str:
        """The current date, as RFC 9110 wants it."""
        second = int(time.time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True)
            self._encoded = self._text.encode()
        return self._text

    def encoded(self) -> bytes:
        """The same in bytes."""
        self.text()
        return self._encoded


class Head(NamedTuple):
    """A response's head and what follows it.

    `length` is the number of body bytes to come, None when only the end tells; then they are `chunked`, or the
    connection's end is the body's (`keep_alive` is False).
    """

    content: bytes
    length: int | None
    chunked: bool
    keep_alive: bool


def head(response: Response, *, method: str, keep_alive: bool, old: bool, date: str) -> Head:
    """The head of an answer to `method`; `old` is HTTP/1.0, which knows no chunks.

    Framing is ours: a handler's Transfer-Encoding is dropped, its Connection heeded when it says close, and its
    Content-Length stands only where we cannot know better (bodies in pieces, answers to HEAD, 304).
    """
    body = response.body
    if response.status == 200 and type(body) is bytes and method != "HEAD" and keep_alive and not old:
        content = usual_head(response.headers, len(body), date)
        if content is not None:
            return Head(content, len(body), False, True)
    lines = [_STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} Unknown"]
    promised: str | None = None
    dated = False
    for name, value in response.headers:
        known = name.lower()
        if known in _OURS:
            if known == "content-length":
                promised = value
            elif known == "connection":
                keep_alive = keep_alive and value.strip().lower() != "close"
            if known != "date":
                continue
            dated = True
        lines.append(f"{name}: {value}")
    length, chunked, announced = framing(response, method, promised, old=old)
    if length is None and not chunked:
        keep_alive = False
    if announced is not None:
        lines.append(f"Content-Length: {announced}")
    elif chunked:
        lines.append("Transfer-Encoding: chunked")
    if not dated:
        lines.append(f"Date: {date}")
    if not keep_alive:
        lines.append("Connection: close")
    elif old:
        lines.append("Connection: keep-alive")
    return Head(_encoded(lines), length, chunked, keep_alive)


def usual_head(headers: HeaderList, length: int, date: str) -> bytes | None:
    """The head of nearly all answers: of status 200, over HTTP/1.1, `length` bytes behind it, the connection goes on.

    None where one of its fields is to be weighed; a Content-Length is not.
    """
    names, values = zip(*headers, strict=True) if headers else ((), ())
    form = _form(names)
    if form is None:
        return None
    text = form.text % (*values, length, date)
    if text.count("\n") != form.breaks or text.count("\r") != form.breaks or "\0" in text:
        return None
    return text.encode("latin-1", "replace")


class _Form(msgspec.Struct, frozen=True):
    """How a head is written, its values and its length and date left out, and how many line breaks it has then."""

    text: str
    breaks: int


@lru_cache(1024)
def _form(names: tuple[str, ...]) -> _Form | None:
    """How a plain answer with these fields is written. What its handler says of its length is not: it is known.

    None where that takes more: a field is ours to decide, or breaks its line.
    """
    known = [name.lower() for name in names]
    if not _DECIDED.isdisjoint(known) or any(name.translate(_CONTINUES_LINE) != name for name in names):
        return None
    fields = [
        "%.0s" if key == "content-length" else f"{name.replace('%', '%%')}: %s\r\n"
        for name, key in zip(names, known, strict=True)
    ]
    text = f"{_STATUS_LINES[200]}\r\n{''.join(fields)}Content-Length: %d\r\nDate: %s\r\n\r\n"
    return _Form(text, text.count("\n"))


def _encoded(lines: list[str]) -> bytes:
    """The lines of a head in bytes; none becomes two."""
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        text = "\r\n".join(line.translate(_CONTINUES_LINE) for line in lines)
    return (text + "\r\n\r\n").encode("latin-1", "replace")


def frame(response: Response, blanks: Sequence[str]) -> Frame | None:
    """The frame of an answer to GET over HTTP/1.1 whose connection goes on, some of its values being `blanks`.

    None where one of them is missing, comes twice or in another order, or where the answer ends the connection.
    """
    body = response.body
    if not isinstance(body, bytes):
        return None
    framed = head(response, method="GET", keep_alive=True, old=False, date=_DATE)
    if not framed.keep_alive or framed.length != len(body):
        return None
    pieces, rest = [], framed.content
    dated = _DATE.encode() not in rest
    for blank in blanks if dated else (*blanks, _DATE):
        piece, found, rest = rest.partition(blank.encode())
        if not found:
            return None
        pieces.append(piece)
    pieces.append(rest)
    if any(blank.encode() in piece for piece in pieces for blank in blanks):
        return None
    return Frame(b"%b".join(piece.replace(b"%", b"%%") for piece in pieces), body, dated)


def framing(response: Response, method: str, promised: str | None, *, old: bool) -> tuple[int | None, bool, int | None]:
    """(bytes that follow the head, whether they come in chunks, what Content-Length says)."""
    status, body = response.status, response.body
    stated = int(promised) if promised is not None and promised.isascii() and promised.isdigit() else None
    if status < 200 or status == 204:
        return 0, False, None
    if status == 304:
        return 0, False, stated
    size = len(body) if isinstance(body, bytes) else body.length if isinstance(body, FileBody) else None
    if method == "HEAD":
        return 0, False, size if stated is None else stated
    if size is None:
        size = stated
    return size, size is None and not old, size


def chunk(piece: bytes) -> bytes:
    """One piece in chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


async def file_pieces(body: FileBody) -> AsyncIterator[bytes]:
    """The bytes of a file body, read in a thread. OSError when they are not there."""
    with await asyncio.to_thread(body.path.open, "rb") as source:
        source.seek(body.offset)
        left = body.length
        while left > 0:
            piece = await asyncio.to_thread(source.read, min(FILE_PIECE, left))
            if not piece:
                raise OSError(f"{body.path} is shorter than was promised")
            left -= len(piece)
            yield piece


def plain(status: int, text: str) -> Response:
    """A line of text for the client."""
    return Response(status, [("Content-Type", "text/plain; charset=utf-8")], f"{text}\n".encode())
