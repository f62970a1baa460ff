"""Digests of what passes by, by name: those of hashlib, and the CRCs that object stores know."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import anycrc

INLINE = 65_536
"""Bytes up to which hashing costs less than the way to a thread and back."""


class Digest(Protocol):
    """A running digest, as hashlib's are."""

    def update(self, content: bytes, /) -> None:
        """Take in more."""

    def digest(self) -> bytes:
        """The digest of what has come in so far."""


class Crc:
    """A running CRC; the digest is its bytes, big-endian. `step` takes bytes and the CRC before them."""

    __slots__ = ("_size", "_step", "_value")

    def __init__(self, step: Callable[[bytes, int], int], size: int) -> None:
        self._step = step
        self._size = size
        self._value = 0

    def update(self, content: bytes, /) -> None:
        """Take in more."""
        self._value = self._step(content, self._value)

    def digest(self) -> bytes:
        """The checksum so far."""
        return self._value.to_bytes(self._size)


CRCS: dict[str, tuple[Callable[[bytes, int], int], int]] = {
    "crc32": (anycrc.Model("CRC32").calc, 4),
    "crc32c": (anycrc.Model("CRC32-ISCSI").calc, 4),
    "crc64nvme": (anycrc.Model("CRC64-NVME").calc, 8),
}
"""The function of each CRC, and the bytes it has."""


def digest(name: str) -> Digest:
    """A new running digest; ValueError when there is none of the name."""
    return Crc(*CRCS[name]) if name in CRCS else hashlib.new(name, usedforsecurity=False)


def digests_of(content: bytes, names: Iterable[str]) -> dict[str, bytes]:
    """Several digests of bytes that are there in one piece, by name."""
    found = {}
    for name in names:
        if name == "md5":
            found[name] = hashlib.md5(content, usedforsecurity=False).digest()
        elif name in CRCS:
            step, size = CRCS[name]
            found[name] = step(content, 0).to_bytes(size)
        else:
            found[name] = hashlib.new(name, content, usedforsecurity=False).digest()
    return found


class Hashes:
    """Several digests of the same bytes."""

    def __init__(self, names: Sequence[str]) -> None:
        self._digests: dict[str, Digest] = {name: digest(name) for name in names}

    def update(self, piece: bytes) -> None:
        """Take in more."""
        for running in self._digests.values():
            running.update(piece)

    async def take(self, piece: bytes) -> None:
        """Take in more, in a thread where it is much."""
        if len(piece) > INLINE:
            await asyncio.to_thread(self.update, piece)
        else:
            self.update(piece)

    def digests(self) -> dict[str, bytes]:
        """Each digest by its name."""
        return {name: running.digest() for name, running in self._digests.items()}
