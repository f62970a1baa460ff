"""One HTTP/2 connection: frames to streams and back, each stream a request that is answered beside the others.

Here is what the library (`http2_protocol.py`) leaves to a server: who may do how much, when a connection ends, and that
whoever is served slowly is held up alone. Rules: RFC 9113.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import cast

from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError, StreamClosedError

from kumoi.gateway.http2_frames import FrameReader, Patience, TooLong
from kumoi.gateway.http2_heads import Fields
from kumoi.gateway.http2_protocol import begun, bound_table, goodbye
from kumoi.gateway.http2_stream import Shared, Stream
from kumoi.gateway.output import Room
from kumoi.gateway.peer import peer_of
from kumoi.gateway.server import Server

logger = logging.getLogger(__name__)


class Http2Connection(asyncio.Protocol):
    """The protocol of one connection from its preface on; `secure` is whether TLS lies below it."""

    def __init__(self, server: Server, accepted: socket.socket, *, secure: bool) -> None:
        self.socket = accepted
        self._server = server
        self._secure = secure
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._protocol = begun(server.limits)
        self._room = Room()
        self._frames = FrameReader()
        self._patience = Patience(self._since)
        self._streams: dict[int, Stream] = {}
        self._running: set[Stream] = set()
        """Those in `_streams`, and those whose client has taken its request back while it is still answered."""
        self._settled = False
        self._finished = False
        self._draining = False

    # ── the transport's side ──────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open, and its preface has been read."""
        self._transport = cast(asyncio.Transport, transport)
        self._shared = Shared(
            self._server,
            peer_of(transport, secure=self._secure),
            self._protocol,
            self._room,
            self._patience,
            self._flush,
            self._flush_together,
            self._stand_back,
            self._ended,
        )
        self._transport.set_write_buffer_limits(high=self._server.limits.read_high)
        self._flush()
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: whoever reads a body, or waits to write one, learns of it."""
        self._finished = True
        self._lose()
        self._room.resume()
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived, behind the preface."""
        if self._finished:
            return
        try:
            arrived = self._frames.feed(data)
        except TooLong:
            self._give_up(ErrorCodes.FRAME_SIZE_ERROR)
            return
        if arrived.cost and not self._patience.spend(arrived.cost, self._loop.time()):
            self._give_up(ErrorCodes.ENHANCE_YOUR_CALM)
            return
        try:
            events = self._protocol.receive_data(arrived.frames)
        except ProtocolError as error:
            logger.info("an HTTP/2 connection is given up: %s", error)
            self._finish(unread=True)
            return
        for event in events:
            self._take(event)
        if arrived.leaving:
            self._draining = True
        self._flush()
        if self._draining and not self._streams:
            self._finish(unread=False)

    def eof_received(self) -> bool:
        """The client has sent all it will: it opens no window any more, so what it asked for could not be sent."""
        return False

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self._room.pause()

    def resume_writing(self) -> None:
        """The transport's buffer has room again."""
        self._room.resume()

    # ── the listener's side ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def busy(self) -> bool:
        """Whether a request is arriving or being answered."""
        return bool(self._running)

    def drain(self) -> None:
        """Close once what has been asked is answered; the client learns which of its requests that is."""
        if self._draining or self._finished:
            return
        self._draining = True
        self._say_goodbye(ErrorCodes.NO_ERROR)
        if not self._streams:
            self._finish(unread=False)

    def abort(self) -> None:
        """Close now."""
        self._finished = True
        self._transport.abort()

    def expire(self, now: float) -> None:
        """Close when the client has been silent for too long, and give up requests that stopped arriving."""
        limits, waited = self._server.limits, now - self._since
        if self._finished:
            unsent = self._transport.get_write_buffer_size()
            if waited > (limits.idle_timeout if unsent else limits.linger_timeout):
                self._transport.abort()
            return
        for stream in list(self._streams.values()):
            stream.expire(now)
        if not self._streams and waited > (limits.idle_timeout if self._settled else limits.header_timeout):
            self._say_goodbye(ErrorCodes.NO_ERROR)
            self._finish(unread=False)

    # ── events ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=id, headers=fields):
                self._open(id, fields)
            case DataReceived(stream_id=id, data=piece, flow_controlled_length=size):
                if id in self._streams:
                    self._streams[id].data(piece, size)
                else:
                    self._protocol.acknowledge_received_data(size, id)
            case TrailersReceived(stream_id=id, headers=fields):
                if id in self._streams:
                    self._streams[id].trailers(fields)
            case StreamEnded(stream_id=id):
                if id in self._streams:
                    self._streams[id].finish()
            case StreamReset(stream_id=id):
                if (stream := self._streams.pop(id, None)) is not None:
                    stream.lose()
            case WindowUpdated(stream_id=id) if id:
                if id in self._streams:
                    self._streams[id].answer.window_opened()
            case WindowUpdated():
                self._windows_opened()
            case RemoteSettingsChanged():
                self._settled = True
                bound_table(self._protocol)
                self._windows_opened()

    def _open(self, id: int, fields: Fields) -> None:
        if self._draining or len(self._running) >= self._server.limits.concurrent_streams:
            with contextlib.suppress(StreamClosedError):  # its client has taken it back already
                self._protocol.reset_stream(id, ErrorCodes.REFUSED_STREAM)
            return
        stream = Stream(id, fields, self._shared)
        self._streams[id] = stream
        self._running.add(stream)

    def _ended(self, stream: Stream) -> None:
        """A request is answered: its stream is over where it does not linger, and so is the connection at the last."""
        self._since = self._loop.time()
        self._running.discard(stream)
        if not stream.lingers:
            self._streams.pop(stream.id, None)
        if self._draining and not self._streams and not self._finished:
            self._finish(unread=False)

    def _stand_back(self, id: int) -> None:
        """The others come first when the window that all share opens: this one has just used it up."""
        if id in self._streams:
            self._streams[id] = self._streams.pop(id)

    def _windows_opened(self) -> None:
        for stream in self._streams.values():
            stream.answer.window_opened()

    # ── output and end ────────────────────────────────────────────────────────────────────────────────────────────

    def _flush(self) -> None:
        """Send what the library has ready."""
        if (ready := self._protocol.data_to_send()) and not self._transport.is_closing():
            self._transport.write(ready)

    def _flush_together(self) -> None:
        """Send it with what other answers add in this turn of the loop."""
        self._server.outgoing.leave(self._leave)

    def _leave(self) -> None:
        """Send it beside others' answers: what fails cuts this connection, and keeps none of them."""
        try:
            self._flush()
        except Exception:
            logger.exception("an answer could not be written")
            self.abort()

    def _say_goodbye(self, code: ErrorCodes) -> None:
        """Tell the client that no further request is taken."""
        self._flush()
        if not self._transport.is_closing():
            self._transport.write(goodbye(self._protocol, code))

    def _give_up(self, code: ErrorCodes) -> None:
        """Tell the client what it did wrong, and close."""
        logger.info("an HTTP/2 connection is given up: %s", code.name)
        self._say_goodbye(code)
        self._finish(unread=True)

    def _finish(self, *, unread: bool) -> None:
        """Close behind what is sent; what a client still sends is thrown away meanwhile, lest it is reset too soon."""
        self._flush()
        self._finished = True
        self._since = self._loop.time()
        self._lose()
        if unread and self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _lose(self) -> None:
        for stream in list(self._streams.values()):
            stream.lose()
        self._streams.clear()
