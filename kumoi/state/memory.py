"""What an engine remembers of its rows, decoded: the few records that nearly every request reads.

Only an engine that is alone with its data can: every write passes it. A row leaves the memory when it is written;
what a transaction reads after its own writes is not kept, since those may yet be undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kumoi.state.keys import encode

if TYPE_CHECKING:
    from kumoi.state.interface import Key

MOST = 4096
"""Rows that are remembered; then all are forgotten, and those in use come back."""

UNKNOWN: Any = object()


class Memory:
    """Decoded rows by raw key; None for a row known to be absent. `epoch` grows whenever some are forgotten."""

    def __init__(self) -> None:
        self.epoch = 0
        self._rows: dict[bytes, tuple[Any, int]] = {}
        self._keys: dict[tuple[bytes, Key], bytes] = {}

    def key(self, place: bytes, key: Key) -> bytes:
        """A key as bytes, with its place; remembered, since the same few come again and again."""
        found = self._keys.get((place, key))
        if found is None:
            if len(self._keys) >= MOST:
                self._keys.clear()
            found = self._keys[place, key] = place + encode(key)
        return found

    def get(self, raw: bytes) -> Any:
        """What is remembered under a key; UNKNOWN when nothing is."""
        found = self._rows.get(raw)
        return UNKNOWN if found is None else found[0]

    def settled(self, raw: bytes, group: int) -> Any:
        """As `get`, but nothing that was read in the open group `group` (0 without one), whose writes may be undone."""
        found = self._rows.get(raw)
        return UNKNOWN if found is None or (group and found[1] == group) else found[0]

    def keep(self, raw: bytes, record: Any, group: int) -> None:
        """Remember what is stored under a key, as read in the open group of that number (0 without one)."""
        if len(self._rows) >= MOST:
            self.clear()
        self._rows[raw] = record, group

    def forget(self, raw: bytes) -> None:
        """A row was written."""
        if raw in self._rows:
            del self._rows[raw]
            self.epoch += 1

    def forget_range(self, low: bytes, high: bytes) -> None:
        """The rows from `low` up to `high` were written."""
        for raw in [raw for raw in self._rows if low <= raw < high]:
            self.forget(raw)

    def clear(self) -> None:
        """Everything may have changed."""
        self._rows.clear()
        self.epoch += 1
