"""One HTTP/1.1 connection: requests are read, answered in the order they came, and time-outs kept.

Why our own, above httptools' parser: paths must stay byte-exact and header names as sent (SigV4, S3 keys), trailers
must be seen (aws-chunked checksums), connections must be abortable in the middle (declared faults); and it costs a
third of what an ASGI server does. Rules: RFC 9110 and 9112.

A handler runs to its end even when its client goes away: only its reading of the body fails, and a body that it
answered with is closed.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, cast

from kumoi.gateway.http2_frames import PREFACE
from kumoi.gateway.output import Broken, Output, close
from kumoi.gateway.peer import peer_of
from kumoi.gateway.repeats import fill
from kumoi.gateway.request_reader import Exchange, Refused, RequestReader
from kumoi.gateway.response_writer import frame, head, plain, usual_head
from kumoi.gateway.server import Server, WebSocketHandler, tell_sent
from kumoi.wire.http import BodyCut, BodyTooLarge, ClientDisconnected, FileBody, Response
from kumoi.wire.websocket import WebSocketClosed

if TYPE_CHECKING:
    from kumoi.gateway.websocket import WebSocket

logger = logging.getLogger(__name__)

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_GET = ord("G")
_UNLIKE = 16
"""Requests that are like none before after which a connection's are no longer kept: it never repeats itself."""
_JOINED = 64 * 1024
"""Bytes of a body that still leave in one piece with the head."""


