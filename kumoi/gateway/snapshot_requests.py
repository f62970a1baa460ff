"""`/_kumoi/snapshot`: GET answers a snapshot of the platform as an archive, POST runs the platform on one.

Both are streams: an archive is never in memory as a whole, and never a path of the platform's machine that a client
names.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from kumoi.snapshots import Manifest, pack, packed_size, unpack
from kumoi.wire.http import Request, Response

Save = Callable[[], Awaitable[tuple[Path, Manifest]]]


class Load(Protocol):
    """Has the platform run on what `unpack` puts into a directory."""

    def __call__(self, unpack: Callable[[Path], Manifest], *, at_saved_time: bool) -> Awaitable[Manifest]:
        """Returns once it does."""


class SnapshotRequests:
    """Answers the requests, by what the platform can do."""

    def __init__(self, save: Save, load: Load) -> None:
        self._save = save
        self._load = load

    async def save(self) -> Response:
        """The archive; what was staged for it goes once it is sent, or nobody is there to take it."""
        staged, manifest = await self._save()
        loop = asyncio.get_running_loop()

        def remove() -> None:
            loop.run_in_executor(None, partial(shutil.rmtree, staged, ignore_errors=True))

        try:
            size = await asyncio.to_thread(packed_size, staged, manifest)
        except BaseException:
            remove()
            raise
        headers = [("Content-Type", "application/x-tar"), ("Content-Length", str(size))]
        return Response(200, headers, pack(staged, manifest), on_sent=remove)

    async def load(self, request: Request, *, at_saved_time: bool) -> Manifest:
        """Take the archive in and run on it."""
        source = _Reader(request.body.stream(), asyncio.get_running_loop())
        return await self._load(lambda target: unpack(source, target), at_saved_time=at_saved_time)


class _Reader:
    """A body as a file that a thread reads."""

    def __init__(self, pieces: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._pieces = pieces
        self._loop = loop
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer at the end alone."""
        found = [self._rest]
        length = len(self._rest)
        while length < size and (piece := asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()):
            found.append(piece)
            length += len(piece)
        whole = b"".join(found)
        self._rest = whole[size:]
        return whole[:size]

    async def _next(self) -> bytes:
        async for piece in self._pieces:
            return piece
        return b""
