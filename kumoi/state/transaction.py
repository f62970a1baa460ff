"""A transaction of the SQLite engine: statements on the one connection, run where they are awaited.

Nothing here suspends. Reading costs no more than its SELECT. A row that is put is written once something else is asked
of the database: where that is the end of the transaction, SQLite undoes the one statement itself if it fails, and no
savepoint is needed (measured, a third of a small write). What is tallied, and how far streams have come, is written by
the group.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from kumoi.state.group_commit import TALLY, CommitFailed
from kumoi.state.interface import Claimed, Encoded, Entry, Key, Timer, Transaction
from kumoi.state.keys import after_prefix, decode, encode
from kumoi.state.memory import UNKNOWN

if TYPE_CHECKING:
    from kumoi.state.past import Past
    from kumoi.state.sqlite import Engine

R = TypeVar("R")

ROW = "SELECT v FROM rows WHERE k = ?"
PUT = "INSERT INTO rows (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v"


class Work:
    """What one transaction has done so far, whichever places it wrote to. `past`, if any, is told of changes."""

    __slots__ = ("actions", "earliest_timer", "engine", "heads", "past", "put", "tallies", "topics", "wrote")

    def __init__(self, engine: Engine, past: Past | None) -> None:
        self.engine = engine
        self.past = past
        self.wrote = False
        """Whether there is a savepoint, with what was written so far."""
        self.put: tuple[bytes, bytes] | None = None
        """The first row that is put, as long as nothing else was asked."""
        self.tallies: dict[bytes, int] = {}
        self.heads: dict[bytes, int] = {}
        """The last numbers of streams that were appended to."""
        self.actions: list[Callable[[], None]] = []
        self.topics: set[tuple[bytes, str]] = set()
        """Whose watchers are told."""
        self.earliest_timer: float | None = None

    @property
    def writes(self) -> bool:
        """Whether the transaction changes anything."""
        return self.wrote or self.put is not None or bool(self.tallies)

    def put_row(self, raw: bytes, value: bytes) -> None:
        """Write a row, or keep it to be written."""
        if self.wrote or self.put is not None:
            self.write(PUT, (raw, value))
        else:
            self.put = raw, value

    def tally(self, raw: bytes, delta: int) -> None:
        """Have a counter grow with the group."""
        self.tallies[raw] = self.tallies.get(raw, 0) + delta

    def tallied(self, raw: bytes) -> int:
        """What a counter grows by with the group, this transaction's part included."""
        return self.engine.group.tallied(raw) + self.tallies.get(raw, 0)

    def head(self, raw: bytes) -> int:
        """The last number that was given in a stream."""
        found = self.heads.get(raw) or self.engine.group.head(raw)
        return found or int(self.find("SELECT last FROM stream_heads WHERE k = ?", (raw,)).get or 0)

    def settle(self) -> None:
        """Write the row that was kept: something else is asked now."""
        if self.put is not None:
            put, self.put = self.put, None
            self.write(PUT, put)

    def enter(self) -> None:
        """Begin the transaction's savepoint, unless it has begun."""
        if self.put is not None:
            self.settle()
        if not self.wrote:
            self.engine.group.begin()
            self.wrote = True
        elif not self.engine.connection.in_transaction:
            raise CommitFailed("an earlier statement of the transaction failed, and SQLite has undone it")

    def write(self, statement: str, parameters: tuple[object, ...]) -> Any:
        """Run a statement that writes, inside the transaction's savepoint."""
        self.enter()
        return self.engine.write(statement, parameters)

    def find(self, statement: str, parameters: tuple[object, ...]) -> Any:
        """Run a statement that reads."""
        if self.put is not None:
            self.settle()
        return self.engine.find(statement, parameters)

    def changed(self, statement: str, parameters: tuple[object, ...]) -> int:
        """As `write`; how many rows it changed."""
        self.write(statement, parameters)
        return self.engine.connection.changes()


