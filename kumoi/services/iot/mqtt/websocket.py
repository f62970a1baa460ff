"""MQTT over a WebSocket, `/mqtt`: its messages are pieces of the stream of packets, wherever they are cut."""

from __future__ import annotations

import asyncio
import contextlib

from kumoi.services.iot.mqtt.connection import Connection
from kumoi.wire.websocket import WebSocketClosed, WebSocketPeer

SUBPROTOCOL = "mqtt"


class WebSocketTransport(asyncio.Transport):
    """What a connection writes to: pieces wait until the client takes them."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._size = 0
        self._closing = False
        self._reading = asyncio.Event()
        self._reading.set()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Have bytes sent."""
        if not self._closing:
            self._size += len(data)
            self._pieces.put_nowait(bytes(data))

    def close(self) -> None:
        """Close once everything is sent."""
        if not self._closing:
            self._closing = True
            self._pieces.put_nowait(None)

    def is_closing(self) -> bool:
        """Whether nothing more is sent."""
        return self._closing

    def get_write_buffer_size(self) -> int:
        """Bytes that wait."""
        return self._size

    def pause_reading(self) -> None:
        """Take no more messages for now."""
        self._reading.clear()

    def resume_reading(self) -> None:
        """Take messages again."""
        self._reading.set()

    async def readable(self) -> None:
        """Return once messages are to be taken."""
        await self._reading.wait()

    async def send_all(self, peer: WebSocketPeer) -> None:
        """Send what is written until it is closed."""
        while (piece := await self._pieces.get()) is not None:
            await peer.send(piece)
            self._size -= len(piece)
        await peer.close()


async def serve(connection: Connection, peer: WebSocketPeer) -> None:
    """Let a connection speak over a WebSocket until either ends it."""
    transport = WebSocketTransport()
    connection.connection_made(transport)

    async def receive() -> None:
        while True:
            await transport.readable()
            message = await peer.receive()
            connection.data_received(message.encode() if isinstance(message, str) else message)

    tasks = [asyncio.create_task(transport.send_all(peer)), asyncio.create_task(receive())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(WebSocketClosed, asyncio.CancelledError):
                await task
        connection.connection_lost(None)
        await connection.ended()
