"""What every blob store must do."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
import zlib
from collections.abc import AsyncIterator, Sequence
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

        async def referenced(blob_ids: Sequence[str]) -> set[str]:
            return {kept}.intersection(blob_ids)

        assert await blobs.sweep(referenced, time.time() - 60) == 0  # too young: its reference may be on its way
        assert await blobs.sweep(referenced, time.time() + 1) == 1
        assert await blobs.read(kept) == b"kept"
        for gone in (deleted, orphan):
            with pytest.raises(NoSuchBlob):
                await blobs.read(gone)

    asyncio.run(scenario())


def test_deleting_what_is_not_there_is_passed_over(blobs: Blobs) -> None:
    asyncio.run(blobs.delete("0" * 32, "../../etc/passwd", ""))


def test_an_upload_that_is_cancelled_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    async def scenario() -> None:
        arrived = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield os.urandom(100_000)
                arrived.set()
                await asyncio.sleep(0)

        upload = asyncio.create_task(blobs.put(endless()))
        await arrived.wait()
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload

    asyncio.run(scenario())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_unknown_hash_is_refused_before_anything_is_stored(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="md99"):
        asyncio.run(blobs.put(b"content", hashes=("md99",)))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_stream_comes_in_pieces_of_bounded_size(blobs: Blobs) -> None:
    content = os.urandom(1_000_000)

    async def scenario() -> None:
        blob = await blobs.put(content)
        pieces = [piece async for piece in blobs.stream(blob.id, 10, 900_000)]
        assert b"".join(pieces) == content[10:900_010]
        assert max(map(len, pieces)) <= 262_144

    asyncio.run(scenario())


def test_a_blob_in_a_file_is_that_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        local = LocalBlobs(tmp_path)
        blob = await local.put(b"content")
        path = local.path(blob.id)
        assert path is not None
        assert path.read_bytes() == b"content"
        assert path.relative_to(tmp_path).parts == (blob.id[:2], blob.id[2:4], blob.id)
        again = LocalBlobs(tmp_path)
        assert await again.read(blob.id) == b"content"
        with pytest.raises(NoSuchBlob):
            local.path("../../etc/passwd")
        assert MemoryBlobs().path(blob.id) is None

    asyncio.run(scenario())


def test_what_a_crash_left_half_written_is_swept(tmp_path: Path) -> None:
    async def scenario() -> None:
        local = LocalBlobs(tmp_path)
        half = tmp_path / "tmp" / ("a" * 32)
        half.write_bytes(b"half")

        async def referenced(blob_ids: Sequence[str]) -> Sequence[str]:
            return blob_ids

        kept = await local.put(b"kept")
        assert await local.sweep(referenced, time.time() - 60) == 0
        assert await local.sweep(referenced, time.time() + 1) == 1
        assert not half.exists()
        assert await local.read(kept.id) == b"kept"

    asyncio.run(scenario())


async def nothing(_blob_ids: Sequence[str]) -> set[str]:
    return set()


def test_what_is_being_stored_is_not_swept(blobs: Blobs) -> None:
    async def scenario() -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"first"
            begun.set()
            await go_on.wait()
            yield b"second"

        upload = asyncio.create_task(blobs.put(slow()))
        await begun.wait()
        assert await blobs.sweep(nothing, time.time() + 3600) == 0
        go_on.set()
        assert await blobs.read((await upload).id) == b"firstsecond"

    asyncio.run(scenario())


def test_a_section_is_a_store_of_its_own(blobs: Blobs) -> None:
    async def scenario() -> None:
        section = blobs.section("one")
        outside, inside = (await blobs.put(b"outside")).id, (await section.put(b"inside")).id
        assert blobs.section("one") is section
        with pytest.raises(NoSuchBlob):
            await blobs.section("other").read(inside)
        assert await section.sweep(nothing, time.time() + 1) == 1
        assert await blobs.read(outside) == b"outside"
        kept = (await section.put(b"kept")).id
        assert await blobs.sweep(nothing, time.time() + 1) == 1
        assert await section.read(kept) == b"kept"

    asyncio.run(scenario())
