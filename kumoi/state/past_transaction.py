"""Transactions that read rows as they were at a moment, as far as that is kept; they cannot write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from kumoi.state.interface import Encoded, Key
from kumoi.state.memory import UNKNOWN
from kumoi.state.past import Past
from kumoi.state.transaction import SqliteTransaction, Work

R = TypeVar("R")


class PastWork(Work):
    """The work of a transaction that cannot write."""

    __slots__ = ()

    def put_row(self, raw: bytes, value: bytes) -> None:
        """RuntimeError: what was cannot be changed."""
        self.enter()

    def tally(self, raw: bytes, delta: int) -> None:
        """RuntimeError, alike."""
        self.enter()

    def enter(self) -> None:
        """RuntimeError, alike."""
        raise RuntimeError("a transaction that reads what was cannot write")


class PastTransaction(SqliteTransaction):
    """One transaction at one place and moment."""

    __slots__ = ("_moment", "_past")

    def __init__(self, work: Work, account: str, region: str, now: float, past: Past, moment: float) -> None:
        super().__init__(work, account, region, now)
        self._past = past
        self._moment = moment

    def at(self, account: str, region: str) -> PastTransaction:
        """The same transaction, bound to another place."""
        if account == self.account and region == self.region:
            return self
        return PastTransaction(self._work, account, region, self.now, self._past, self._moment)

    async def get(self, key: Key | Encoded) -> bytes | None:
        """The value that was under `key`, or None."""
        found: bytes | None = self._past.at(self._raw(key), self._moment)
        return await super().get(key) if found is UNKNOWN else found

    async def remember(self, key: Key, decode: Callable[[bytes], R]) -> R | None:
        """The value that was under `key` as `decode` reads it, or None."""
        found = await self.get(key)
        return None if found is None else decode(found)

    def _rows(
        self, columns: str, prefix: Key, after: Key | None, before: Key | None, limit: int | None, *, reverse: bool
    ) -> list[Any]:
        first, lower, upper = self._bounds(prefix, after, before)
        were = self._past.between(lower + b"\0" if first == ">" else lower, upper, self._moment)
        more = None if limit is None else limit + len(were)  # so many of which were others, or were not there
        found = [
            row for row in super()._rows("k, v", prefix, after, before, more, reverse=reverse) if row[0] not in were
        ]
        found += [(raw, value) for raw, value in were.items() if value is not None]
        found = sorted(found, key=lambda row: row[0], reverse=reverse)[:limit]
        return found if columns == "k, v" else [(value,) for _, value in found]
