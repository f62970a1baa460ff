"""One HTTP/1.1 connection: bytes to requests, responses to bytes.

Why our own, above httptools' parser: paths must stay byte-exact and header names as sent (SigV4, S3 keys), trailers
must be seen (aws-chunked checksums), connections must be abortable in the middle (declared faults); and it costs a
third of what an ASGI server does. Rules: RFC 9110 and 9112; where they leave a choice that could be used to smuggle a
request, the connection is refused and closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import httptools

from kumoi.gateway.body import ClientDisconnected, StreamingBody
from kumoi.gateway.limits import Limits
from kumoi.gateway.response_writer import DateHeader, chunk, file_pieces, has_body, head
from kumoi.wire.http import BufferedBody, FileBody, HeaderList, Headers, Request, Response

if TYPE_CHECKING:
    from kumoi.gateway.websocket import WebSocket

logger = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
WebSocketHandler = Callable[[Request, "WebSocket"], Awaitable[None]]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Refused(Exception):
    """The bytes are no request that is served here."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Exchange:
    """A request with what the connection must know to answer it."""

    __slots__ = ("body", "keep_alive", "old", "request", "started")

    def __init__(self, request: Request, *, old: bool) -> None:
        self.request = request
        self.body: StreamingBody | None = None
        self.keep_alive = True
        self.old = old
        self.started = False


