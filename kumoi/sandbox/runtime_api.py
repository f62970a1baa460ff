"""The Lambda Runtime API, Extensions API and Telemetry API on a loopback port of one sandbox.

The official runtime clients and extensions speak to it unmodified. Our own HTTP/1.1 server, for one reason: it must
hold a request for as long as the sandbox idles, take a streamed response piece by piece with its trailers, and cost
next to nothing per sandbox; a framework offers none of the three. What requests mean is decided in `runtime_link`'s
counterpart (`api_link.py`), `extensions.py` and `telemetry.py`. Source: the "Runtime API", "Extensions API" and
"Telemetry API" references of the developer guide.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import httptools

MAX_BODY = 6_291_556
"""Bytes of the largest buffered response."""

_STREAMED_AHEAD = 256 << 10
_REASONS = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    413: "Payload Too Large",
}


_ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"OK"}'


class ApiRequest:
    """One request: `body` is complete when it is handled, but for a streamed one, whose pieces go to `on_piece`."""

    __slots__ = ("body", "headers", "method", "on_end", "on_piece", "path", "too_large")

    def __init__(self) -> None:
        self.method = ""
        self.path = ""
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.too_large = False
        self.on_piece: Callable[[bytes], None] | None = None
        self.on_end: Callable[[], None] | None = None


class ApiHandler(Protocol):
    """What requests mean."""

    def begin(self, connection: ApiConnection, request: ApiRequest) -> None:
        """The head of a request is there: set its `on_piece` and `on_end` to take its body as it comes."""

    def handle(self, connection: ApiConnection, request: ApiRequest) -> None:
        """A request is complete: answer it now or later, through the connection."""

    def lost(self, connection: ApiConnection) -> None:
        """A connection has closed: whoever waited on it is gone."""


class ApiConnection(asyncio.Protocol):
    """One connection of a runtime or an extension."""

    def __init__(self, handler: ApiHandler, listener: ApiListener) -> None:
        self._handler = handler
        self._listener = listener
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._fd = -1
        self._request = ApiRequest()
        self._keep_alive = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Turn away whoever is not of this sandbox."""
        self._transport = cast(asyncio.Transport, transport)
        self._fd = transport.get_extra_info("socket").fileno()
        if not self._listener.admit(self._transport):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end is gone."""
        self._handler.lost(self)
        if self._transport is not None:
            self._listener.left(self._transport)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.answer(400, {"errorMessage": "The request could not be parsed.", "errorType": "InvalidRequest"})
            self.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._request = ApiRequest()

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        self._request.path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field, or a trailer field."""
        self._request.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        self._request.method = self._parser.get_method().decode("latin-1")
        self._request.path = self._request.path.partition("?")[0]
        self._keep_alive = self._parser.should_keep_alive()
        if self._request.headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._handler.begin(self, self._request)

    def on_body(self, piece: bytes) -> None:
        """A piece of its body."""
        request = self._request
        if request.on_piece is not None:
            request.on_piece(piece)
        elif len(request.body) + len(piece) > MAX_BODY:
            request.too_large = True
        else:
            request.body += piece

    def on_message_complete(self) -> None:
        """It is complete."""
        if self._request.on_end is not None:
            self._request.on_end()
        else:
            self._handler.handle(self, self._request)

    def answer(self, status: int, body: bytes | dict[str, object], headers: dict[str, str] | None = None) -> None:
        """Send the response; a dict is JSON."""
        if self._transport is None or self._transport.is_closing():
            return
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        fields = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
        head = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
        self._send(f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\n{head}\r\n".encode() + content)

    def _send(self, content: bytes) -> None:
        """Write at once what nothing waits before: the transport's own turn comes when the loop's other work is done,
        and the runtime could have gone on meanwhile.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if not transport.get_write_buffer_size():
            with contextlib.suppress(OSError):  # it is full, or gone: the transport sees to that
                content = content[os.write(self._fd, content) :]
        if content:
            transport.write(content)
        if not self._keep_alive:
            transport.close()

    def accept(self) -> None:
        """Answer 202, as the Runtime API does for whatever it takes."""
        self._send(_ACCEPTED)

    def refuse(self, status: int, kind: str, message: str) -> None:
        """Answer an error."""
        self.answer(status, {"errorMessage": message, "errorType": kind})

    def pause(self) -> None:
        """Read no more for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


class PieceStream:
    """A streamed body between the connection that receives it and whoever reads it; holds little."""

    def __init__(self, connection: ApiConnection) -> None:
        self._connection = connection
        self._pieces: list[bytes] = []
        self._held = 0
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None

    def put(self, piece: bytes) -> None:
        """Add a piece; the sender is held back when the reader is slow."""
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held > _STREAMED_AHEAD:
            self._connection.pause()
        self._wake()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._wake()

    async def get(self) -> bytes | None:
        """The next bytes; None at the end."""
        while not self._pieces:
            if self._ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        pieces, self._pieces = self._pieces, []
        if self._held > _STREAMED_AHEAD:
            self._connection.resume()
        self._held = 0
        return b"".join(pieces)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class ApiListener:
    """The loopback port of one sandbox. `user` is the uid its processes run as, None when that tells nothing."""

    def __init__(self, port: int, user: int | None) -> None:
        self.port = port
        self._user = user
        self._server: asyncio.Server | None = None
        self._transports: set[asyncio.Transport] = set()
        self._closed = False

    @classmethod
    async def open(cls, handler: ApiHandler, user: int | None) -> ApiListener:
        """Listen on a free port."""
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listener = cls(listening.getsockname()[1], user)
        listener._server = await asyncio.get_running_loop().create_server(
            lambda: ApiConnection(handler, listener), sock=listening, backlog=16
        )
        return listener

    def admit(self, transport: asyncio.Transport) -> bool:
        """Whether a new connection is one of the sandbox's own, and still wanted."""
        peer = transport.get_extra_info("peername")
        if self._closed or (self._user is not None and _peer_user(peer[1], self.port) not in (self._user, None)):
            return False
        self._transports.add(transport)
        return True

    def left(self, transport: asyncio.Transport) -> None:
        """A connection has ended."""
        self._transports.discard(transport)

    def close(self) -> None:
        """Listen no more, and cut what is connected."""
        self._closed = True
        if self._server is not None:
            self._server.close()
        for transport in self._transports:
            transport.abort()


def _peer_user(peer: int, port: int) -> int | None:
    """The uid that holds the other end of a loopback connection; None where the kernel does not tell."""
    ends = f"0100007F:{peer:04X} 0100007F:{port:04X}"
    try:
        rows = Path("/proc/net/tcp").read_text().splitlines()
    except OSError:
        return None
    return next((int(row.split()[7]) for row in rows if ends in row), None)
