"""The bytes of objects: stored while they are hashed, shared between copies, and removed when nothing refers to them.

The smallest bodies lie in their object's row, small ones in a row of state beside it, larger ones in a blob. How many
refer to a blob or a manifest is counted (`BlobUse`); at none it is put down as released, and removed after a grace for
those who still read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from kumoi.blobs import Blob, Blobs
from kumoi.blobs.hashing import digests_of
from kumoi.doorway import Call, Doorway
from kumoi.services.s3.records import (
    INLINE_LIMIT,
    BlobUse,
    ObjectVersion,
    Part,
    Released,
    blob_uses,
    buckets,
    completed,
    manifests,
    released,
    row_text,
    uploaded,
)
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.wire.payload import Payload

RELEASED = "s3.released"
"""The topic of the timer that removes what was released."""

GRACE = 60
"""Seconds at least from a blob's release to its removal."""

_BATCH = 256


def blobs_of(doorway: Doorway) -> Blobs:
    """The store of S3's blobs: nobody else's lie in it, so that what no bucket's row refers to is nobody's."""
    return doorway.blobs.section("s3")


class Readers:
    """What is being read at the moment, by the id of its blob or manifest."""

    def __init__(self) -> None:
        self.reading: Counter[str] = Counter()


class Stored(msgspec.Struct, frozen=True):
    """A body that was taken in: its bytes where they are few, else its blob."""

    inline: bytes | None
    blob: str
    size: int
    hashes: dict[str, bytes]


async def store(blobs: Blobs, content: Any, hashes: Sequence[str], *, inline_limit: int = INLINE_LIMIT) -> Stored:
    """Take in a body (bytes, an iterator, or a request's body), hashed by each of `hashes`."""
    whole = content.at_hand() if type(content) is Payload else _bytes_of(content)
    if whole is not None:
        if len(whole) <= inline_limit:
            return Stored(whole, "", len(whole), digests_of(whole, hashes))
        return _as_stored(await blobs.put(whole, hashes=hashes))
    pieces = content.stream() if hasattr(content, "stream") else content
    first: list[bytes] = []
    size = 0
    async for piece in pieces:
        first.append(piece)
        size += len(piece)
        if size > inline_limit:
            return _as_stored(await blobs.put(_chained(first, pieces), hashes=hashes))
    whole = b"".join(first)
    return Stored(whole, "", size, digests_of(whole, hashes))


def _bytes_of(content: Any) -> bytes | None:
    """A body that is no stream; None for one that is."""
    if content is None:
        return b""
    return bytes(content) if isinstance(content, bytes | bytearray | memoryview) else None


