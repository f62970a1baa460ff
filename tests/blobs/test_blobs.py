"""What every blob store must do."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kumoi.blobs import Blobs, LocalBlobs, MemoryBlobs, NoSuchBlob


@pytest.fixture(params=["local", "full", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "memory":
        return MemoryBlobs()
    return LocalBlobs(tmp_path, "full" if request.param == "full" else "normal")


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


@pytest.mark.parametrize("content", [b"", b"small", os.urandom(700_000)])
def test_what_was_put_is_read_whole_and_in_part(blobs: Blobs, content: bytes) -> None:
    async def scenario() -> None:
        blob = await blobs.put(content, hashes=("md5", "sha256", "crc32"))
        assert blob.size == len(content)
        assert blob.hashes["md5"] == hashlib.md5(content, usedforsecurity=False).digest()
        assert blob.hashes["sha256"] == hashlib.sha256(content).digest()
        assert blob.hashes["crc32"] == zlib.crc32(content).to_bytes(4)
        assert await blobs.read(blob.id) == content
        assert await blobs.read(blob.id, 2, 3) == content[2:5]
        assert await blobs.read(blob.id, len(content) + 5) == b""
        assert b"".join([piece async for piece in blobs.stream(blob.id, 1)]) == content[1:]

    asyncio.run(scenario())


def test_a_stream_is_stored_as_one(blobs: Blobs) -> None:
    async def scenario() -> None:
        parts = (os.urandom(100_000), b"", b"x", os.urandom(10))
        blob = await blobs.put(pieces(*parts))
        assert await blobs.read(blob.id) == b"".join(parts)

    asyncio.run(scenario())


def test_an_upload_that_breaks_off_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    async def scenario() -> None:
        with pytest.raises(ConnectionResetError):
            await blobs.put(broken())

    asyncio.run(scenario())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("blob_id", ["0" * 32, "../../etc/passwd", "", "A" * 32])
def test_what_is_not_there_says_so(blobs: Blobs, blob_id: str) -> None:
    async def scenario() -> None:
        with pytest.raises(NoSuchBlob):
            await blobs.read(blob_id)

    asyncio.run(scenario())


def test_deleted_and_unreferenced_blobs_are_gone(blobs: Blobs) -> None:
    async def scenario() -> None:
        kept, deleted, orphan = [(await blobs.put(name)).id for name in (b"kept", b"deleted", b"orphan")]
        await blobs.delete(deleted, deleted)

        async def referenced(blob_id: str) -> bool:
            return blob_id == kept

        assert await blobs.sweep(referenced, time.time() + 1) == 1
        assert await blobs.read(kept) == b"kept"
        for gone in (deleted, orphan):
            with pytest.raises(NoSuchBlob):
                await blobs.read(gone)

    asyncio.run(scenario())
