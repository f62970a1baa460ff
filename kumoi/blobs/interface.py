"""Object bytes by random id. What a blob is called and belongs to lies in state, never here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored blob: its id, its size in bytes, and the digests that were asked for, by name."""

    id: str
    size: int
    hashes: Mapping[str, bytes]


InUse = Callable[[Sequence[str]], Awaitable[Collection[str]]]


class NoSuchBlob(LookupError):
    """There is no blob of that id."""


class BlobsPin(Protocol):
    """The blobs of one moment."""

    def copy(self, target: Path) -> None:
        """Copy each to a file below the directory `target`; blocks."""

    def release(self) -> None:
        """Let go of what was deleted meanwhile. Called once."""


class Blobs(Protocol):
    """A store of blobs."""

    async def put(self, content: bytes | AsyncIterator[bytes], *, hashes: Sequence[str] = ("md5",)) -> Blob:
        """Store content; durable once this returns. `hashes` are names of hashlib, or `crc32`.

        When the iterator raises, nothing is left behind and its exception passes through.
        """

    def stream(self, blob_id: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of a blob piece by piece, `length` of them from `offset`; NoSuchBlob when there is none."""

    async def read(self, blob_id: str, offset: int = 0, length: int | None = None) -> bytes:
        """The bytes of a blob at once; NoSuchBlob when there is none."""

    def path(self, blob_id: str) -> Path | None:
        """The file a blob lies in; None where blobs do not lie in files."""

    async def delete(self, *blob_ids: str) -> None:
        """Remove blobs; those that are not there are passed over."""

    async def sweep(self, in_use: InUse, older_than: float) -> int:
        """Remove blobs that nothing refers to, and uploads that broke off with their process; how many.

        `in_use` answers which of some blobs are referred to. Spared is what is being stored, and what was stored after
        `older_than` (epoch seconds of the machine): its reference may be on its way.
        """

    def pin(self) -> BlobsPin:
        """Every blob as of now, those of sections too, to be copied while others come and go."""

    def section(self, name: str) -> Blobs:
        """A store of its own within this one, for whoever looks after its blobs itself; the same for the same name."""