async def _chained(first: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for piece in first:
        yield piece
    first.clear()
    async for piece in rest:
        yield piece


def _as_stored(blob: Blob) -> Stored:
    return Stored(None, blob.id, blob.size, dict(blob.hashes))


# ── inline bodies ─────────────────────────────────────────────────────────────────────────────────────────────────────


def body_key(version: ObjectVersion) -> tuple[str | int | bytes, ...]:
    """Where an inline body lies that is not in its object's row.

    A key has one null version at most, whose body is overwritten in place.
    """
    key = row_text(version.key)
    return "s3.body", version.bucket, key, 0 if version.null else version.seq


async def inline_body(tx: Transaction, version: ObjectVersion) -> bytes:
    """The body of a version that is neither a blob nor a manifest."""
    if version.body or not version.size:
        return version.body
    return await tx.get(body_key(version)) or b""


# ── use and release ───────────────────────────────────────────────────────────────────────────────────────────────────


async def use(tx: Transaction, what: str) -> None:
    """One more refers to a blob or manifest of the account."""
    used = await blob_uses.get(tx, what)
    count = 1 if used is None else used.count + 1
    await blob_uses.put(tx, BlobUse(blob=what, account=tx.account, count=count))


async def release(tx: Transaction, what: str, kind: str = "blob") -> None:
    """One less refers to a blob or manifest; at none, it is removed after the grace."""
    used = await blob_uses.get(tx, what)
    if used is not None:
        await blob_uses.put(tx, msgspec.structs.replace(used, count=max(0, used.count - 1)))
        if used.count > 1:
            return
    await remove_later(tx, what, kind)


async def remove_later(tx: Transaction, what: str, kind: str, after: int = GRACE) -> None:
    """Have a blob, a manifest, the `parts` of an upload, or what is told of a `completed` one removed after a while."""
    due = (int(tx.now + after) // GRACE + 1) * GRACE
    await released.put(tx, Released(due=due, what=what, kind=kind))
    tx.timer(due, RELEASED, key=str(due))


async def release_body(tx: Transaction, version: ObjectVersion) -> None:
    """A version goes: so does its body, unless a copy shares it."""
    if version.blob:
        await release(tx, version.blob)
    elif version.manifest:
        await release(tx, version.manifest, "manifest")
    elif version.size and not version.body:
        await tx.delete(body_key(version))


async def release_part(tx: Transaction, part: Part) -> None:
    """A part goes that never became an object's."""
    for segment in part.segments:
        await release(tx, segment.blob)


# ── removal ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def remove_released(doorway: Doorway, readers: Readers, timer: Timer) -> None:
    """Remove what was released and whose grace is over; what is still read waits for the next round."""
    state = doorway.state.at(timer.account, timer.region)
    while batch := await _due(state, int(timer.due)):
        for one in batch:
            if readers.reading[one.what]:
                await _postpone(state, one)
            elif one.kind == "blob":
                if await _unused(state, one):
                    await blobs_of(doorway).delete(one.what)
                await _removed(state, one)
            elif one.kind == "completed":
                await _forgotten(state, one)
            else:
                while await _dismantle(state, one):
                    pass


@transactional
async def _due(tx: Transaction, until: int) -> list[Released]:
    batch = await released.list(tx, limit=_BATCH)
    return [one for one in batch if one.due <= until]


@transactional
async def _postpone(tx: Transaction, one: Released) -> None:
    await released.delete(tx, one.due, one.what)
    await remove_later(tx, one.what, one.kind)


@transactional
async def _unused(tx: Transaction, one: Released) -> bool:
    """Whether nothing has come to refer to a blob since it was released."""
    used = await blob_uses.get(tx, one.what)
    return used is None or used.count == 0


@transactional
async def _forgotten(tx: Transaction, one: Released) -> None:
    await released.delete(tx, one.due, one.what)
    await completed.delete(tx, one.what)


@transactional
async def _removed(tx: Transaction, one: Released) -> None:
    await released.delete(tx, one.due, one.what)
    used = await blob_uses.get(tx, one.what)
    if used is not None and used.count == 0:
        await blob_uses.delete(tx, one.what)


@transactional
async def _dismantle(tx: Transaction, one: Released) -> bool:
    """Release what some of the parts of a manifest or of an upload refer to; whether more are left."""
    if one.kind == "manifest":
        chunks = await manifests.list(tx, one.what, limit=1)
        for chunk in chunks:
            await manifests.delete(tx, chunk.manifest, chunk.start)
        parts = [part for chunk in chunks for part in chunk.parts]
    else:
        rows = await uploaded.list(tx, one.what, limit=_BATCH)
        for row in rows:
            await uploaded.delete(tx, row.upload, row.part.number)
        parts = [row.part for row in rows]
    for part in parts:
        await release_part(tx, part)
    if not parts:
        await released.delete(tx, one.due, one.what)
        await blob_uses.delete(tx, one.what)
    return bool(parts)


async def drop_account(doorway: Doorway, state: State, account: str | None) -> None:
    """Forget the buckets' names and remove the blobs of an account, or of every account that has buckets."""
    for owner in [account] if account is not None else await _owners(state):
        while blobs := await _forget_some(state.at(owner, ""), owner):
            await blobs_of(doorway).delete(*(one.blob for one in blobs))


@transactional
async def _owners(tx: Transaction) -> list[str]:
    return sorted({bucket.account for bucket in await buckets.list(tx)})


@transactional
async def _forget_some(tx: Transaction, account: str) -> list[BlobUse]:
    for bucket in await buckets.list(tx):
        if bucket.account == account:
            await buckets.delete(tx, bucket.name)
    found = await blob_uses.list(tx, limit=_BATCH)
    for one in found:
        await blob_uses.delete(tx, one.blob)
    return found


def readers_of(call: Call) -> Readers:
    """The platform's readers."""
    return call.part(Readers)
