"""Responses to bytes: status line, headers, and the framing that the body needs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from http import HTTPStatus

from kumoi.wire.http import FileBody, HeaderList, Response

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 304})
FILE_PIECE = 256 * 1024


class DateHeader:
    """The Date header's value, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def text(self) -> str:
        """The current date, as RFC 9110 wants it."""
        second = int(time.time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True)
        return self._text


def head(response: Response, *, method: str, keep_alive: bool, old: bool, date: str) -> tuple[bytes, bool]:
    """(the head, whether the body goes chunked). `old` is HTTP/1.0: no chunks, closing ends the body.

    A handler's own Content-Length stands for bodies that come in pieces; CR and LF in header values become spaces.
    """
    names = {name.lower() for name, _ in response.headers}
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in _clean(response.headers)]
    chunked = False
    if response.status not in _BODILESS and response.status >= 200:
        body = response.body
        if isinstance(body, bytes):
            if "content-length" not in names:
                lines.append(f"Content-Length: {len(body)}")
        elif isinstance(body, FileBody):
            if "content-length" not in names:
                lines.append(f"Content-Length: {body.length}")
        elif "content-length" not in names and not old and method != "HEAD":
            chunked = True
            lines.append("Transfer-Encoding: chunked")
    if "date" not in names:
        lines.append(f"Date: {date}")
    if not keep_alive:
        lines.append("Connection: close")
    elif old:
        lines.append("Connection: keep-alive")
    lines.append("\r\n")
    return "\r\n".join(lines).encode("latin-1", "replace"), chunked


def _clean(headers: HeaderList) -> HeaderList:
    return [
        (name, value.translate(_LINE_BREAKS) if "\r" in value or "\n" in value or "\0" in value else value)
        for name, value in headers
    ]


_LINE_BREAKS = {ord("\r"): " ", ord("\n"): " ", 0: " "}


def has_body(response: Response, method: str) -> bool:
    """Whether a body follows the head."""
    return method != "HEAD" and response.status not in _BODILESS and response.status >= 200


def chunk(piece: bytes) -> bytes:
    """One piece in chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


async def file_pieces(body: FileBody) -> AsyncIterator[bytes]:
    """The bytes of a file body, read in a thread."""
    with body.path.open("rb") as source:
        source.seek(body.offset)
        left = body.length
        while left > 0:
            piece = await asyncio.to_thread(source.read, min(FILE_PIECE, left))
            if not piece:
                raise OSError(f"{body.path} is shorter than was promised")
            left -= len(piece)
            yield piece
