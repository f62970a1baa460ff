"""A request body that arrives while it is read; a slow reader slows the sender down."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from kumoi.wire.http import BodyTooLarge, ClientDisconnected, HeaderList

_SMALL = 1024
"""Bytes of a piece that is joined with another such one that waits: a piece takes as much memory as 50 of its bytes."""


class StreamingBody:
    """Pieces in, pieces out. `taken` is called after each piece that a reader took, `wanted` before the first wait.

    Implements `kumoi.wire.http.Body`.
    """

    def __init__(self, trailers: HeaderList, *, taken: Callable[[], None], wanted: Callable[[], None]) -> None:
        self.trailers = trailers
        self.buffered = 0
        self.complete = False
        self.lost = False
        self._pieces: deque[bytes] = deque()
        self._taken = taken
        self._wanted: Callable[[], None] | None = wanted
        self._waiter: asyncio.Future[None] | None = None

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
                self._taken()
                yield piece
            if self.complete:
                return
            if self.lost:
                raise ClientDisconnected("the rest of the request's body did not arrive")
            if self._wanted is not None:
                self._wanted()
                self._wanted = None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def feed(self, piece: bytes) -> None:
        """A piece has arrived."""
        size = len(piece)
        if size < _SMALL and self._pieces and len(self._pieces[-1]) < _SMALL:
            self._pieces[-1] += piece
        else:
            self._pieces.append(piece)
        self.buffered += size
        self._wake()

    def finish(self) -> None:
        """The body is complete."""
        self.complete = True
        self._wake()

    def lose(self) -> None:
        """There will be no more; nothing when the body is complete."""
        self.lost = not self.complete
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
