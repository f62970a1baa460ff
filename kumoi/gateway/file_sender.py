"""A file on its way to a socket, past Python: the kernel sends what it holds of it in memory (sendfile).

What it does not hold is read in a thread and written like any piece, so that the event loop never waits for the disk.
Where the socket takes no more, a small piece goes through the transport, which tells when there is room again.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Self

from kumoi.blobs.cached import is_cached
from kumoi.wire.http import FileBody

AT_ONCE = 524_288
"""Bytes that are sent before others have their turn."""
SMALL = 65_536
"""Bytes that go through the transport where the socket is full."""
_MORE = getattr(socket, "MSG_MORE", 0)


class FileSender:
    """One file body. Whoever sends waits before each `send` until the transport holds nothing back."""

    def __init__(self, transport: asyncio.Transport, connection: socket.socket, body: FileBody) -> None:
        self.left = body.length
        self._at = body.offset
        self._path = body.path
        self._transport = transport
        self._socket = connection

    def __enter__(self) -> Self:
        self._source = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._source)

    def begin(self, head: bytes) -> None:
        """Send what stands before the body, and have the transport tell from now on when it holds anything back."""
        sent = 0
        if not self._transport.get_write_buffer_size() and not self._transport.is_closing():
            try:
                sent = self._socket.send(head, _MORE)
            except BlockingIOError:
                sent = 0
        if sent < len(head):
            self._transport.write(head[sent:])
        self._transport.set_write_buffer_limits(high=0)

    async def send(self) -> None:
        """Send some more. ConnectionError when the client is gone, OSError for a file that is too short."""
        wanted = min(self.left, AT_ONCE)
        if not is_cached(self._source, self._at, wanted):
            self._write(await asyncio.to_thread(os.pread, self._source, wanted, self._at))
            return
        try:
            sent = os.sendfile(self._socket.fileno(), self._source, self._at, wanted)
        except BlockingIOError:
            self._write(os.pread(self._source, min(wanted, SMALL), self._at))
            return
        self._sent(sent)
        if self.left:
            await asyncio.sleep(0)

    def _write(self, piece: bytes) -> None:
        self._sent(len(piece))
        self._transport.write(piece)

    def _sent(self, size: int) -> None:
        if not size:
            raise OSError(f"{self._path} is shorter than was promised")
        self._at += size
        self.left -= size
