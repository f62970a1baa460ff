"""Group commit: transactions of one turn of the event loop share one COMMIT.

Each transaction that writes is a SAVEPOINT of an open BEGIN IMMEDIATE; an exception rolls back its own savepoint
alone. The group is committed when the turn's ready callbacks have run, and only then do its members return. Under
durability `full` the COMMIT (an fsync) runs in one helper thread while what comes next waits for the next group.

Why our own: measured, a transaction costs 5.6 µs in a group of 32 against 25 µs alone, and an fsync is shared.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, TypeVar

import apsw

from kumoi.state.held_read import HeldRead

logger = logging.getLogger(__name__)

MAX_GROUP = 512
"""Transactions after which a group is committed without waiting for the turn to end."""

TALLY = "INSERT INTO counters (k, n) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET n = n + excluded.n"
HEAD = "INSERT INTO stream_heads (k, last) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET last = excluded.last"

Action = Callable[[], None]
R = TypeVar("R")


class CommitFailed(Exception):
    """The group's COMMIT failed, or SQLite gave the group up (a full disk, say): nothing of it is stored."""


class _Group:
    """Who waits for one COMMIT, what counters grow by and streams have come to until then, and what to run after it."""

    __slots__ = ("actions", "heads", "members", "tallies")

    def __init__(self) -> None:
        self.heads: dict[bytes, int] = {}
        self.tallies: dict[bytes, int] = {}
        self.members: list[asyncio.Future[None]] = []
        self.actions: list[Action] = []


