"""A response between the function that writes it and the client that reads it; holds little."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

_PIECES = 16


class ResponseStream:
    """A `ResponseSink` whose pieces are read as they come. A reader who leaves lets the function go on unheard."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(_PIECES)
        self._abandoned = False
        self.begun: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def begin(self, content_type: str) -> None:
        """The response begins."""
        if not self.begun.done():
            self.begun.set_result(content_type)

    async def write(self, piece: bytes) -> None:
        """The next bytes; waits while the reader is behind."""
        if not self._abandoned:
            await self._pieces.put(piece)

    def abandon(self) -> None:
        """Nobody reads any more."""
        self._abandoned = True
        while not self._pieces.empty():
            self._pieces.get_nowait()

    async def content_type(self, writer: asyncio.Future[Any]) -> str | None:
        """Wait for the response to begin: its media type. None when `writer` has ended without a streamed response."""
        waiting: set[asyncio.Future[Any]] = {writer, self.begun}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        return self.begun.result() if self.begun.done() else None

    async def pieces(self, writer: asyncio.Future[Any]) -> AsyncIterator[bytes]:
        """Everything until `writer` is done; what went wrong there is for its owner to see."""
        try:
            while True:
                if self._pieces.empty():
                    reading = asyncio.ensure_future(self._pieces.get())
                    waiting: set[asyncio.Future[Any]] = {reading, writer}
                    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    if not reading.done():
                        reading.cancel()
                        if self._pieces.empty():
                            return
                        continue
                    yield reading.result()
                else:
                    yield self._pieces.get_nowait()
        finally:
            self.abandon()