class HttpConnection(asyncio.Protocol):
    """The protocol of one accepted connection. `owner` is told when it opens and when it is lost."""

    def __init__(
        self,
        handler: Handler,
        limits: Limits,
        date: DateHeader,
        *,
        secure: bool,
        websocket: WebSocketHandler | None,
        opened: Callable[[HttpConnection], None],
        closed: Callable[[HttpConnection], None],
    ) -> None:
        self._handler = handler
        self._limits = limits
        self._date = date
        self._secure = secure
        self._websocket = websocket
        self._opened = opened
        self._closed = closed
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._client = ("", 0)
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Exchange] = deque()
        self._task: asyncio.Task[None] | None = None
        self._refused: Refused | None = None
        self._draining = False
        self._writable: asyncio.Future[None] | None = None
        self._upgraded: WebSocket | None = None
        self._current: Exchange | None = None
        self._declined = b""
        self.since = self._loop.time()
        self.awaiting_head = True
        self._begin()

    # ── the transport's side ──────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._client = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) and len(peer) > 1 else ("", 0)
        self._transport.set_write_buffer_limits(high=self._limits.read_high)
        self._opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: whoever reads a body or waits to write learns of it."""
        for exchange in self._queue:
            if exchange.body is not None:
                exchange.body.lose()
        if self._current is not None and self._current.body is not None:
            self._current.body.lose()
        self.resume_writing()
        if self._upgraded is not None:
            self._upgraded.connection_lost()
        self._closed(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._upgraded is not None:
            self._upgraded.data_received(data)
            return
        if self._refused is not None:
            return
        if self._head_size == 0 and self.awaiting_head:
            self.since = self._loop.time()
        try:
            self._feed(data)
        except (httptools.HttpParserError, Refused) as error:
            refused = error if isinstance(error, Refused) else error.__context__
            self._refused = refused if isinstance(refused, Refused) else Refused(400, "not a valid HTTP/1.1 request")
            if self._pending is not None and self._pending.body is not None:
                self._pending.body.lose()
            self._next()

    def eof_received(self) -> bool:
        """The client has sent everything; answers under way may still be written."""
        if self._pending is not None and self._pending.body is not None:
            self._pending.body.lose()
        return self.busy

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """The transport's buffer has room again (or the connection is gone)."""
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None

    # ── the listener's side ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def busy(self) -> bool:
        """Whether a request is being answered or waits for its turn."""
        return self._task is not None or bool(self._queue) or self._upgraded is not None

    def drain(self) -> None:
        """Close once what has been asked is answered; at once when nothing has."""
        self._draining = True
        if not self.busy:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    def expire(self, now: float) -> None:
        """Close when the client has been silent, or slow with its request's head, for too long."""
        if self.busy or self._pending is not None:
            return
        if self.awaiting_head and self._head_size:
            if now - self.since > self._limits.header_timeout:
                self._refused = Refused(408, "the request's head took too long")
                self._next()
        elif now - self.since > self._limits.idle_timeout:
            self._transport.close()

    # ── the parser's side ─────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        """Ready for a request's first byte."""
        self.awaiting_head = True
        self._url = b""
        self._headers: HeaderList = []
        self._head_size = 0
        self._chunks: list[bytes] = []
        self._size = 0
        self._pending: Exchange | None = None

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self._parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                rest = data[upgrade.args[0] :]
            if self._upgraded is not None:
                self._upgraded.data_received(rest)
                return
            # Another protocol was offered (h2c, by Java's client): read the same request again without the offer.
            self._parser = httptools.HttpRequestParser(self)
            data = self._declined + rest

    def on_url(self, url: bytes) -> None:
        """A piece of the request target."""
        self._url += url
        self._head_size += len(url)
        if len(self._url) > self._limits.request_line:
            raise Refused(414, "the request target is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field; behind the body, a trailer field."""
        self._head_size += len(name) + len(value) + 4
        if len(name) + len(value) > self._limits.header_line or self._head_size > self._limits.header_block:
            raise Refused(431, "the header fields are too large")
        field = (name.decode("latin-1"), value.decode("latin-1"))
        if self.awaiting_head:
            self._headers.append(field)
        elif self._pending is not None and self._pending.body is not None:
            self._pending.body.trailers.append(field)
        else:
            cast(BufferedBody, cast(Exchange, self._pending).request.body).trailers.append(field)

    def on_headers_complete(self) -> None:
        """The head is complete: decide how the body will be handed over."""
        if self._parser.should_upgrade() and not self._wants_websocket():
            self._decline()
            return
        self.awaiting_head = False
        version = self._parser.get_http_version()
        method = self._parser.get_method().decode("latin-1")
        headers = Headers(self._headers)
        path, query = self._target(method)
        request = Request(
            method,
            path,
            query,
            headers,
            BufferedBody(),
            "https" if self._secure else "http",
            self._client,
            version,
        )
        exchange = Exchange(request, old=version == "1.0")
        self._check_framing(headers)
        length = headers.get("content-length")
        expects = (headers.get("expect") or "").lower() == "100-continue"
        self._pending = exchange
        if expects or (length is not None and int(length) > self._limits.buffered_body):
            self._stream(exchange, expects=expects)
        if self._parser.should_upgrade():
            self._upgrade(request)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        exchange = cast(Exchange, self._pending)
        if exchange.body is None:
            self._chunks.append(body)
            self._size += len(body)
            if self._size > self._limits.buffered_body:
                self._stream(exchange, expects=False)
            return
        exchange.body.feed(body)
        if exchange.body.buffered > self._limits.read_high:
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The request is complete."""
        exchange = self._pending
        if exchange is None or self._upgraded is not None:
            if self._declined:
                self._begin()
            return
        exchange.keep_alive = self._parser.should_keep_alive()
        if exchange.body is not None:
            exchange.body.finish()
        else:
            cast(BufferedBody, exchange.request.body).content = b"".join(self._chunks)
            self._enqueue(exchange)
        self._begin()
        self.since = self._loop.time()

    def _wants_websocket(self) -> bool:
        offered = [value.strip().lower() for name, value in self._headers if name.lower() == "upgrade"]
        return self._websocket is not None and offered == ["websocket"]

    def _decline(self) -> None:
        """Keep the head without what offers another protocol, to be read again."""
        kept = [
            f"{name}: {value}\r\n"
            for name, value in self._headers
            if name.lower() not in ("upgrade", "connection", "http2-settings")
        ]
        method = self._parser.get_method().decode("latin-1")
        if method == "CONNECT":
            raise Refused(501, "CONNECT is not served")
        line = f"{method} {self._url.decode('latin-1')} HTTP/1.1\r\n"
        self._declined = (line + "".join(kept) + "\r\n").encode("latin-1")

    def _target(self, method: str) -> tuple[str, str]:
        """(path, query) of the request target, byte-exact; of an absolute-form target, what follows its authority."""
        target = self._url.decode("latin-1")
        if method == "CONNECT":
            raise Refused(501, "CONNECT is not served")
        if not target.startswith("/") and target != "*":
            scheme, separator, rest = target.partition("://")
            if not separator or scheme.lower() not in ("http", "https"):
                raise Refused(400, "the request target is not a path")
            slash = rest.find("/")
            target = rest[slash:] if slash >= 0 else "/"
        target = target.partition("#")[0]
        path, _, query = target.partition("?")
        return path, query

    def _check_framing(self, headers: Headers) -> None:
        """Refuse what two readers could understand differently."""
        coding = headers.get_all("transfer-encoding")
        if coding and (len(coding) > 1 or coding[0].strip().lower() != "chunked"):
            raise Refused(501, "the only transfer coding served is chunked")
        lengths = headers.get_all("content-length")
        if coding and lengths:
            raise Refused(400, "Content-Length and Transfer-Encoding exclude each other")
        if lengths and (len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit())):
            raise Refused(400, "Content-Length is not one number")
        if len(headers.get_all("host")) > 1:
            raise Refused(400, "there is more than one Host")

    # ── handing over and answering ────────────────────────────────────────────────────────────────────────────────

    def _stream(self, exchange: Exchange, *, expects: bool) -> None:
        """Hand the request over now; the rest of its body follows as it arrives."""

        def first_read() -> None:
            if expects and not exchange.started:
                self._transport.write(_CONTINUE)

        body = StreamingBody(self._limits.read_low, self._resume_reading, first_read)
        body.trailers = cast(BufferedBody, exchange.request.body).trailers
        for piece in self._chunks:
            body.feed(piece)
        self._chunks = []
        exchange.body = body
        exchange.request.body = body
        exchange.keep_alive = self._parser.should_keep_alive()
        self._enqueue(exchange)

    def _enqueue(self, exchange: Exchange) -> None:
        self._queue.append(exchange)
        if len(self._queue) >= self._limits.pipeline_depth:
            self._transport.pause_reading()
        self._next()

    def _resume_reading(self) -> None:
        if len(self._queue) < self._limits.pipeline_depth and not self._transport.is_closing():
            self._transport.resume_reading()

    def _next(self) -> None:
        """Answer the next request in the order they came; close when there is none and none may follow."""
        if self._task is not None:
            return
        if self._queue:
            exchange = self._queue.popleft()
            self._current = exchange
            if exchange.body is None:
                self._resume_reading()
            self._task = self._loop.create_task(self._answer(exchange))
        elif self._refused is not None and not self._transport.is_closing():
            refusal = Response(
                self._refused.status, [("Content-Type", "text/plain; charset=utf-8")], f"{self._refused}\n".encode()
            )
            start, _ = head(refusal, method="GET", keep_alive=False, old=False, date=self._date.text())
            self._transport.write(start + cast(bytes, refusal.body))
            self._transport.close()
        elif self._draining:
            self._transport.close()

    async def _answer(self, exchange: Exchange) -> None:
        response: Response | None = None
        try:
            try:
                response = await self._handler(exchange.request)
            except ClientDisconnected:
                self._transport.close()
            except Exception:
                logger.exception("the handler failed at %s %s", exchange.request.method, exchange.request.path)
                response = Response(500, [("Content-Type", "text/plain")], b"Kumoi failed; its log has the details.\n")
            if response is not None:
                await self._write(exchange, response)
        finally:
            if response is not None and response.on_sent is not None:
                response.on_sent()
            self._task = None
            self._current = None
            self.since = self._loop.time()
        self._next()

    async def _write(self, exchange: Exchange, response: Response) -> None:
        transport = self._transport
        if response.abort:
            transport.abort()
            return
        # A body that nobody read to its end stands in the way of the next request.
        unread = exchange.body is not None and not exchange.body.complete
        keep_alive = exchange.keep_alive and not unread and not self._draining
        method = exchange.request.method
        exchange.started = True
        start, chunked = head(response, method=method, keep_alive=keep_alive, old=exchange.old, date=self._date.text())
        if exchange.old and not isinstance(response.body, bytes | FileBody):
            keep_alive = False
        if isinstance(response.body, bytes):
            transport.write(start + response.body if has_body(response, method) else start)
        else:
            await self._write_pieces(response, start, chunked=chunked, wanted=has_body(response, method))
        if not keep_alive:
            transport.close()

    async def _write_pieces(self, response: Response, start: bytes, *, chunked: bool, wanted: bool) -> None:
        transport = self._transport
        transport.write(start)
        body = response.body
        pieces = file_pieces(body) if isinstance(body, FileBody) else cast(AsyncIterator[bytes], body)
        async with aclosing(cast("_Closable", pieces)):
            if not wanted:
                return
            try:
                async for piece in pieces:
                    if transport.is_closing():
                        return
                    if piece:
                        transport.write(chunk(piece) if chunked else piece)
                    if self._writable is not None:
                        await asyncio.shield(self._writable)
            except Exception:
                logger.exception("a response body failed in the middle; the connection is cut")
                transport.abort()
                return
        if chunked and not transport.is_closing():
            transport.write(b"0\r\n\r\n")

    def _upgrade(self, request: Request) -> None:
        from kumoi.gateway.websocket import WebSocket

        assert self._websocket is not None
        self._upgraded = WebSocket(self._transport, request)
        self._task = self._loop.create_task(self._run_websocket(request, self._upgraded))

    async def _run_websocket(self, request: Request, websocket: WebSocket) -> None:
        assert self._websocket is not None
        try:
            await self._websocket(request, websocket)
        except Exception:
            logger.exception("the WebSocket handler failed at %s", request.path)
        finally:
            await websocket.close()
            self._transport.close()


if TYPE_CHECKING:

    class _Closable(AsyncIterator[bytes]):
        async def aclose(self) -> None: ...