class GroupCommit:
    """The open group of one connection, and the queue for the connection while a thread holds it.

    `undone` is called when a whole group was undone.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        reading: HeldRead,
        durability: Literal["normal", "full"],
        undone: Callable[[], None],
    ) -> None:
        self.busy = False
        """Whether a thread holds the connection: await `turn` before using it."""
        self.committed = 0
        """How many groups were."""
        self._connection = connection
        self._execute = connection.cursor().execute
        self._reading = reading
        self._undone = undone
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit") if durability == "full" else None
        self._group: _Group | None = None
        self._begun = 0
        self._turns: list[asyncio.Future[None]] = []

    @property
    def is_open(self) -> bool:
        """Whether there are writes that are not committed yet."""
        return self._group is not None

    @property
    def number(self) -> int:
        """The number of the group that is open, 0 without one."""
        return 0 if self._group is None else self._begun

    async def turn(self) -> None:
        """Wait until the connection is free."""
        while self.busy:
            turn = asyncio.get_running_loop().create_future()
            self._turns.append(turn)
            await turn

    def begin(self) -> None:
        """Open a group, or join the open one, with a savepoint for one transaction's writes."""
        self._open()
        self._execute("SAVEPOINT member")

    def write_alone(self, write: Callable[[str, Any], Any], statement: str, parameters: tuple[Any, ...]) -> None:
        """Run a transaction's only statement in the open group, or a new one: if it fails, SQLite has undone it."""
        self._open()
        try:
            write(statement, parameters)
        except apsw.Error as error:
            if not self._connection.in_transaction:
                self._abandon(error)
            raise

    def _open(self) -> _Group:
        """The group that is open, or a new one."""
        if self._group is not None and not self._connection.in_transaction:
            self._abandon("an earlier transaction of its group broke the group")
        if self._group is None:
            self._execute("BEGIN IMMEDIATE")
            self._group = _Group()
            self._begun += 1
            asyncio.get_running_loop().call_soon(self._commit, self._group)
        return self._group

    def keep(
        self, actions: list[Action], tallies: dict[bytes, int], heads: dict[bytes, int], *, savepoint: bool
    ) -> asyncio.Future[None]:
        """Keep a transaction's writes; done, its actions run, once the group is committed. CommitFailed if it broke."""
        if savepoint:
            try:
                self._execute("RELEASE member")
            except apsw.Error as error:
                self._abandon(error)
                raise CommitFailed(str(error)) from error
        if tallies:
            kept = self._open().tallies
            for key, delta in tallies.items():
                kept[key] = kept.get(key, 0) + delta
        if heads:
            self._open().heads.update(heads)
        return self.follow(actions)

    def tallied(self, key: bytes) -> int:
        """What a counter grows by when the open group is committed."""
        return 0 if self._group is None else self._group.tallies.get(key, 0)

    def head(self, key: bytes) -> int:
        """The last number of a stream when the open group is committed; 0 where it has given none."""
        return 0 if self._group is None else self._group.heads.get(key, 0)

    def write_kept(self) -> None:
        """Write what the open group keeps for its end, outside of its transactions. CommitFailed if that breaks it."""
        group = self._group
        if group is None or not self._connection.in_transaction:
            return
        tallies, group.tallies = group.tallies, {}
        heads, group.heads = group.heads, {}
        try:
            for tally in tallies.items():
                self._execute(TALLY, tally)
            for head in heads.items():
                self._execute(HEAD, head)
        except apsw.Error as error:
            self._abandon(error)
            raise CommitFailed(str(error)) from error

    def follow(self, actions: list[Action]) -> asyncio.Future[None]:
        """As `keep`, for a transaction that only read: it may have seen what the open group has yet to commit."""
        group = self._group
        assert group is not None
        member = asyncio.get_running_loop().create_future()
        group.members.append(member)
        group.actions += actions
        if len(group.members) >= MAX_GROUP:
            self._commit(group)
        return member

    def undo(self, cause: BaseException) -> None:
        """Undo a transaction's writes; the group's other members keep theirs, unless SQLite has undone them too."""
        try:
            self._connection.execute("ROLLBACK TO member")
            self._connection.execute("RELEASE member")
        except apsw.Error:  # a full disk or an I/O error rolls back all there is, savepoints included
            self._abandon(cause)

    async def let_go(self) -> None:
        """Give back the lock of reading, for the log to be folded to its end or to begin anew."""
        await self.turn()
        self._reading.release()

    async def between(self, function: Callable[[], R]) -> R:
        """Run a function on the loop, at once when no transaction is open."""
        await self._settle()
        return function()

    async def alone(self, function: Callable[[], R], *, first: Callable[[], None] = lambda: None) -> R:
        """Run a function in a thread while no transaction is open and none begins; `first` on the loop before it."""
        await self._settle()
        self.busy = True
        self._reading.release()
        try:
            first()
            return await asyncio.to_thread(function)
        finally:
            self._free()

    async def close(self) -> None:
        """Commit what is open, and what waited for its turn, then return."""
        await self._settle()
        if self._thread is not None:
            self._thread.shutdown()

    async def _settle(self) -> None:
        """Commit until nothing is open and nobody holds the connection."""
        while self.busy or self._group is not None:
            if self._group is not None:
                self._commit(self._group)
            await self.turn()

    def _abandon(self, cause: object) -> None:
        """The group cannot be committed any more: its members fail, and the next write opens another."""
        group, self._group = self._group, None
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if group is not None:
            self._fail(group, cause)

    def _commit(self, group: _Group) -> None:
        if group is not self._group:
            return
        if group.tallies or group.heads:
            try:
                self.write_kept()
            except CommitFailed:
                return
        self._group = None
        if self._thread is None:
            self._finish(group, _attempt(self._connection))
            return
        self.busy = True
        running = asyncio.get_running_loop().run_in_executor(self._thread, _attempt, self._connection)
        running.add_done_callback(partial(self._committed, group))

    def _committed(self, group: _Group, attempt: asyncio.Future[apsw.Error | None]) -> None:
        self._free()
        self._finish(group, attempt.result())

    def _finish(self, group: _Group, failure: apsw.Error | None) -> None:
        if failure is not None:
            self._fail(group, failure)
            return
        self.committed += 1
        for member in group.members:
            if not member.done():
                member.set_result(None)
        run_actions(group.actions)

    def _fail(self, group: _Group, cause: object) -> None:
        self._undone()
        for member in group.members:
            if not member.done():
                member.set_exception(CommitFailed(str(cause)))

    def _free(self) -> None:
        self.busy = False
        turns, self._turns = self._turns, []
        for turn in turns:
            if not turn.done():
                turn.set_result(None)


def run_actions(actions: Iterable[Action]) -> None:
    """Run what was to run after a commit. It cannot undo the commit any more: what fails is logged."""
    for action in actions:
        try:
            action()
        except Exception:
            logger.exception("an action failed after its transaction was committed")


def _attempt(connection: apsw.Connection) -> apsw.Error | None:
    """COMMIT, or else undo it all; the error that prevented it."""
    try:
        connection.execute("COMMIT")
    except apsw.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return error
    return None
