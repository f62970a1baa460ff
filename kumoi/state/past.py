"""What rows were before they were written: of some kinds, for a while, in memory; kept while somebody asks for it.

A write that is undone leaves nothing wrong behind: what was there before is what is there after. With a group of
transactions that is undone all is forgotten, since each has seen what the others wrote.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from typing import Any

from kumoi.state.memory import UNKNOWN

MOST_BYTES = 64 << 20
"""Of keys and values that are kept; past them the oldest are forgotten."""
_EACH = 200
"""Bytes that a change takes beside its key and value."""


class Past:
    """Changes by raw key. `kinds` are the first elements of the keys that are meant, none at first."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.kinds: frozenset[str] = frozenset()
        self._seconds = 0.0
        self._most = most
        self._size = 0
        self._in_time: deque[tuple[float, bytes]] = deque()
        self._before: dict[bytes, deque[tuple[float, bytes | None]]] = {}
        self._keys: list[bytes] = []

    def keep(self, kinds: frozenset[str], seconds: float) -> None:
        """Keep what rows of these kinds were within the last so many seconds; nothing for no kinds."""
        self.kinds, self._seconds = kinds, seconds
        if not kinds:
            self.clear()

    def note(self, raw: bytes, before: bytes | None, now: float) -> None:
        """A row is about to be written: what it is now, None for nothing."""
        if self._in_time and self._in_time[-1][0] > now:
            self.clear()  # the clock was set back: what was before what is not known any more
        changes = self._before.get(raw)
        if changes is None:
            changes = self._before[raw] = deque()
            insort(self._keys, raw)
        changes.append((now, before))
        self._in_time.append((now, raw))
        self._size += _EACH + len(raw) + len(before or b"")
        while self._size > self._most or self._in_time[0][0] < now - self._seconds:
            self._forget_one()
            if not self._in_time:
                break

    def at(self, raw: bytes, moment: float) -> Any:
        """What a row was at a moment (None: not there); UNKNOWN for what it is now."""
        for time, before in self._before.get(raw, ()):
            if time > moment:
                return before
        return UNKNOWN

    def between(self, low: bytes, high: bytes, moment: float) -> dict[bytes, bytes | None]:
        """The rows from `low` up to `high` that were written after a moment, as they were then."""
        keys = self._keys[bisect_left(self._keys, low) : bisect_left(self._keys, high)]
        return {raw: before for raw in keys if (before := self.at(raw, moment)) is not UNKNOWN}

    def clear(self) -> None:
        """Forget all."""
        self._in_time.clear()
        self._before.clear()
        self._keys.clear()
        self._size = 0

    def _forget_one(self) -> None:
        _, raw = self._in_time.popleft()
        changes = self._before[raw]
        _, before = changes.popleft()
        self._size -= _EACH + len(raw) + len(before or b"")
        if not changes:
            del self._before[raw]
            del self._keys[bisect_left(self._keys, raw)]
