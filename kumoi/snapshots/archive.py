"""A snapshot as a file: a tar archive whose first member says what it is.

What comes from elsewhere is not trusted: a member has a plain relative name below the places that a snapshot has, is a
regular file, and all of them together are as many and as large as the manifest says, and fit the disk. Nothing is taken
over before all of it has been seen.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import tarfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import msgspec

from kumoi import __version__
from kumoi.snapshots.taking import BLOBS, FILES, LAKE, STATE
from kumoi.state.copying import NotState, check_state

FORMAT = 1
MANIFEST = "manifest.json"
_PIECE = 1 << 20
_END = 2 * tarfile.BLOCKSIZE
_MANIFEST_LIMIT = 65_536
_HEADERS_LIMIT = 2 * _PIECE
"""Bytes that may be read to find the next member: tarfile keeps long names, and whatever else heads it, in memory."""
_MOST_FILES = 10_000_000
_SPARE = 64 << 20
"""Bytes of the disk that a snapshot leaves free."""
_PART = re.compile(r"(?!\.{1,2}$)[^/\0]{1,255}")


class BadSnapshot(Exception):
    """What was given is not a snapshot that can be loaded; the text says why."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot says of itself. `taken` is the platform's time (epoch seconds), `bytes` the size of its files."""

    format: int
    kumoi: str
    taken: float
    region: str
    files: int
    bytes: int


def manifest_of(staged: Path, *, taken: float, region: str) -> Manifest:
    """The manifest of a staged snapshot; blocks."""
    sizes = [path.stat().st_size for path in _files(staged)]
    return Manifest(format=FORMAT, kumoi=__version__, taken=taken, region=region, files=len(sizes), bytes=sum(sizes))


def packed_size(staged: Path, manifest: Manifest) -> int:
    """Bytes that the archive of a staged snapshot has; blocks."""
    members = [(MANIFEST, len(msgspec.json.encode(manifest)))]
    members += [(path.relative_to(staged).as_posix(), path.stat().st_size) for path in _files(staged)]
    return _END + sum(len(_header(name, size)) + size + len(_padding(size)) for name, size in members)


async def pack(staged: Path, manifest: Manifest) -> AsyncIterator[bytes]:
    """The archive of a staged snapshot piece by piece."""
    pieces = _pack(staged, manifest)
    try:
        while True:
            running = asyncio.ensure_future(asyncio.to_thread(next, pieces, b""))
            try:
                piece = await asyncio.shield(running)
            except asyncio.CancelledError:
                await asyncio.wait([running])
                raise
            if not piece:
                return
            yield piece
    finally:
        pieces.close()


def _pack(staged: Path, manifest: Manifest) -> Generator[bytes, None, None]:
    content = msgspec.json.encode(manifest)
    yield _header(MANIFEST, len(content)) + content + _padding(len(content))
    small: list[bytes] = []
    waiting = 0
    for path in _files(staged):
        with path.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            small.append(_header(path.relative_to(staged).as_posix(), size))
            left = size
            while left:
                piece = source.read(min(_PIECE, left))
                if not piece:
                    raise OSError(f"{path} has become shorter")
                left -= len(piece)
                small.append(piece)
                waiting += len(piece)
                if waiting >= _PIECE:
                    yield b"".join(small)
                    small, waiting = [], 0
            small.append(_padding(size))
    yield b"".join(small) + b"\0" * _END


def unpack(source: io.RawIOBase | Any, target: Path) -> Manifest:
    """Unpack an archive into the directory `target` (made here) and check it; blocks. BadSnapshot when it is none."""
    target.mkdir(parents=True, mode=0o700)
    bounded: Any = _Bounded(source)
    try:
        with tarfile.open(fileobj=bounded, mode="r|", bufsize=_PIECE) as archive:
            manifest = _manifest(archive, archive.next())
            _fits(manifest, target)
            files = size = 0
            while (member := archive.next()) is not None:
                files, size = files + 1, size + member.size
                if files > manifest.files or size > manifest.bytes:
                    raise BadSnapshot("the archive holds more than its manifest says")
                bounded.left = member.size + _HEADERS_LIMIT
                _extract(archive, member, target)
                bounded.left = _HEADERS_LIMIT
    except (tarfile.TarError, RecursionError) as error:
        raise BadSnapshot(f"not a snapshot: {error}") from None
    if (files, size) != (manifest.files, manifest.bytes):
        raise BadSnapshot("the archive holds less than its manifest says: it was cut short")
    if not (target / STATE).is_file():
        raise BadSnapshot("the archive holds no state")
    try:
        check_state(target / STATE)
    except NotState as error:
        raise BadSnapshot(str(error)) from None
    return manifest


