"""What functions that authorize said of tokens, until it has to be asked again.

A verdict is of a token, an API and a function: another function has to be asked. Tokens are kept as digests, and what
is held is bounded by its bytes; the least used goes first.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

MOST_BYTES = 16 * 1024 * 1024
_ENTRY = 512
"""Bytes of a verdict beside what it says."""

Key = tuple[str, str, bytes]


class _Verdict(NamedTuple):
    until: float
    answer: Mapping[str, Any]
    size: int


class Verdicts:
    """The verdicts of one platform."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._bytes = 0
        self._held: OrderedDict[Key, _Verdict] = OrderedDict()

    @staticmethod
    def key(api: str, function: str, token: str) -> Key:
        """What a verdict is known by."""
        return api, function, hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()

    def get(self, key: Key, now: float) -> Mapping[str, Any] | None:
        """What was said, if it still counts."""
        found = self._held.get(key)
        if found is None:
            return None
        if found.until <= now:
            self._drop(key)
            return None
        self._held.move_to_end(key)
        return found.answer

    def put(self, key: Key, answer: Mapping[str, Any], until: float, size: int) -> None:
        """Keep what a function said, an answer of so many bytes."""
        self._drop(key)
        size += _ENTRY
        if size > self._most:
            return
        self._held[key] = _Verdict(until, answer, size)
        self._bytes += size
        while self._bytes > self._most:
            self._drop(next(iter(self._held)))

    def _drop(self, key: Key) -> None:
        found = self._held.pop(key, None)
        if found is not None:
            self._bytes -= found.size
