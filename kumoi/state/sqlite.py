"""The SQLite engine: one file, one connection on the event loop's thread, group commit.

Transactions run where they are called, without suspending; they return once their group is committed. A lock file
keeps a second process away from the same data.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import apsw

from kumoi.clock import Clock
from kumoi.state.checkpoint import Checkpoints
from kumoi.state.derived import Derived
from kumoi.state.glance import Glance
from kumoi.state.group_commit import GroupCommit, run_actions
from kumoi.state.held_read import HeldRead
from kumoi.state.interface import Encoded, Key, State, Timer, Transaction, Watch
from kumoi.state.keys import after_prefix, encode
from kumoi.state.memory import UNKNOWN, Memory
from kumoi.state.once import current
from kumoi.state.past import Past
from kumoi.state.past_transaction import PastTransaction, PastWork
from kumoi.state.schema import KEYED_TABLES, PAGE_SIZE, mark, open_connection
from kumoi.state.transaction import PUT, ROW, SqliteTransaction, Work

R = TypeVar("R")

MAX_PLACES = 4096
"""Places that are remembered, and their key prefixes."""
MAX_RECALLED = 4096
"""Answers that are recalled."""


class DataInUse(Exception):
    """Another process has the data open."""


class Closed(Exception):
    """The state was closed; no transaction begins any more."""


class Engine:
    """What the states of all places share: the connection, the open group, who watches, who waits for timers."""

    def __init__(
        self,
        connection: apsw.Connection,
        durability: Literal["normal", "full"],
        clock: Clock,
        path: Path | None,
        lock: int | None,
    ) -> None:
        self.connection = connection
        self.find: Callable[[str, tuple[object, ...]], Any] = connection.cursor().execute
        """Runs a statement that reads. Each begins with the end of the one before: what it finds is read at once."""
        self.write: Callable[[str, tuple[object, ...]], Any] = connection.cursor().execute
        """Runs a statement that writes, alike."""
        self.path = path
        self.memory = Memory()
        self.past = Past()
        self.recalled: Derived[tuple[Any]] = Derived(MAX_RECALLED)
        self.reading = HeldRead(connection)
        self.group = GroupCommit(connection, self.reading, durability, self._undone)
        self.clock = clock
        self.watches: dict[bytes, list[SqliteWatch]] = {}
        self.on_timer: Callable[[float], None] | None = None
        self.inside = False
        """Whether a transaction's function is running."""
        self.closed = False
        self.states: dict[tuple[str, str], SqliteState] = {}
        """The states of places as they are, by account and region."""
        self._places: dict[tuple[str, str], bytes] = {}
        self._lock = lock
        self._checkpoints = None if path is None else Checkpoints(path, self.group)

    def place(self, account: str, region: str) -> bytes:
        """The bytes that every key of a place begins with."""
        found = self._places.get((account, region))
        if found is None:
            if len(self._places) >= MAX_PLACES:
                self._places.clear()
            found = self._places[account, region] = encode((account, region))
        return found

    def _undone(self) -> None:
        """Forget what a group had written that was undone as a whole: one of its members may have read another's."""
        self.memory.clear()
        self.past.clear()

    def notify(self, topic: bytes) -> None:
        """Wake who watches a topic (with its place)."""
        for watch in self.watches.get(topic, ()):
            watch.wake()

    async def close(self) -> None:
        """Commit what is open, fold the log into the file, let go of the data."""
        if self.closed:
            return
        self.closed = True
        await self.group.close()
        if self._checkpoints is not None:
            await self._checkpoints.close()
            self.reading.release()
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.connection.close()
        if self._lock is not None:
            os.close(self._lock)


