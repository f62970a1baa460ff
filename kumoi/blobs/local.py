"""Blobs as files: `ab/cd/<id>`, written to a temporary name, hashed on the way, and renamed when whole.

Pieces past 64 KB are hashed and written in a thread, so that the event loop never waits for the disk.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from kumoi.blobs.hashing import Hashes
from kumoi.blobs.interface import Blob, NoSuchBlob
from kumoi.names import hex_id

PIECE = 262_144
INLINE = 65_536

_ID = re.compile(r"[0-9a-f]{32}")


class LocalBlobs:
    """Blobs in a directory. `durability` full has them on disk before `put` returns."""

    def __init__(self, root: Path, durability: Literal["normal", "full"] = "normal") -> None:
        self._root = root
        self._sync = durability == "full"
        self._temporary = root / "tmp"
        self._temporary.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def put(self, content: bytes | AsyncIterator[bytes], *, hashes: Sequence[str] = ("md5",)) -> Blob:
        """Store content under a new id."""
        blob_id = hex_id(32)
        staging = self._temporary / blob_id
        digests = Hashes(hashes)
        try:
            with staging.open("xb", buffering=0) as out:
                size = 0
                async for piece in _pieces(content):
                    size += len(piece)
                    if len(piece) > INLINE:
                        await asyncio.to_thread(_take, out, digests, piece)
                    else:
                        _take(out, digests, piece)
                if self._sync:
                    await asyncio.to_thread(os.fsync, out.fileno())
            await asyncio.to_thread(self._settle, staging, self._file(blob_id))
        except BaseException:
            staging.unlink(missing_ok=True)
            raise
        return Blob(blob_id, size, digests.digests())

    async def stream(self, blob_id: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of a blob piece by piece."""
        with self._open(blob_id) as source:
            left = length
            at = offset
            while left is None or left > 0:
                wanted = PIECE if left is None else min(PIECE, left)
                piece = await asyncio.to_thread(os.pread, source.fileno(), wanted, at)
                if not piece:
                    return
                at += len(piece)
                left = None if left is None else left - len(piece)
                yield piece

    async def read(self, blob_id: str, offset: int = 0, length: int | None = None) -> bytes:
        """The bytes of a blob at once."""
        return b"".join([piece async for piece in self.stream(blob_id, offset, length)])

    def path(self, blob_id: str) -> Path | None:
        """The file a blob lies in."""
        return self._file(blob_id)

    async def delete(self, *blob_ids: str) -> None:
        """Remove blobs."""
        for blob_id in blob_ids:
            self._file(blob_id).unlink(missing_ok=True)

    async def sweep(self, keep: Callable[[str], Awaitable[bool]], older_than: float) -> int:
        """Remove blobs that nothing refers to, and uploads that were never finished."""
        found = await asyncio.to_thread(self._older, older_than)
        removed = 0
        for path in found:
            if path.parent == self._temporary or not await keep(path.name):
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _older(self, older_than: float) -> list[Path]:
        files = [path for path in self._root.rglob("*") if path.is_file() and _ID.fullmatch(path.name)]
        return [path for path in files if path.stat().st_mtime < min(older_than, time.time())]

    def _open(self, blob_id: str) -> BinaryIO:
        try:
            return self._file(blob_id).open("rb", buffering=0)
        except FileNotFoundError:
            raise NoSuchBlob(blob_id) from None

    def _file(self, blob_id: str) -> Path:
        if _ID.fullmatch(blob_id) is None:
            raise NoSuchBlob(blob_id)
        return self._root / blob_id[:2] / blob_id[2:4] / blob_id

    def _settle(self, staging: Path, final: Path) -> None:
        final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        staging.replace(final)
        if self._sync:
            for folder in (final.parent, final.parent.parent, self._root):
                descriptor = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)


async def _pieces(content: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for piece in content:
        yield piece


def _take(out: BinaryIO, digests: Hashes, piece: bytes) -> None:
    digests.update(piece)
    view = memoryview(piece)
    while view:
        view = view[out.write(view) :]
