"""One HTTP/2 connection: frames to streams and back, each stream a request that is answered beside the others.

The framing, the compression of header fields and the accounts of the windows are the library's (h2). Here is what it
leaves to a server: who may do how much, when a connection ends, and that whoever is served slowly is held up alone.
Rules: RFC 9113. WebSockets over HTTP/2 (RFC 8441) and pushes are not offered; clients have HTTP/1.1 for the first.

A stream's window opens as its body is read; the connection's is as wide as those of all its streams, so that no body
that nobody reads stands in another's way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
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
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from kumoi.gateway.http2_frames import PREFACE, FrameReader, Patience, TooLong
from kumoi.gateway.http2_heads import Fields
from kumoi.gateway.http2_stream import Shared, Stream
from kumoi.gateway.output import Room
from kumoi.gateway.peer import peer_of
from kumoi.gateway.server import Server

logger = logging.getLogger(__name__)

_TABLE = 4096
"""Bytes of header fields that are remembered for a client at most; it may ask for more, which costs us to search."""
_FIELDS = 4
"""Times as many bytes of header fields as are allowed that are still read, so that they can be refused by an answer."""
_WINDOW = 65_535
"""What a connection's window begins with."""


class Http2Connection(asyncio.Protocol):
    """The protocol of one connection from its preface on; `secure` is whether TLS lies below it."""

    def __init__(self, server: Server, accepted: socket.socket, *, secure: bool) -> None:
        limits = server.limits
        self.socket = accepted
        self._server = server
        self._secure = secure
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._protocol = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self._protocol.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: limits.concurrent_streams,
                SettingCodes.INITIAL_WINDOW_SIZE: limits.read_high,
                SettingCodes.MAX_HEADER_LIST_SIZE: limits.header_block,
            },
        )
        self._protocol.decoder.max_header_list_size = _FIELDS * limits.header_block
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
        """The connection is open, and its preface is about to come."""
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
        limits = self._server.limits
        self._transport.set_write_buffer_limits(high=limits.read_high)
        self._protocol.initiate_connection()
        if (wider := limits.concurrent_streams * limits.read_high - _WINDOW) > 0:
            self._protocol.increment_flow_control_window(wider)
        self._protocol.receive_data(PREFACE)
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
                if self._protocol.encoder.header_table_size > _TABLE:
                    self._protocol.encoder.header_table_size = _TABLE
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
        """A stream is over, and so is the connection where it was the last one."""
        self._since = self._loop.time()
        self._running.discard(stream)
        if self._streams.get(stream.id) is stream:
            del self._streams[stream.id]
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
        """Tell the client that no further request is taken; to tell the library as well would end those under way."""
        self._flush()
        last = self._protocol.highest_inbound_stream_id
        if not self._transport.is_closing():
            self._transport.write(GoAwayFrame(0, last_stream_id=last, error_code=code).serialize())

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