class _Bounded:
    """What an archive is read from: no more of it than is `left`."""

    def __init__(self, source: io.RawIOBase | Any) -> None:
        self._source = source
        self.left = _HEADERS_LIMIT

    def read(self, size: int) -> bytes:
        if self.left <= 0:
            raise BadSnapshot("not a snapshot: what heads a member is too large")
        found: bytes = self._source.read(size)
        self.left -= len(found)
        return found


def read_manifest(source: Path) -> Manifest:
    """The manifest of an archive; BadSnapshot when it is none, OSError when it cannot be read."""
    try:
        with source.open("rb") as opened:
            bounded: Any = _Bounded(opened)
            with tarfile.open(fileobj=bounded, mode="r|", bufsize=_PIECE) as archive:
                return _manifest(archive, archive.next())
    except (tarfile.TarError, RecursionError) as error:
        raise BadSnapshot(f"{source} is not a snapshot: {error}") from None


def members(source: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """What an archive holds behind its manifest, member by member, with what it can be extracted from.

    No more is in memory than heads a member. BadSnapshot when it is no archive.
    """
    try:
        with source.open("rb") as opened:
            bounded: Any = _Bounded(opened)
            with tarfile.open(fileobj=bounded, mode="r|", bufsize=_PIECE) as archive:
                _manifest(archive, archive.next())
                bounded.left = _HEADERS_LIMIT
                while (member := archive.next()) is not None:
                    bounded.left = member.size + _HEADERS_LIMIT
                    yield archive, member
    except (tarfile.TarError, RecursionError) as error:
        raise BadSnapshot(f"{source} is not a whole snapshot: {error}") from None


def _manifest(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> Manifest:
    if member is None or member.name != MANIFEST or not member.isreg() or member.size > _MANIFEST_LIMIT:
        raise BadSnapshot(f"not a snapshot: its first member is not {MANIFEST}")
    content = archive.extractfile(member)
    assert content is not None, "a regular file has content"
    try:
        manifest = msgspec.json.decode(content.read(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise BadSnapshot(f"the manifest cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise BadSnapshot(
            f"the snapshot has format {manifest.format} (written by Kumoi {manifest.kumoi}); this one reads {FORMAT}"
        )
    if not 0 < manifest.files <= _MOST_FILES or manifest.bytes < 0:
        raise BadSnapshot("the manifest's numbers make no sense")
    return manifest


def _fits(manifest: Manifest, target: Path) -> None:
    free = shutil.disk_usage(target).free - _SPARE
    if manifest.bytes > free:
        raise BadSnapshot(f"the snapshot takes {manifest.bytes} bytes; the disk has {max(free, 0)} to spare")


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    parts = member.name.split("/")
    if not member.isreg() or member.issparse():
        raise BadSnapshot(f"{member.name[:200]!r} is not a regular file")
    placed = member.name == STATE or (parts[0] in (BLOBS, LAKE, FILES) and len(parts) > 1)
    if not placed or not all(_PART.fullmatch(part) for part in parts):
        raise BadSnapshot(f"a snapshot has no place {member.name[:200]!r}")
    path = target.joinpath(*parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("xb") as out:
            content = archive.extractfile(member)
            assert content is not None, "a regular file has content"
            shutil.copyfileobj(content, out, _PIECE)
    except (FileExistsError, NotADirectoryError):
        raise BadSnapshot(f"{member.name[:200]!r} comes twice") from None
    if path.stat().st_size != member.size:
        raise BadSnapshot(f"{member.name[:200]!r} is cut short")


def _files(staged: Path) -> list[Path]:
    return sorted(path for path in staged.rglob("*") if path.is_file())


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)
