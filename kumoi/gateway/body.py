"""A request body that arrives while it is read; a slow reader slows the sender down."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from kumoi.wire.http import BodyTooLarge, HeaderList


class ClientDisconnected(ConnectionError):
    """The client went away before its request was complete."""


class StreamingBody:
    """Pieces in, pieces out. `resume` asks the transport for more, `first_read` runs before the first wait.

    Implements `kumoi.wire.http.Body`.
    """

    def __init__(self, low: int, resume: Callable[[], None], first_read: Callable[[], None]) -> None:
        self.trailers: HeaderList = []
        self.buffered = 0
        self._pieces: deque[bytes] = deque()
        self._low = low
        self._resume = resume
        self._first_read: Callable[[], None] | None = first_read
        self._waiter: asyncio.Future[None] | None = None
        self._complete = False
        self._lost = False

    @property
    def complete(self) -> bool:
        """Whether the whole body has arrived."""
        return self._complete

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body; raises BodyTooLarge past `limit` bytes, ClientDisconnected when it never comes."""
        pieces: list[bytes] = []
        size = 0
        async for piece in self.stream():
            size += len(piece)
            if limit is not None and size > limit:
                raise BodyTooLarge(limit)
            pieces.append(piece)
        return b"".join(pieces)

    async def stream(self) -> AsyncIterator[bytes]:
        """The body piece by piece, as it arrives."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self.buffered -= len(piece)
                if self.buffered < self._low:
                    self._resume()
                yield piece
            if self._complete:
                return
            if self._lost:
                raise ClientDisconnected("the client went away before its request was complete")
            if self._first_read is not None:
                self._first_read()
                self._first_read = None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def feed(self, piece: bytes) -> None:
        """A piece has arrived."""
        self._pieces.append(piece)
        self.buffered += len(piece)
        self._wake()

    def finish(self) -> None:
        """The body is complete."""
        self._complete = True
        self._wake()

    def lose(self) -> None:
        """The client is gone."""
        self._lost = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
