"""The parts of an object that was uploaded in parts: written once, never changed, shared by its copies.

A manifest is a row per 256 parts, under the byte its first part begins at, so that any byte is found with one look-up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from kumoi.blobs import Blobs
from kumoi.services.s3.bodies import Readers
from kumoi.services.s3.records import ManifestChunk, Part, Segment, manifests
from kumoi.state import State, Transaction, transactional

CHUNK = 256


async def write_manifest(tx: Transaction, manifest: str, parts: Sequence[Part]) -> None:
    """Store the parts of an object under a new manifest."""
    start = 0
    for first in range(0, len(parts), CHUNK):
        some = tuple(parts[first : first + CHUNK])
        await manifests.put(tx, ManifestChunk(manifest=manifest, start=start, first=first, parts=some))
        start += sum(part.size for part in some)


@transactional
async def chunk_at(tx: Transaction, manifest: str, offset: int) -> ManifestChunk | None:
    """The chunk that holds a byte."""
    return next(iter(await manifests.list(tx, manifest, after=(manifest, offset + 1), limit=1, reverse=True)), None)


async def parts_from(tx: Transaction, manifest: str, skip: int) -> AsyncIterator[tuple[int, int, Part]]:
    """(place counted from 0, first byte, part) of the parts behind the first `skip`."""
    after = None
    while chunks := await manifests.list(tx, manifest, after=after, limit=1):
        chunk = chunks[0]
        start = chunk.start
        for place, part in enumerate(chunk.parts, chunk.first):
            if place >= skip:
                yield place, start, part
            start += part.size
        after = (manifest, chunk.start)


def segments_between(chunk: ManifestChunk, offset: int, end: int) -> list[Segment]:
    """The pieces of blobs that hold the bytes from `offset` up to `end`, as far as the chunk has them."""
    found: list[Segment] = []
    at = chunk.start
    for part in chunk.parts:
        for segment in part.segments:
            low, high = max(offset, at), min(end, at + segment.length)
            if low < high:
                found.append(Segment(segment.blob, segment.offset + low - at, high - low))
            at += segment.length
    return found


async def stream(
    state: State, blobs: Blobs, readers: Readers, manifest: str, offset: int, length: int
) -> AsyncIterator[bytes]:
    """Bytes of an object that has a manifest; while they are read, nothing of it is removed."""
    readers.reading[manifest] += 1
    try:
        end = offset + length
        while offset < end:
            chunk = await chunk_at(state, manifest, offset)
            segments = segments_between(chunk, offset, end) if chunk is not None else []
            if not segments:
                return
            for segment in segments:
                async for piece in blobs.stream(segment.blob, segment.offset, segment.length):
                    yield piece
                offset += segment.length
    finally:
        readers.reading[manifest] -= 1
