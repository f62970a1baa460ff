"""Blobs in memory, for a platform that keeps nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from kumoi.blobs.copying import MemoryPin, read_blobs
from kumoi.blobs.hashing import Hashes
from kumoi.blobs.interface import Blob, InUse, NoSuchBlob
from kumoi.names import hex_id

PIECE = 262_144
INLINE = 65_536


class MemoryBlobs:
    """Blobs in a dictionary, each with the machine's time at which it was stored. `contents` are copied ones."""

    def __init__(self, contents: Path | None = None) -> None:
        self._blobs: dict[str, tuple[bytes, float]] = {}
        self._sections: dict[str, MemoryBlobs] = {}
        if contents is not None:
            read_blobs(contents, self._take)

    async def put(self, content: bytes | AsyncIterator[bytes], *, hashes: Sequence[str] = ("md5",)) -> Blob:
        """Store content under a new id."""
        whole = content if isinstance(content, bytes) else b"".join([piece async for piece in content])
        digests = Hashes(hashes)
        if len(whole) > INLINE:
            await asyncio.to_thread(digests.update, whole)
        else:
            digests.update(whole)
        blob_id = hex_id(32)
        self._blobs[blob_id] = whole, time.time()
        return Blob(blob_id, len(whole), digests.digests())

    async def stream(self, blob_id: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of a blob piece by piece."""
        whole = self._find(blob_id)
        end = len(whole) if length is None else min(len(whole), offset + length)
        for at in range(offset, end, PIECE):
            yield whole[at : min(at + PIECE, end)]

    async def read(self, blob_id: str, offset: int = 0, length: int | None = None) -> bytes:
        """The bytes of a blob at once."""
        whole = self._find(blob_id)
        return whole[offset:] if length is None else whole[offset : offset + length]

    def path(self, blob_id: str) -> Path | None:
        """None: nothing lies in files here."""
        return None

    async def delete(self, *blob_ids: str) -> None:
        """Remove blobs."""
        for blob_id in blob_ids:
            self._blobs.pop(blob_id, None)

    async def sweep(self, in_use: InUse, older_than: float) -> int:
        """Remove blobs that nothing refers to."""
        older = [blob_id for blob_id, (_, stored) in self._blobs.items() if stored < older_than]
        used = await in_use(older) if older else ()
        unused = [blob_id for blob_id in older if blob_id not in used]
        await self.delete(*unused)
        return len(unused)

    def section(self, name: str) -> MemoryBlobs:
        """A store of its own."""
        return self._sections.setdefault(name, MemoryBlobs())

    def pin(self) -> MemoryPin:
        """Every blob as of now, those of sections too, to be copied."""
        return MemoryPin(dict(self._places("")))

    def _places(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        for blob_id, (content, _) in self._blobs.items():
            yield f"{prefix}{blob_id[:2]}/{blob_id[2:4]}/{blob_id}", content
        for name, section in self._sections.items():
            yield from section._places(f"{prefix}{name}/")

    def _take(self, section: str, blob_id: str, content: bytes) -> None:
        store = self.section(section) if section else self
        store._blobs[blob_id] = content, time.time()

    def _find(self, blob_id: str) -> bytes:
        try:
            return self._blobs[blob_id][0]
        except KeyError:
            raise NoSuchBlob(blob_id) from None
