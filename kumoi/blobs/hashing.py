"""Digests of what passes by, by name: those of hashlib, and CRC32."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from typing import Protocol


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class Crc32:
    """CRC32 with the interface of hashlib; the digest is 4 bytes, big-endian."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """Take in more."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """The checksum so far."""
        return self._value.to_bytes(4)


class Hashes:
    """Several digests of the same bytes."""

    def __init__(self, names: Sequence[str]) -> None:
        self._digests: dict[str, _Digest] = {
            name: Crc32() if name == "crc32" else hashlib.new(name, usedforsecurity=False) for name in names
        }

    def update(self, piece: bytes) -> None:
        """Take in more."""
        for digest in self._digests.values():
            digest.update(piece)

    def digests(self) -> dict[str, bytes]:
        """Each digest by its name."""
        return {name: digest.digest() for name, digest in self._digests.items()}
