"""A WebSocket that is passed on: a handshake with a server, then messages both ways until one side ends it.

For whoever stands between a client and a server: load balancers, distributions.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from kumoi.wire.http import HeaderList, Response
from kumoi.wire.websocket import MAX_MESSAGE, Upgrade, WebSocketClosed, WebSocketPeer

_READ = 65_536
_MAX_REFUSAL = 1_048_576
_ABNORMAL = 1006
_TOO_BIG = 1009
_UNSENDABLE = (1005, 1006, 1015)


class Unreachable(Exception):
    """The server gave no answer to the handshake; `timeout` when it took too long."""

    def __init__(self, reason: str, *, timeout: bool = False) -> None:
        super().__init__(reason)
        self.timeout = timeout


async def connect(
    host: str, port: int | None, handshake: Request, *, seconds: float, tls: ssl.SSLContext | None = None
) -> Response:
    """Pass a handshake on; the answer accepts it where the server does. Raises Unreachable."""
    opened = None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
            opened = writer
            socket = TargetSocket(reader, writer)
            said = await socket.shake(handshake)
    except (OSError, TimeoutError, ProtocolError) as error:
        if opened is not None:
            opened.close()
        reason = str(error) or type(error).__name__
        raise Unreachable(reason, timeout=isinstance(error, TimeoutError)) from None
    if isinstance(said, Response):
        opened.close()
        return said

    async def serve(peer: WebSocketPeer) -> None:
        await _relay(socket, peer)

    headers: HeaderList = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in said.extra_headers]
    return Response(101, headers, upgrade=Upgrade(serve, said.subprotocol))


def handshake(host: str, target: str, headers: HeaderList, offered: str | None) -> Request:
    """A handshake for `target` (path and query); `offered` is what the client's Sec-WebSocket-Protocol says."""
    extra = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in headers
        if not name.lower().startswith("sec-websocket-") and name.lower() not in ("host", "upgrade", "connection")
    ]
    subprotocols = [one.strip() for one in (offered or "").split(",") if one.strip()]
    return Request(host=host, target=target, subprotocols=subprotocols, extra_headers=extra)


class TargetSocket:
    """The target's end of a WebSocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._closed: WebSocketClosed | None = None

    async def shake(self, request: Request) -> AcceptConnection | Response:
        """Ask for the WebSocket: the target's yes, or the answer that it refuses with."""
        self._write(request)
        refusal: Response | None = None
        async for event in self._events():
            if isinstance(event, AcceptConnection):
                return event
            if isinstance(event, RejectConnection):
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
                refusal = Response(event.status_code, headers)
                if not event.has_body:
                    return refusal
            elif isinstance(event, RejectData) and refusal is not None:
                refusal.body = bytes(refusal.body if isinstance(refusal.body, bytes) else b"") + bytes(event.data)
                if event.body_finished or len(refusal.body) > _MAX_REFUSAL:
                    return refusal
        raise OSError("the target closed the connection within the handshake")

    async def relay(self, peer: WebSocketPeer) -> None:
        """Pass on what the target sends until it ends, or sends a message larger than clients may."""
        parts: list[str | bytes] = []
        size = 0
        async for event in self._events():
            if isinstance(event, TextMessage | BytesMessage):
                parts.append(event.data if isinstance(event, TextMessage) else bytes(event.data))
                size += len(parts[-1])
                if size > MAX_MESSAGE:
                    await peer.close(_TOO_BIG)
                    return
                if event.message_finished:
                    await peer.send(type(parts[0])().join(parts))  # type: ignore[arg-type]
                    parts, size = [], 0
            elif isinstance(event, Ping):
                self._write(event.response())
            elif isinstance(event, CloseConnection):
                with contextlib.suppress(ProtocolError):
                    self._write(event.response())
                await peer.close(1000 if event.code in _UNSENDABLE else event.code, event.reason or "")
                return
        await peer.close(1011)

    async def send(self, message: str | bytes) -> None:
        """Pass a message on to the target."""
        self._write(TextMessage(message) if isinstance(message, str) else BytesMessage(message))
        await self._writer.drain()

    def close(self, code: int, reason: str) -> None:
        """Tell the target that the client is gone."""
        if code != _ABNORMAL:
            with contextlib.suppress(ProtocolError):
                self._write(CloseConnection(code=1000 if code in _UNSENDABLE else code, reason=reason))
        self._writer.close()

    def _write(self, event: Event) -> None:
        self._writer.write(self._protocol.send(event))

    async def _events(self) -> AsyncGenerator[Event, None]:
        while True:
            for event in self._protocol.events():
                yield event
            data = await self._reader.read(_READ)
            if not data:
                return
            self._protocol.receive_data(data)


async def _relay(socket: TargetSocket, peer: WebSocketPeer) -> None:
    answers = asyncio.create_task(_suppressed(socket, peer))
    code, reason = _ABNORMAL, ""
    try:
        while True:
            await socket.send(await peer.receive())
    except WebSocketClosed as closed:
        code, reason = closed.code, closed.reason
    except (OSError, ProtocolError):
        await peer.close(1011)
    finally:
        answers.cancel()
        await asyncio.gather(answers, return_exceptions=True)
        socket.close(code, reason)


async def _suppressed(socket: TargetSocket, peer: WebSocketPeer) -> None:
    try:
        await socket.relay(peer)
    except (OSError, ProtocolError):
        await peer.close(1011)
