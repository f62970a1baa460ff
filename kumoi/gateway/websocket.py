"""The server's end of a WebSocket (RFC 6455), framed by wsproto."""

from __future__ import annotations

import asyncio
from collections import deque

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    TextMessage,
)
from wsproto.events import (
    Request as HandshakeRequest,
)
from wsproto.utilities import ProtocolError

from kumoi.wire.http import Request

MAX_MESSAGE = 1_048_576
"""Bytes of one message; larger ones end the connection with 1009."""


class WebSocketClosed(ConnectionError):
    """The other end is gone; `code` is its close code (1006 without one)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the WebSocket was closed with {code}")
        self.code = code


class WebSocket:
    """One WebSocket: accept or reject it, then send and receive text or bytes."""

    def __init__(self, transport: asyncio.Transport, request: Request) -> None:
        self._transport = transport
        self._connection = WSConnection(ConnectionType.SERVER)
        target = request.path + (f"?{request.query}" if request.query else "")
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items]
        self._connection.initiate_upgrade_connection(headers, target)
        self.subprotocols: list[str] = []
        for event in self._connection.events():
            if isinstance(event, HandshakeRequest):
                self.subprotocols = list(event.subprotocols)
        self._messages: deque[str | bytes] = deque()
        self._partial: list[str | bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._open = False
        self._close_code: int | None = None

    def accept(self, subprotocol: str | None = None, headers: list[tuple[str, str]] | None = None) -> None:
        """Complete the handshake."""
        extra = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers or []]
        self._transport.write(self._connection.send(AcceptConnection(subprotocol=subprotocol, extra_headers=extra)))
        self._open = True

    def reject(self, status: int = 403) -> None:
        """Refuse the handshake."""
        self._transport.write(self._connection.send(RejectConnection(status_code=status)))

    async def receive(self) -> str | bytes:
        """The next message; WebSocketClosed when there will be none."""
        while not self._messages:
            if self._close_code is not None:
                raise WebSocketClosed(self._close_code)
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._messages.popleft()

    async def send(self, message: str | bytes) -> None:
        """Send a message; WebSocketClosed when nobody is there to get it."""
        if self._close_code is not None or self._transport.is_closing():
            raise WebSocketClosed(self._close_code or 1006)
        event = TextMessage(message) if isinstance(message, str) else BytesMessage(message)
        self._transport.write(self._connection.send(event))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye; nothing when the connection is closed already."""
        if self._open and self._close_code is None and not self._transport.is_closing():
            self._transport.write(self._connection.send(CloseConnection(code=code, reason=reason)))
        self._ended(code)

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived after the handshake."""
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                if isinstance(event, TextMessage | BytesMessage):
                    self._take(event)
                elif isinstance(event, Ping):
                    self._transport.write(self._connection.send(event.response()))
                elif isinstance(event, CloseConnection):
                    if self._close_code is None:
                        self._transport.write(self._connection.send(event.response()))
                    self._ended(event.code)
        except ProtocolError:
            self._ended(1002)
            self._transport.close()

    def connection_lost(self) -> None:
        """The connection is gone."""
        self._ended(1006)

    def _take(self, event: TextMessage | BytesMessage) -> None:
        self._partial.append(bytes(event.data) if isinstance(event, BytesMessage) else event.data)
        self._size += len(event.data)
        if self._size > MAX_MESSAGE:
            self._transport.write(self._connection.send(CloseConnection(code=1009)))
            self._ended(1009)
            return
        if event.message_finished:
            first = self._partial[0]
            whole = "".join(map(str, self._partial)) if isinstance(first, str) else b"".join(self._partial)  # type: ignore[arg-type]
            self._messages.append(whole)
            self._partial, self._size = [], 0
            self._wake()

    def _ended(self, code: int) -> None:
        if self._close_code is None:
            self._close_code = code
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