class HttpConnection(asyncio.Protocol):
    """The protocol of one accepted connection; `secure` is whether TLS lies below it."""

    def __init__(self, server: Server, accepted: socket.socket, *, secure: bool) -> None:
        self._server = server
        self._repeated = server.repeats.known
        self._heads = server.heads
        self._outgoing = server.outgoing
        self._output = Output(
            accepted, server.outgoing, high=server.limits.read_high, moved=self._moved, broken=self._reset
        )
        self._unlike = 0
        self.socket = accepted
        self._secure = secure
        self._fresh = True
        self._held = b""
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._answering: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._asked: asyncio.Future[Exchange | None] | None = None
        self._following: Exchange | None = None
        self._websocket: WebSocket | None = None
        self._refused: Refused | None = None
        self._ended = False
        self._finished = False
        self._draining = False
        self._reading = True

    # ── the transport's side ──────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast(asyncio.Transport, transport)
        peer = peer_of(transport, secure=self._secure)
        self._client = peer.client
        self._reader = RequestReader(
            self._server.limits,
            secure=self._secure,
            client=peer.client,
            local=peer.local,
            websockets=self._server.websocket is not None,
            taken=self._regulate,
            wanted=self._proceed,
            certificate=peer.certificate,
        )
        self._output.begin(self._transport)
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: whoever reads a body, or waits to write one, learns of it."""
        self._finished = True
        self._reader.ready.clear()
        self._reader.lose()
        self._output.end()
        if self._websocket is not None:
            self._websocket.connection_lost()
        if self._output.streaming and self._task is not None:
            self._task.cancel()
        elif self._asked is not None:
            self._ask(self._asked, None)
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._fresh:
            data = self._held + data
            if self._is_for_another(data):
                return
        if self._websocket is not None:
            self._websocket.data_received(data)
            self._regulate()
            return
        if self._finished or self._refused is not None:
            return
        reader = self._reader
        if self._repeated and data[0] == _GET and self._answered_again(data):
            return
        between, begun = reader.idle and not reader.ready, reader.begun
        if between and self._answering is None and not self._draining and (found := self._heads.find(data)) is not None:
            self._unlike = 0
            self._since = self._loop.time()
            exchange = reader.known(found)
            if data[0] == _GET:
                exchange.data = data
            self._begin(exchange)
            return
        try:
            reader.feed(data)
        except Refused as refused:
            self._refused = refused
            reader.lose()
        if reader.begun != begun or reader.receiving is not None:
            self._since = self._loop.time()
            if between and len(reader.ready) == 1 and reader.idle:
                self._alone(reader.ready[0], data)
        if self._answering is None:
            self._next()
        if reader.ready or reader.receiving is not None or self._finished:
            self._regulate()

    def _alone(self, exchange: Exchange, data: bytes) -> None:
        """A request has come as `data`, and nothing else: its like may be known by that."""
        if data[0] == _GET:
            exchange.data = data
        if self._unlike < _UNLIKE and exchange.keep_alive and not exchange.old and not exchange.websocket:
            self._unlike += 1
            self._server.heads.learn(data, exchange.request)

    def _answered_again(self, data: bytes) -> bool:
        """Answer a request whose header fields were seen before at once, without parsing it and without a task.

        Only between requests, and only while the client takes what it gets.
        """
        found = self._server.repeats.find(data)
        if found is None or self._answering is not None or self._draining or self._output.full:
            return False
        reader, transport = self._reader, self._transport
        if reader.ready or not reader.idle or transport.is_closing():
            return False
        target, again = found
        try:
            answer = again(target, self._client, frame)
        except Exception:
            logger.exception("GET %s could not be answered again", target)
            return False
        if answer is None:
            return False
        framed, values = answer
        answer_head = fill(framed, values, self._server.date.encoded())
        if len(framed.body) > _JOINED:
            self._output.in_order.writelines((answer_head, framed.body))
        else:
            self._output.together_while_reading(answer_head + framed.body)
        self._since = self._loop.time()
        return True

    def _is_for_another(self, data: bytes) -> bool:
        """Whether the first bytes are another protocol's, which has them now, or may still become HTTP/2's preface."""
        if data == PREFACE[: len(data)] and len(data) < len(PREFACE):
            self._held = data
            return True
        self._fresh, self._held = False, b""
        if data.startswith(PREFACE):
            from kumoi.gateway.http2_connection import Http2Connection  # at its first use, as WebSockets

            self._hand_over(Http2Connection(self._server, self.socket, secure=self._secure), data[len(PREFACE) :])
            return True
        if self._secure and (other := self._server.others.get(data[0])) is not None:
            self._hand_over(other(), data)
            return True
        return False

    def _hand_over(self, other: asyncio.Protocol, data: bytes) -> None:
        """Leave the connection to another protocol, with what has arrived."""
        self._finished = True
        self._server.closed(self)
        self._transport.set_protocol(other)
        other.connection_made(self._transport)
        if data:
            other.data_received(data)

    def eof_received(self) -> bool:
        """The client has sent all it will; answers under way are still written (below TLS that cannot be)."""
        self._ended = True
        self._output.flush()
        self._reader.lose()
        if self._websocket is not None:
            return False
        return self.busy and not self._finished and not self._secure

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self._output.pause()

    def resume_writing(self) -> None:
        """The transport's buffer has room again."""
        self._output.resume()

    # ── the listener's side ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def busy(self) -> bool:
        """Whether a request is being answered or waits for its turn."""
        return self._answering is not None or bool(self._reader.ready)

    def drain(self) -> None:
        """Close once what has been asked is answered; at once when nothing has. WebSockets are told to go away."""
        self._draining = True
        if self._websocket is not None:
            self._websocket.go_away()
        elif not self.busy and self._reader.idle:
            self._output.in_order.close()

    def abort(self) -> None:
        """Close now."""
        self._output.in_order.abort()

    def expire(self, now: float) -> None:
        """Close when the client has been silent, or slow with what it began to send, for too long."""
        limits, waited = self._server.limits, now - self._since
        receiving = self._reader.receiving
        if self._finished:
            unsent = self._transport.get_write_buffer_size()
            if waited > (limits.idle_timeout if unsent else limits.linger_timeout):
                self._transport.abort()
        elif receiving is not None:
            if waited > limits.idle_timeout and self._reading and not receiving.expects:
                self._give_up("the request's body stopped arriving")
        elif self.busy:
            if self._ended and self._output.streaming and waited > limits.header_timeout:
                self._transport.abort()
        elif self._reader.in_head or self._held:
            if waited > limits.header_timeout:
                self._give_up("the request's head took too long")
        elif waited > limits.idle_timeout:
            self._transport.close()

    def _give_up(self, text: str) -> None:
        self._refused = Refused(408, text)
        self._reader.lose()
        if self._answering is None:
            self._next()

    # ── in what order, and how fast ───────────────────────────────────────────────────────────────────────────────

    def _next(self) -> None:
        """Answer the next request in the order they came; end the connection when none may follow."""
        if self._finished:
            return
        if self._reader.ready:
            self._begin(self._reader.ready.popleft())
            if not self._reading:
                self._regulate()
        elif self._refused is not None:
            refusal = plain(self._refused.status, str(self._refused))
            answer_head = head(refusal, method="GET", keep_alive=False, old=False, date=self._server.date.text())
            self._output.in_order.write(answer_head.content + cast(bytes, refusal.body))
            self._finish(unread=True)
        elif self._ended or (self._draining and self._reader.idle):
            self._finish(unread=False)

    def _begin(self, exchange: Exchange) -> None:
        """Begin to answer a request."""
        self._answering = exchange
        self._outgoing.under_way += 1
        if self._asked is not None:
            self._ask(self._asked, exchange)
        elif self._task is None:
            self._task = self._loop.create_task(self._answer_all(exchange))
        else:
            self._following = exchange

    def _ask(self, asked: asyncio.Future[Exchange | None], exchange: Exchange | None) -> None:
        self._asked = None
        if not asked.done():
            asked.set_result(exchange)

    def _finish(self, *, unread: bool) -> None:
        """Close behind the last answer.

        Closing a socket with unread bytes resets the connection, and the client may never see the answer: what it
        still sends is taken and thrown away until it has noticed, for `linger_timeout` at most.
        """
        self._finished = True
        self._since = self._loop.time()
        transport = self._output.in_order
        if self._ended or not unread:
            transport.close()
            return
        if transport.can_write_eof():
            transport.write_eof()
        self._regulate()

    def _regulate(self) -> None:
        """Read from the client, or not: no more requests than may queue, no more of a body than may wait."""
        limits, reader = self._server.limits, self._reader
        if self._finished:
            wanted = True
        elif self._websocket is not None:
            wanted = self._websocket.buffered < limits.read_high
        else:
            receiving = reader.receiving
            held = receiving.body.buffered if receiving is not None and receiving.body is not None else 0
            bound = limits.read_high if self._reading else limits.read_low
            wanted = len(reader.ready) < limits.pipeline_depth and held < bound and len(reader.rest) < limits.read_high
        if wanted != self._reading and not self._transport.is_closing():
            self._reading = wanted
            self._since = self._loop.time()
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _proceed(self, exchange: Exchange) -> None:
        """A handler begins to wait for a body: the client may have to be asked for it."""
        if exchange.expects and not exchange.started:
            exchange.expects = False
            self._since = self._loop.time()
            self._output.in_order.write(_CONTINUE)

    # ── answering ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _answer_all(self, exchange: Exchange | None) -> None:
        """Answer requests as they are begun, until the connection ends: to make a task for each takes longer.

        Between two of them it holds neither.
        """
        try:
            while exchange is not None:
                await (self._serve_websocket(exchange) if exchange.websocket else self._answer(exchange))
                exchange, self._following = self._following, None
                if exchange is None and not self._finished and not self._transport.is_closing():
                    self._asked = self._loop.create_future()
                    exchange = await self._asked
        finally:
            self._asked = self._task = None

    async def _answer(self, exchange: Exchange) -> None:
        """Run the handler, write what it answers, go on to the next request."""
        request = exchange.request
        response: Response | None = None
        try:
            try:
                response = await self._server.handler(request)
            except ClientDisconnected:
                if self._refused is None:
                    self._finish(unread=False)
            except BodyTooLarge as error:
                response = plain(413, str(error))
            except Exception:
                logger.exception("the handler failed at %s %s", request.method, request.path)
                response = plain(500, "Kumoi failed at this request; its log says why.")
            if response is not None:
                if response.again is not None and exchange.data is not None and exchange.keep_alive:
                    self._server.repeats.learn(exchange.data, request, response)
                if not self._sent_at_once(exchange, response):
                    await self._send(exchange, response)
        except asyncio.CancelledError:
            self._output.in_order.abort()
            raise
        except Exception:
            logger.exception("an answer to %s %s could not be written", request.method, request.path)
            self._reset()
        finally:
            self._answering = None
            self._outgoing.under_way -= 1
            self._since = self._loop.time()
            if response is not None and response.on_sent is not None:
                tell_sent(response)
        self._next()

    def _sent_at_once(self, exchange: Exchange, response: Response) -> bool:
        """Write an answer as nearly all are, of which nothing is to be weighed; whether it is one."""
        content = response.body
        if (
            response.status != 200
            or type(content) is not bytes
            or len(content) > _JOINED
            or response.abort
            or exchange.body is not None
            or exchange.old
            or not exchange.keep_alive
            or self._draining
            or self._finished
            or self._output.full
            or exchange.request.method == "HEAD"
        ):
            return False
        answer_head = usual_head(response.headers, len(content), self._server.date.text())
        if answer_head is None:
            return False
        exchange.started = True
        self._output.together(answer_head + content)
        return True

    async def _send(self, exchange: Exchange, response: Response) -> None:
        """Write an answer; none when the client is gone, or when its request broke HTTP's rules behind the head."""
        content, output = response.body, self._output
        incomplete = exchange.body is not None and not exchange.body.complete
        if response.abort:
            self._reset()
        if self._finished or (incomplete and self._refused is not None):
            if not isinstance(content, bytes):
                await close(content)
            return
        exchange.started = True
        # A body that did not arrive to its end stands in the way of the next request.
        keep_alive = exchange.keep_alive and not incomplete and not self._draining
        method, date = exchange.request.method, self._server.date.text()
        framed = head(response, method=method, keep_alive=keep_alive, old=exchange.old, date=date)
        try:
            if isinstance(content, FileBody) and framed.length and not self._secure:
                await output.file(content, framed)
            elif not isinstance(content, bytes):
                await output.pieces(content, framed)
            elif len(content) > _JOINED and framed.length:
                transport = output.in_order
                transport.write(framed.content)
                transport.write(content)
            else:
                output.together(framed.content + content if framed.length else framed.content)
        except Broken:
            self._reset()
        except BodyCut:
            self._finish(unread=False)
        await output.room()
        if not framed.keep_alive and not self._finished:
            self._finish(unread=incomplete)

    def _moved(self) -> None:
        """The client has taken a piece."""
        self._since = self._loop.time()

    def _reset(self) -> None:
        """Cut the connection so that the client sees a reset."""
        self._finished = True
        self._output.reset()

    async def _serve_websocket(self, exchange: Exchange) -> None:
        from kumoi.gateway.websocket import BadHandshake, WebSocket  # at its first use: a platform starts without it

        request, serve = exchange.request, cast(WebSocketHandler, self._server.websocket)
        self._outgoing.under_way -= 1  # what it says is no answer
        if self._ended:  # the client left while others were answered before it
            self._answering = None
            self._finish(unread=False)
            return
        try:
            websocket = WebSocket(request, self._output.in_order, drained=self._output.room, taken=self._regulate)
        except BadHandshake as error:
            self._refused = Refused(400, f"not a valid WebSocket handshake: {error}")
            self._answering = None
            self._next()
            return
        self._websocket = websocket
        websocket.data_received(self._reader.rest)
        code, refusal = 1000, None
        try:
            refusal = await serve(request, websocket)
        except WebSocketClosed:
            pass
        except Exception:
            logger.exception("the WebSocket handler failed at %s", request.path)
            code = 1011
        finally:
            if refusal is not None and not websocket.closed:
                exchange.keep_alive = False
                await self._send(exchange, refusal)
            elif not websocket.accepted:
                await websocket.reject(403 if code == 1000 else 500)
            await websocket.close(code)
            self._answering = None
            if not self._finished:
                self._finish(unread=True)
