"""An HTTP server as a target: requests and answers pass through as they arrive, whatever their size.

A connection of its own for each request, on the loop: the platform's client for endpoints outside keeps whole answers,
and a load balancer must pass on events that a server sends one by one. A silence longer than the idle time-out ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import deque
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import TYPE_CHECKING

import httptools

from kumoi.services.elbv2.addresses import host_of
from kumoi.services.elbv2.answers import page
from kumoi.services.elbv2.records import Target, TargetGroup
from kumoi.wire.http import Body, BufferedBody, HeaderList, Response

if TYPE_CHECKING:
    from kumoi.services.elbv2.plane import Exchange

logger = logging.getLogger(__name__)

_READ = 65_536
_MAX_HEAD = 131_072
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade"})


class BadAnswer(OSError):
    """The server's answer is no HTTP, or ends too early."""


async def ask(exchange: Exchange, group: TargetGroup, target: Target) -> Response:
    """The server's answer, or the load balancer's page that says why there is none."""
    context = _context() if group.properties["Protocol"] == "HTTPS" else None
    try:
        async with asyncio.timeout(exchange.seconds):
            reader, writer = await asyncio.open_connection(host_of(target), target.port, ssl=context)
    except (OSError, TimeoutError) as error:
        return _refused(exchange, target, error)
    passage = Passage(exchange, reader, writer)
    try:
        return await passage.answer()
    except (OSError, TimeoutError) as error:
        passage.close()
        return _refused(exchange, target, error)
    except BaseException:
        passage.close()
        raise


class Passage:
    """One request on its way to a server, and the answer on its way back."""

    def __init__(self, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._exchange = exchange
        self._reader = reader
        self._writer = writer
        self._parser = httptools.HttpResponseParser(self)
        self._head = exchange.request.method == "HEAD"
        self._status = 0
        self._fields: HeaderList = []
        self._size = 0
        self._begun = False
        self._ended = False
        self._pieces: deque[bytes] = deque()
        self._sending: asyncio.Task[None] | None = None

    async def answer(self) -> Response:
        """Send the request, and the head of the answer back; raises OSError and TimeoutError."""
        self._sending = asyncio.create_task(self._send())
        while not self._begun:
            await self._feed()
        headers = [field for field in self._fields if field[0].lower() not in _HOP]
        if self._ended and not self._pieces:
            self.close()
            return Response(self._status, headers)
        return Response(self._status, headers, self._body())

    def close(self) -> None:
        """Nothing more is wanted of the server."""
        if self._sending is not None:
            self._sending.cancel()
        self._writer.close()

    async def _body(self) -> AsyncGenerator[bytes, None]:
        try:
            while self._pieces or not self._ended:
                while self._pieces:
                    yield self._pieces.popleft()
                if not self._ended:
                    await self._feed()
        finally:
            self.close()

    async def _feed(self) -> None:
        async with asyncio.timeout(self._exchange.seconds):
            data = await self._reader.read(_READ)
        try:
            if data:
                self._size += 0 if self._begun else len(data)
                if self._size > _MAX_HEAD and not self._begun:
                    raise BadAnswer("the head of the answer is larger than 128 KB")
                self._parser.feed_data(data)
            elif self._begun and not self._framed:
                self._ended = True
            else:
                raise BadAnswer("the server closed the connection before its answer was complete")
        except httptools.HttpParserError as error:
            if not self._ended:
                raise BadAnswer(f"the answer is no HTTP: {error}") from None

    @property
    def _framed(self) -> bool:
        """Whether the answer says where it ends; else the connection's end is its own."""
        return any(name.lower() in ("content-length", "transfer-encoding") for name, _ in self._fields)

    # ── what the parser tells ─────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        """Another answer begins: the last one was only in between (1xx)."""
        if not self._begun:
            self._fields = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field, or a trailer, which is not passed on."""
        if not self._begun:
            self._fields.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._status = self._parser.get_status_code()
        if self._status >= 200:
            self._begun = True
            self._ended = self._head or self._status in (204, 304)

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        if piece and not self._ended:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """The answer is complete."""
        if self._begun:
            self._ended = True

    # ── the request ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _send(self) -> None:
        request = self._exchange.request
        query = f"?{request.query}" if request.query else ""
        length = request.headers.get("content-length")
        # Over HTTP/2 a body has neither a length nor a coding that must be said.
        empty = isinstance(request.body, BufferedBody) and not request.body.content
        chunked = length is None and ("transfer-encoding" in request.headers or not empty)
        lines = [f"{request.method} {self._exchange.path}{query} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self._exchange.fields if name.lower() != "expect"]
        if "host" not in request.headers:
            lines.append(f"Host: {self._exchange.balancer.label}")
        lines.append("Connection: close")
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        with contextlib.suppress(ConnectionError):  # the answer, or its lack, tells more
            self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))
            if chunked or length not in (None, "0"):
                await self._send_body(request.body, chunked=chunked)
            await self._writer.drain()

    async def _send_body(self, body: Body, *, chunked: bool) -> None:
        pieces = aiter(body.stream())
        while True:
            try:
                piece = await anext(pieces)
            except StopAsyncIteration:
                break
            except ConnectionError:  # the client left within its request: the server is not kept waiting either
                self._writer.close()
                return
            self._exchange.call.request_bytes += len(piece)
            self._writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await self._writer.drain()
        if chunked:
            self._writer.write(b"0\r\n\r\n")


def _refused(exchange: Exchange, target: Target, error: Exception) -> Response:
    late = isinstance(error, TimeoutError)
    said = f"{target.id}:{target.port} did not answer in time" if late else f"{target.id}:{target.port}: {error}"
    logger.warning("load balancer %s: %s", exchange.balancer.name, said)
    return page(504 if late else 502, reason=said)


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    """TLS to targets: encrypted, and nobody's certificate is asked for, as load balancers do."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