class SqliteState(State):
    """The state of one place in an SQLite database: as it is, or as it was at a `moment`."""

    def __init__(self, engine: Engine, account: str = "", region: str = "", moment: float | None = None) -> None:
        self.engine = engine
        self.account = account
        self.region = region
        self._moment = moment

    @classmethod
    async def open(
        cls,
        path: Path | None,
        *,
        clock: Clock,
        durability: Literal["normal", "full"] = "normal",
        contents: Path | None = None,
    ) -> SqliteState:
        """Open the database at `path` (made when missing), or one in memory for None, filled from the file `contents`.

        `normal` outlives the death of the process; `full` also that of the machine. DataInUse when another process has
        it open, schema.NewerData when a newer Kumoi wrote it.
        """
        lock = None if path is None else _lock(path.with_suffix(".lock"))
        try:
            size = PAGE_SIZE if contents is None else await asyncio.to_thread(_page_size, contents)
            connection = open_connection(path, durability, page_size=size)
            if contents is not None:
                await asyncio.to_thread(_fill, connection, contents)
        except BaseException:
            if lock is not None:
                os.close(lock)
            raise
        return cls(Engine(connection, durability, clock, path, lock))

    def at(self, account: str, region: str) -> SqliteState:
        """The same store, bound to another place."""
        if account == self.account and region == self.region:
            return self
        if self._moment is not None:
            return SqliteState(self.engine, account, region, self._moment)
        states = self.engine.states
        found = states.get((account, region))
        if found is None:
            if len(states) >= MAX_PLACES:
                states.clear()
            found = states[account, region] = SqliteState(self.engine, account, region)
        return found

    def as_of(self, moment: float) -> SqliteState:
        """The same store as it was at a moment, as far as that is kept; nothing can be written there."""
        return SqliteState(self.engine, self.account, self.region, moment)

    def keep_past(self, kinds: frozenset[str], seconds: float) -> None:
        """Keep what rows were whose keys begin with one of `kinds`, for so long."""
        self.engine.past.keep(kinds, seconds)

    def remembered(self, key: Key) -> Any:
        """What is remembered under `key`, unless it may be a write that may yet be undone."""
        engine = self.engine
        if engine.closed or engine.inside or engine.group.busy or self._moment is not None:
            return UNKNOWN
        memory = engine.memory
        return memory.settled(memory.key(engine.place(self.account, self.region), key), engine.group.number)

    @property
    def epoch(self) -> int | None:
        """How often what is remembered was written; None while a write may yet be undone, or for what was."""
        engine = self.engine
        if engine.closed or engine.inside or engine.group.busy or self._moment is not None:
            return None
        return engine.memory.epoch

    async def close(self) -> None:
        """Commit what is open and close the database, for all places."""
        await self.engine.close()

    async def run(self, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> R:
        """Run `function(tx, *args, **kwargs)` as one transaction; returns after its commit."""
        engine = self.engine
        group = engine.group
        if engine.closed:
            raise Closed("the state is closed")
        if group.busy:
            await group.turn()
        if engine.inside:
            raise RuntimeError("a transaction was begun inside another: call its function with tx, not with the state")
        if not engine.reading.held:
            engine.reading.hold()
        past, moment = engine.past, self._moment
        kept = past if past.kinds else None
        tx: SqliteTransaction
        if moment is None:
            work = Work(engine, kept)
            tx = SqliteTransaction(work, self.account, self.region, engine.clock.now())
        else:
            work = PastWork(engine, kept)
            tx = PastTransaction(work, self.account, self.region, engine.clock.now(), past, moment)
        single = current()
        engine.inside = True
        try:
            if single is None:
                result = _drive(function(tx, *args, **kwargs))
            else:
                result = _drive(single.run(tx, lambda: work.writes, function, *args, **kwargs))
            if work.put is not None:
                group.write_alone(engine.write, PUT, work.put)
        except BaseException as error:
            if work.wrote:
                group.undo(error)
            raise
        finally:
            engine.inside = False
        if work.wrote or work.put is not None or work.tallies:
            if work.earliest_timer is not None and engine.on_timer is not None:
                work.actions.append(partial(engine.on_timer, work.earliest_timer))
            await group.keep(work.actions, work.tallies, work.heads, savepoint=work.wrote)
        elif group.is_open:
            await group.follow(work.actions)
        else:
            run_actions(work.actions)
        return result

    async def read(self, key: Key | Encoded) -> bytes | None:
        """The value under `key`, or None: without a transaction's ceremony, which takes twice as long as the row."""
        engine = self.engine
        group = engine.group
        if engine.closed or engine.inside or group.busy or self._moment is not None:
            return await super().read(key)
        if not engine.reading.held:
            engine.reading.hold()
        raw = engine.place(self.account, self.region) + (key if type(key) is bytes else encode(key))  # type: ignore[arg-type]
        found: bytes | None = engine.find(ROW, (raw,)).get
        if group.is_open:
            await group.follow([])
        return found

    async def recall(self, function: Callable[..., Awaitable[R]], *args: Any) -> R:
        """As `run`, unless the answer is known, or what is remembered tells it."""
        recalled, key = self.engine.recalled, (self.account, self.region, function, args)
        found = recalled.get(self, key)
        if found is not None:
            return cast(R, found[0])
        epoch = self.epoch
        try:
            result = _drive(function(Glance(self), *args))
        except LookupError:
            return await self.run(function, *args)
        recalled.keep(self, epoch, key, (result,))
        return result

    @asynccontextmanager
    async def watch(self, topic: str) -> AsyncIterator[Watch]:
        """Follow `tx.notify(topic)` of this place."""
        raw = encode((self.account, self.region, topic))
        watch = SqliteWatch()
        self.engine.watches.setdefault(raw, []).append(watch)
        try:
            yield watch
        finally:
            watches = self.engine.watches[raw]
            watches.remove(watch)
            if not watches:
                del self.engine.watches[raw]

    async def lease(self, name: str, owner: str, ttl: float) -> int | None:
        """Take or renew a lease for `ttl` seconds; a fencing token that grows with each owner, None when held."""
        return await self.run(_lease, name, owner, ttl)

    async def release_lease(self, name: str, owner: str) -> None:
        """Give a lease back before it expires."""
        await self.run(_release_lease, name, owner)

    async def reset(self, account: str | None = None) -> None:
        """Remove everything, or everything of one account."""
        await self.run(_reset, account)

    async def due_timers(self, limit: int, *, besides: Collection[int] = ()) -> list[Timer]:
        """Timers of all places that are due, the earliest first; `besides` those of some ids."""
        return await self.run(_due_timers, limit, besides)

    async def next_timer(self, *, after: float = float("-inf")) -> float | None:
        """When the earliest timer of all places is due, of those due after a time (epoch seconds); None without any."""
        return await self.run(_next_timer, after)

    async def postpone_timer(self, timer: Timer, due: float) -> None:
        """Have a timer that failed fire again at `due`, one attempt on."""
        await self.run(_postpone_timer, timer, due)


class SqliteWatch(Watch):
    """Notifications of one topic, several that came together counting once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """A notification."""
        self._event.set()

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for the next notification; False on time-out (real seconds)."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True

    async def __aiter__(self) -> AsyncIterator[None]:
        while True:
            await self.wait()
            yield


def _page_size(contents: Path) -> int:
    with contextlib.closing(apsw.Connection(str(contents))) as source:
        return int(source.execute("PRAGMA page_size").get)


def _fill(connection: apsw.Connection, contents: Path) -> None:
    with (
        contextlib.closing(apsw.Connection(str(contents))) as source,
        connection.backup("main", source, "main") as backup,
    ):
        backup.step(-1)
    mark(connection)


def _drive(transaction: Awaitable[R]) -> R:
    """Run a transaction function to its end; RuntimeError when it awaits anything but its transaction."""
    iterator = transaction.__await__()
    try:
        next(iterator)
    except StopIteration as ended:
        return cast(R, ended.value)
    with contextlib.suppress(BaseException):
        iterator.close()
    raise RuntimeError("a transaction function awaited something other than its transaction; it was undone")


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise DataInUse(f"{path.parent} is in use by another Kumoi (pid {owner}).") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _work(tx: Transaction) -> Work:
    assert isinstance(tx, SqliteTransaction)
    return tx._work


async def _lease(tx: Transaction, name: str, owner: str, ttl: float) -> int | None:
    work = _work(tx)
    raw = encode((tx.account, tx.region, name))
    row = work.find("SELECT owner, expires, token FROM leases WHERE k = ?", (raw,)).get
    if row is not None and row[0] != owner and row[1] > tx.now:
        return None
    token = 1 if row is None else row[2] + (row[0] != owner or row[1] <= tx.now)
    work.write(
        "INSERT INTO leases (k, owner, expires, token) VALUES (?, ?, ?, ?) ON CONFLICT (k) DO UPDATE "
        "SET owner = excluded.owner, expires = excluded.expires, token = excluded.token",
        (raw, owner, tx.now + ttl, token),
    )
    return int(token)


async def _release_lease(tx: Transaction, name: str, owner: str) -> None:
    work = _work(tx)
    raw = encode((tx.account, tx.region, name))
    work.write("UPDATE leases SET expires = 0 WHERE k = ? AND owner = ?", (raw, owner))


async def _reset(tx: Transaction, account: str | None) -> None:
    work = _work(tx)
    work.engine.group.write_kept()
    work.engine.memory.clear()
    if work.past is not None:
        work.past.clear()
    for table in KEYED_TABLES:
        if account is None:
            work.write(f"DELETE FROM {table}", ())  # noqa: S608  (a constant of ours)
        else:
            low = encode((account,))
            work.write(f"DELETE FROM {table} WHERE k >= ? AND k < ?", (low, after_prefix(low)))  # noqa: S608


async def _due_timers(tx: Transaction, limit: int, besides: Collection[int]) -> list[Timer]:
    work = _work(tx)
    rows = work.find(
        "SELECT id, due, topic, payload, name, account, region, attempts FROM timers WHERE due <= ? "
        "ORDER BY due, id LIMIT ?",
        (tx.now, limit + len(besides)),
    ).fetchall()
    return [Timer(*row) for row in rows if row[0] not in besides][:limit]


async def _next_timer(tx: Transaction, after: float) -> float | None:
    work = _work(tx)
    due = work.find("SELECT due FROM timers WHERE due > ? ORDER BY due LIMIT 1", (after,)).get
    return None if due is None else float(due)


async def _postpone_timer(tx: Transaction, timer: Timer, due: float) -> None:
    work = _work(tx)
    work.write("UPDATE timers SET due = ?, attempts = attempts + 1 WHERE id = ?", (due, timer.id))
    work.earliest_timer = due
