"""The server's end of a WebSocket (RFC 6455), framed by wsproto: a handshake to accept or reject, then messages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    TextMessage,
)
from wsproto.events import Request as Handshake
from wsproto.utilities import ProtocolError

from kumoi.wire.http import HeaderList, Request
from kumoi.wire.websocket import MAX_MESSAGE, Upgrade, WebSocketClosed

__all__ = ["BadHandshake", "WebSocket", "WebSocketClosed"]

_GOING_AWAY = 1001
_NO_CLOSE_FRAME = 1006
_TOO_BIG = 1009
_EACH = 128
"""Bytes that a message takes beside its content."""
_MOST_UNREAD = 1_048_576
"""Bytes that a client may leave unread before its pings are no longer answered."""


class BadHandshake(Exception):
    """The request asks for a WebSocket, but not as RFC 6455 §4.1 says."""


def _handshake_fields(request: Request) -> list[tuple[bytes, bytes]]:
    """What wsproto must see of a request. Where it goes (Host, path) is the handler's business, and any bytes there."""
    fields = [(b"Host", b"localhost")]
    for name, value in request.headers.items:
        if name.lower() in ("connection", "upgrade") or name.lower().startswith("sec-websocket-"):
            if not (value.isascii() and value.isprintable()):
                raise BadHandshake(f"{name} is not plain text")
            fields.append((name.encode("ascii"), value.encode("ascii")))
    return fields


class Wire(Protocol):
    """What a WebSocket needs of its transport."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def close(self) -> None:
        """Close once everything is sent."""

    def abort(self) -> None:
        """Close at once, whatever waits to be sent."""

    def get_write_buffer_size(self) -> int:
        """The bytes that wait to be sent."""


class WebSocket:
    """One WebSocket. `drained` waits until the client has taken enough; `taken` is called as messages are received.

    Several tasks may send at once; one may receive. Raises BadHandshake.
    """

    _protocol: WSConnection | Connection

    def __init__(
        self, request: Request, wire: Wire, *, drained: Callable[[], Awaitable[None]], taken: Callable[[], None]
    ) -> None:
        self._wire = wire
        self._drained = drained
        self._taken = taken
        handshaking = self._protocol = WSConnection(ConnectionType.SERVER)
        try:
            handshaking.initiate_upgrade_connection(_handshake_fields(request), "/")
        except ProtocolError as error:
            raise BadHandshake(str(error)) from error
        handshake = next(event for event in self._protocol.events() if isinstance(event, Handshake))
        self.subprotocols: list[str] = list(handshake.subprotocols)
        self.buffered = 0
        self.accepted = False
        self._early = b""
        self._messages: deque[str | bytes] = deque()
        self._parts: list[Any] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._close_code: int | None = None
        self._close_reason = ""
        self._stopping = False
        self._largest_message = MAX_MESSAGE
        self._largest_frame: int | None = None
        self._frame = 0
        self._on_ping: Callable[[], None] | None = None

    @property
    def closed(self) -> bool:
        """Whether no message can be sent any more."""
        return self._close_code is not None

    async def upgrade(self, upgrade: Upgrade, headers: HeaderList) -> None:
        """Complete the handshake as a data plane says."""
        self._largest_message, self._largest_frame = upgrade.largest_message, upgrade.largest_frame
        self._on_ping = upgrade.on_ping
        await self.accept(upgrade.subprotocol, headers)

    async def accept(self, subprotocol: str | None = None, headers: HeaderList | None = None) -> None:
        """Complete the handshake, with one of `subprotocols` or none."""
        if self.closed:
            raise WebSocketClosed(self._close_code or _NO_CLOSE_FRAME)
        extra = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers or []]
        self._send(AcceptConnection(subprotocol=subprotocol, extra_headers=extra))
        # What is kept of the handshake is half of what an open WebSocket takes.
        self._protocol = Connection(ConnectionType.SERVER)
        self.accepted = True
        self.buffered = 0
        early, self._early = self._early, b""
        if early:
            self.data_received(early)

    async def reject(self, status: int = 403) -> None:
        """Refuse the handshake with an HTTP status."""
        if not self.closed:
            self._send(RejectConnection(status_code=status, headers=[(b"content-length", b"0")]))
            self._end(_NO_CLOSE_FRAME)

    async def receive(self) -> str | bytes:
        """The next message; WebSocketClosed when there will be none."""
        while not self._messages:
            if self._close_code is not None:
                raise WebSocketClosed(self._close_code, self._close_reason, stopping=self._stopping)
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        message = self._messages.popleft()
        self.buffered -= len(message) + _EACH
        self._taken()
        return message

    async def send(self, message: str | bytes) -> None:
        """Send a message, no faster than the client takes them; WebSocketClosed when nobody is there to get it."""
        if self._close_code is not None:
            raise WebSocketClosed(self._close_code)
        self._send(TextMessage(message) if isinstance(message, str) else BytesMessage(message))
        await self._drained()

    def post(self, message: str) -> int:
        """Send a message without waiting; answers how many bytes the client has yet to take. Raises as send."""
        if self._close_code is not None:
            raise WebSocketClosed(self._close_code)
        self._send(TextMessage(message))
        return self._wire.get_write_buffer_size()

    def abort(self) -> None:
        """End the connection at once, without a word."""
        self._wire.abort()
        self._end(_NO_CLOSE_FRAME)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye; nothing when the connection is closed already."""
        if self.accepted and not self.closed:
            self._send(CloseConnection(code=code, reason=reason))
        self._end(code, reason)

    def go_away(self) -> None:
        """The server stops: say so."""
        self._stopping = not self.closed
        if self.accepted and not self.closed:
            self._send(CloseConnection(code=_GOING_AWAY))
        self._end(_GOING_AWAY)

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived behind the handshake."""
        if not self.accepted:
            if self.closed:
                return
            self._early += data
            self.buffered = len(self._early)
            return
        self._protocol.receive_data(data)
        for event in self._protocol.events():
            if isinstance(event, CloseConnection):
                if not self.closed:
                    self._send(event.response())
                self._end(event.code, event.reason or "")
                self._wire.close()
            elif self.closed:
                continue
            elif isinstance(event, TextMessage | BytesMessage):
                self._take(event)
            elif isinstance(event, Ping):
                if self._wire.get_write_buffer_size() < _MOST_UNREAD:
                    self._send(event.response())
                if self._on_ping is not None:
                    self._on_ping()

    def connection_lost(self) -> None:
        """The connection is gone."""
        self._end(_NO_CLOSE_FRAME)

    def _take(self, event: TextMessage | BytesMessage) -> None:
        data: str | bytes = event.data if isinstance(event, TextMessage) else bytes(event.data)
        size = len(data.encode()) if isinstance(data, str) and not data.isascii() else len(data)
        if data or not self._parts:
            self._parts.append(data)
        self._size += size
        self._frame += size
        if self._size > self._largest_message or (
            self._largest_frame is not None and self._frame > self._largest_frame
        ):
            self._send(CloseConnection(code=_TOO_BIG))
            self._end(_TOO_BIG)
        elif event.message_finished:
            whole: str | bytes = type(self._parts[0])().join(self._parts)
            self._messages.append(whole)
            self.buffered += len(whole) + _EACH
            self._parts, self._size = [], 0
            self._wake()
        if event.frame_finished:
            self._frame = 0

    def _send(self, event: Event) -> None:
        self._wire.write(self._protocol.send(event))

    def _end(self, code: int, reason: str = "") -> None:
        if self._close_code is None:
            self._close_code, self._close_reason = code, reason
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