class SqliteTransaction(Transaction):
    """One transaction at one place."""

    __slots__ = ("_find", "_memory", "_place", "_work", "account", "now", "region")

    def __init__(self, work: Work, account: str, region: str, now: float) -> None:
        self.account = account
        self.region = region
        self.now = now
        self._work = work
        engine = work.engine
        self._memory = engine.memory
        self._find = work.find
        self._place = engine.place(account, region)

    def at(self, account: str, region: str) -> SqliteTransaction:
        """The same transaction, bound to another place."""
        if account == self.account and region == self.region:
            return self
        return SqliteTransaction(self._work, account, region, self.now)

    async def get(self, key: Key | Encoded) -> bytes | None:
        """The value under `key`, or None."""
        return cast("bytes | None", self._find(ROW, (self._raw(key),)).get)

    async def remember(self, key: Key, decode: Callable[[bytes], R]) -> R | None:
        """The value under `key` as `decode` reads it, or None; kept decoded until it is written again."""
        memory = self._memory
        raw = memory.key(self._place, key)
        found = memory.get(raw)
        if found is UNKNOWN:
            value = self._find(ROW, (raw,)).get
            found = None if value is None else decode(value)
            if not self._work.writes:
                memory.keep(raw, found, self._work.engine.group.number)
        return cast("R | None", found)

    async def put(self, key: Key | Encoded, value: bytes) -> None:
        """Write `value` under `key`."""
        raw = self._raw(key)
        self._memory.forget(raw)
        if self._work.past is not None:
            self._note(self._work.past, key, raw)
        self._work.put_row(raw, value)

    async def delete(self, key: Key | Encoded) -> bool:
        """Remove `key`; whether it was there."""
        raw = self._raw(key)
        self._memory.forget(raw)
        if self._work.past is not None:
            self._note(self._work.past, key, raw)
        return self._work.changed("DELETE FROM rows WHERE k = ?", (raw,)) > 0

    async def range(
        self,
        prefix: Key,
        *,
        after: Key | None = None,
        before: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[Entry]:
        """Rows whose keys begin with the elements of `prefix`, between exclusive bounds, in order or reversed."""
        skip = len(self._place) + len(encode(prefix))
        rows = self._rows("k, v", prefix, after, before, limit, reverse=reverse)
        return [Entry(prefix + decode(key[skip:]), value) for key, value in rows]

    async def values(
        self,
        prefix: Key,
        *,
        after: Key | None = None,
        before: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[bytes]:
        """The values of `range`'s rows."""
        return [value for (value,) in self._rows("v", prefix, after, before, limit, reverse=reverse)]

    async def page(
        self,
        prefix: Key,
        *,
        after: Key | None = None,
        before: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> tuple[list[bytes], Key | None]:
        """The values of `range`'s rows, and the key of the last of them (None without any)."""
        rows = self._rows("k, v", prefix, after, before, limit, reverse=reverse)
        if not rows:
            return [], None
        skip = len(self._place) + len(encode(prefix))
        return [value for _, value in rows], prefix + decode(rows[-1][0][skip:])

    def _rows(
        self, columns: str, prefix: Key, after: Key | None, before: Key | None, limit: int | None, *, reverse: bool
    ) -> list[Any]:
        first, lower, upper = self._bounds(prefix, after, before)
        order = "DESC" if reverse else "ASC"
        found: list[Any] = self._find(
            f"SELECT {columns} FROM rows WHERE k {first} ? AND k < ? ORDER BY k {order} LIMIT ?",  # noqa: S608  (constants)
            (lower, upper, -1 if limit is None else limit),
        ).fetchall()
        return found

    def _bounds(self, prefix: Key, after: Key | None, before: Key | None) -> tuple[str, bytes, bytes]:
        """How a range begins (`>` or `>=`), the raw key it begins at, and the one it ends before."""
        low = self._place + encode(prefix)
        high = after_prefix(low)
        # SQLite seeks to one bound a side: given two, it reads and drops all that lies between them.
        first, lower = ">=", low
        if after is not None and (behind := self._place + encode(after)) >= low:
            first, lower = ">", behind
        return first, lower, high if before is None else min(high, self._place + encode(before))

    def _raw(self, key: Key | Encoded) -> bytes:
        return self._place + (key if type(key) is bytes else encode(key))  # type: ignore[arg-type]

    def _note(self, past: Past, key: Key | Encoded, raw: bytes) -> None:
        """A row is about to change: what it is is kept, if anybody wants to know what it was."""
        kind = (decode(key) if isinstance(key, bytes) else key)[0]
        if kind in past.kinds:
            past.note(raw, self._find(ROW, (raw,)).get, self.now)

    async def delete_range(self, prefix: Key) -> int:
        """Remove every row whose key begins with the elements of `prefix`; how many there were."""
        low = self._place + encode(prefix)
        high = after_prefix(low)
        self._memory.forget_range(low, high)
        past = self._work.past
        if past is not None and prefix and prefix[0] in past.kinds:
            for raw, value in self._find("SELECT k, v FROM rows WHERE k >= ? AND k < ?", (low, high)).fetchall():
                past.note(raw, value, self.now)
        return self._work.changed("DELETE FROM rows WHERE k >= ? AND k < ?", (low, high))

    async def add(self, key: Key, delta: int = 1) -> int:
        """Add to the counter under `key` and answer the new value."""
        raw = self._memory.key(self._place, key)
        if delta == 0:
            value = self._find("SELECT n FROM counters WHERE k = ?", (raw,)).get or 0
        else:
            value = self._work.write(f"{TALLY} RETURNING n", (raw, delta)).get
        return int(value) + self._work.tallied(raw)

    async def tally(self, key: Key, delta: int) -> None:
        """Add to the counter under `key`, once for all that the group's transactions tally."""
        self._work.tally(self._memory.key(self._place, key), delta)

    async def append(self, stream: Key, value: bytes) -> int:
        """Append to a stream; answers its gap-free sequence number."""
        raw = self._memory.key(self._place, stream)
        work = self._work
        work.enter()  # before the number is looked up: a group that broke takes along those it gave
        sequence = work.heads[raw] = work.head(raw) + 1
        work.write("INSERT INTO streams (k, seq, at, v) VALUES (?, ?, ?, ?)", (raw, sequence, self.now, value))
        return sequence

    async def read_stream(self, stream: Key, *, after: int = 0, limit: int = 100) -> list[tuple[int, float, bytes]]:
        """(sequence, time appended, value) of what follows `after` in a stream."""
        found: list[tuple[int, float, bytes]] = self._find(
            "SELECT seq, at, v FROM streams WHERE k = ? AND seq > ? ORDER BY seq LIMIT ?",
            (self._place + encode(stream), after, limit),
        ).fetchall()
        return found

    async def stream_bounds(self, stream: Key) -> tuple[int, int]:
        """(first sequence number kept, last one given) of a stream."""
        raw = self._place + encode(stream)
        end = self._work.head(raw)
        first = self._find("SELECT min(seq) FROM streams WHERE k = ?", (raw,)).get
        return (end + 1 if first is None else int(first)), end

    async def trim_stream(self, stream: Key, *, before: float) -> int:
        """Drop what was appended earlier than `before`; how many there were."""
        return self._work.changed("DELETE FROM streams WHERE k = ? AND at < ?", (self._place + encode(stream), before))

    async def enqueue(self, queue: Key, body: bytes, *, visible_at: float = 0.0) -> int:
        """Put an item on a work queue; answers its id."""
        self._work.write(
            "INSERT INTO queue (k, visible_at, attempts, receipt, enqueued, body) VALUES (?, ?, 0, '', ?, ?)",
            (self._place + encode(queue), visible_at, self.now, body),
        )
        return self._work.engine.connection.last_insert_rowid()

    async def claim(self, queue: Key, n: int, until: float) -> list[Claimed]:
        """Take up to `n` visible items, oldest first, and hide them until `until`."""
        rows = self._find(
            "SELECT id, body, attempts, enqueued FROM queue WHERE k = ? AND visible_at <= ? "
            "ORDER BY visible_at, id LIMIT ?",
            (self._place + encode(queue), self.now, n),
        ).fetchall()
        claimed = [
            Claimed(number, body, os.urandom(16).hex(), attempts + 1, enqueued)
            for number, body, attempts, enqueued in rows
        ]
        for item in claimed:
            self._work.write(
                "UPDATE queue SET visible_at = ?, attempts = ?, receipt = ? WHERE id = ?",
                (until, item.attempts, item.receipt, item.id),
            )
        return claimed

    async def finish(self, queue: Key, claimed: Claimed) -> bool:
        """Remove a claimed item; False when the receipt no longer holds it."""
        return (
            self._work.changed(
                "DELETE FROM queue WHERE id = ? AND k = ? AND receipt = ?",
                (claimed.id, self._place + encode(queue), claimed.receipt),
            )
            > 0
        )

    async def release(self, queue: Key, claimed: Claimed, visible_at: float) -> bool:
        """Give a claimed item back, visible from `visible_at`; False when the receipt no longer holds it."""
        return (
            self._work.changed(
                "UPDATE queue SET visible_at = ?, receipt = '' WHERE id = ? AND k = ? AND receipt = ?",
                (visible_at, claimed.id, self._place + encode(queue), claimed.receipt),
            )
            > 0
        )

    async def count(self, queue: Key) -> tuple[int, int]:
        """(visible now, hidden) items of a queue."""
        visible, hidden = self._find(
            "SELECT coalesce(sum(visible_at <= ?1), 0), coalesce(sum(visible_at > ?1), 0) FROM queue WHERE k = ?2",
            (self.now, self._place + encode(queue)),
        ).get
        return int(visible), int(hidden)

    def timer(self, due: float, topic: str, payload: bytes = b"", *, key: str = "") -> None:
        """Have `topic`'s handler called at `due`. A timer of the same topic and key is replaced."""
        if key:
            self.cancel_timer(topic, key)
        self._work.write(
            "INSERT INTO timers (k, due, topic, name, account, region, payload, attempts) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
            (self._place + encode((topic, key)), due, topic, key, self.account, self.region, payload),
        )
        earliest = self._work.earliest_timer
        self._work.earliest_timer = due if earliest is None else min(earliest, due)

    def cancel_timer(self, topic: str, key: str) -> None:
        """Forget the timer set under `key`."""
        # name <> '' is what lets SQLite use the index of timers that have a key.
        self._work.write("DELETE FROM timers WHERE k = ? AND name <> ''", (self._place + encode((topic, key)),))

    def complete_timer(self, timer: Timer) -> None:
        """Remove a due timer in the transaction that records its effect."""
        self._work.write("DELETE FROM timers WHERE id = ?", (timer.id,))

    def notify(self, topic: str) -> None:
        """Wake the watchers of `topic` (of this place) once the transaction has committed."""
        work, watched = self._work, (self._place, topic)
        if watched not in work.topics:
            work.topics.add(watched)
            raw = work.engine.memory.key(self._place, (topic,))
            work.actions.append(partial(work.engine.notify, raw))

    def on_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the transaction has committed."""
        self._work.actions.append(action)
