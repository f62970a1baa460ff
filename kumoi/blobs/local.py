"""Blobs as files: `ab/cd/<id>`, written to a temporary name, hashed on the way, and renamed when whole.

What comes in is hashed and written in a thread, where it is more than 64 KB; what goes out is read in one, unless it
lies in memory anyway: so the event loop never waits for the disk, nor is the way to a thread and back taken for little.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

from kumoi.blobs.cached import is_cached
from kumoi.blobs.copying import FilesPin, Removals
from kumoi.blobs.hashing import Hashes
from kumoi.blobs.interface import Blob, InUse, NoSuchBlob
from kumoi.names import hex_id

T = TypeVar("T")

PIECE = 262_144
INLINE = 65_536
GATHERED = 524_288
"""Bytes that a thread takes at once, while others come in."""

_ID = re.compile(r"[0-9a-f]{32}")


class LocalBlobs:
    """Blobs in a directory. `durability` full has them on disk before `put` returns."""

    def __init__(
        self, root: Path, durability: Literal["normal", "full"] = "normal", removals: Removals | None = None
    ) -> None:
        self._root = root
        self._removals = removals or Removals()
        self._sync = durability == "full"
        self._temporary = root / "tmp"
        self._temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._arriving: set[str] = set()
        self._sections: dict[str, LocalBlobs] = {}
        self._durability = durability

    async def put(self, content: bytes | AsyncIterator[bytes], *, hashes: Sequence[str] = ("md5",)) -> Blob:
        """Store content under a new id."""
        blob_id = hex_id(32)
        staging = self._temporary / blob_id
        digests = Hashes(hashes)
        self._arriving.add(blob_id)
        try:
            with staging.open("xb", buffering=0) as out:
                size = await _taken(out, digests, _pieces(content))
                if self._sync:
                    await _in_thread(os.fsync, out.fileno())
            if self._sync:
                await _in_thread(self._settle_for_good, staging, self._file(blob_id))
            else:
                self._settle(staging, self._file(blob_id))
        except BaseException:
            staging.unlink(missing_ok=True)
            raise
        finally:
            self._arriving.discard(blob_id)
        return Blob(blob_id, size, digests.digests())

    async def stream(self, blob_id: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of a blob piece by piece."""
        with self._open(blob_id) as source:
            size = os.fstat(source.fileno()).st_size
            at, end = offset, size if length is None else min(size, offset + length)
            while at < end:
                wanted = min(PIECE, end - at)
                if wanted > INLINE and not is_cached(source.fileno(), at, wanted):
                    piece = await _in_thread(os.pread, source.fileno(), wanted, at)
                else:
                    piece = os.pread(source.fileno(), wanted, at)
                if not piece:
                    return
                at += len(piece)
                yield piece

    async def read(self, blob_id: str, offset: int = 0, length: int | None = None) -> bytes:
        """The bytes of a blob at once."""
        return b"".join([piece async for piece in self.stream(blob_id, offset, length)])

    def path(self, blob_id: str) -> Path | None:
        """The file a blob lies in."""
        return self._file(blob_id)

    async def delete(self, *blob_ids: str) -> None:
        """Remove blobs."""
        await _in_thread(self._unlink, [self._file(blob_id) for blob_id in blob_ids if _ID.fullmatch(blob_id)])

    async def sweep(self, in_use: InUse, older_than: float) -> int:
        """Remove blobs that nothing refers to, and uploads that were never finished: folder by folder."""
        removed = 0
        for folder in await _in_thread(_folders, self._root):
            older = [path for path in await _in_thread(_older, folder, older_than) if path.name not in self._arriving]
            used = await in_use([path.name for path in older]) if older and folder != self._temporary else ()
            removable = [path for path in older if path.name not in used]
            await _in_thread(self._unlink, removable)
            removed += len(removable)
        return removed

    def section(self, name: str) -> LocalBlobs:
        """A store of its own in a folder of this one's."""
        if name not in self._sections:
            self._sections[name] = LocalBlobs(self._root / name, self._durability, self._removals)
        return self._sections[name]

    def pin(self) -> FilesPin:
        """Every blob as of now, those of sections too, to be copied."""
        return FilesPin(self._root, self._removals)

    def _unlink(self, paths: Sequence[Path]) -> None:
        for path in paths:
            self._removals.remove(path)

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
        try:
            staging.replace(final)
        except FileNotFoundError:  # the first of its folder
            final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            staging.replace(final)

    def _settle_for_good(self, staging: Path, final: Path) -> None:
        self._settle(staging, final)
        for folder in (final.parent, final.parent.parent, self._root):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


async def _in_thread(function: Callable[..., T], *args: Any) -> T:
    """Run a function in a thread. Cancelled meanwhile, it waits for its end: it works on a file about to be closed."""
    return await _ended(asyncio.ensure_future(asyncio.to_thread(function, *args)))


async def _ended(running: asyncio.Future[T]) -> T:
    """What a thread's work comes to; cancelled meanwhile, once it has ended all the same."""
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _folders(root: Path) -> list[Path]:
    """The folders that blobs lie in, and the one of those that arrive; not those of sections."""
    return [root / "tmp", *root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]")]


def _older(folder: Path, than: float) -> list[Path]:
    older = []
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # renamed or deleted meanwhile
            if _ID.fullmatch(path.name) and path.stat().st_mtime < than:
                older.append(path)
    return older


async def _taken(out: BinaryIO, digests: Hashes, pieces: AsyncIterator[bytes]) -> int:
    """Hash and write what comes in, and tell how many bytes it was.

    While a thread takes some of it, as much more comes in; the way there and back is worth it for much alone.
    """
    size = held = 0
    gathered: list[bytes] = []
    taking: asyncio.Future[None] | None = None
    try:
        async for piece in pieces:
            size += len(piece)
            held += len(piece)
            gathered.append(piece)
            if held >= GATHERED:
                if taking is not None:
                    await _ended(taking)
                taking = asyncio.ensure_future(asyncio.to_thread(_take, out, digests, gathered))
                gathered, held = [], 0
    finally:
        if taking is not None:
            await _ended(taking)
    if held > INLINE:
        await _in_thread(_take, out, digests, gathered)
    else:
        _take(out, digests, gathered)
    return size


async def _pieces(content: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for piece in content:
        yield piece


def _take(out: BinaryIO, digests: Hashes, pieces: Sequence[bytes]) -> None:
    whole = b"".join(pieces)  # a copy costs less than to wait for the interpreter's lock after each piece
    digests.update(whole)
    view = memoryview(whole)
    while view:
        view = view[out.write(view) :]
