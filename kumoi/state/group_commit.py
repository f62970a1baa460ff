"""Group commit: transactions of one turn of the event loop share one COMMIT.

Each transaction that writes is a SAVEPOINT of an open BEGIN IMMEDIATE; an exception rolls back its own savepoint
alone. The group is committed when the turn's ready callbacks have run, and only then do its members return. Under
durability `full` the COMMIT (an fsync) runs in one helper thread while what comes next waits for the next group.

Why our own: measured, a transaction costs 5.6 µs in a group of 32 against 25 µs alone, and an fsync is shared.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

MAX_GROUP = 512
"""Transactions after which a group is committed without waiting for the turn to end."""


class CommitFailed(Exception):
    """The group's COMMIT failed (a full disk, say): nothing of it is stored."""


class GroupCommit:
    """The open group of one connection."""

    def __init__(self, connection: sqlite3.Connection, durability: Literal["normal", "full"]) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit") if durability == "full" else None
        self._done: asyncio.Future[None] | None = None
        self._committing: asyncio.Future[None] | None = None
        self._members = 0
        self._actions: list[Callable[[], None]] = []

    @property
    def committing(self) -> asyncio.Future[None] | None:
        """Done when the connection is free again; None while it is free."""
        return self._committing

    @property
    def done(self) -> asyncio.Future[None] | None:
        """Resolved once the open group is committed; None when no group is open."""
        return self._done

    def begin(self) -> None:
        """Open a group, or join the open one, with a savepoint for one transaction's writes."""
        if self._done is None:
            self._connection.execute("BEGIN IMMEDIATE")
            loop = asyncio.get_running_loop()
            self._done = loop.create_future()
            loop.call_soon(self._commit, self._done)
        self._connection.execute("SAVEPOINT member")

    def keep(self, actions: list[Callable[[], None]]) -> None:
        """Keep a transaction's writes; its actions run once the group is committed."""
        self._connection.execute("RELEASE member")
        self._actions += actions
        self._members += 1
        if self._members >= MAX_GROUP and self._done is not None:
            self._commit(self._done)

    def also(self, actions: list[Callable[[], None]]) -> None:
        """Run the actions of a transaction that only read, once the open group is committed."""
        self._actions += actions

    def undo(self) -> None:
        """Undo a transaction's writes; the group's other members keep theirs."""
        self._connection.execute("ROLLBACK TO member")
        self._connection.execute("RELEASE member")

    async def close(self) -> None:
        """Commit the open group and wait until it is done."""
        if self._done is not None:
            self._commit(self._done)
        if self._committing is not None:
            await self._committing
        if self._thread is not None:
            self._thread.shutdown()

    def _commit(self, group: asyncio.Future[None]) -> None:
        if group is not self._done:
            return
        actions, self._actions, self._members, self._done = self._actions, [], 0, None
        if self._thread is None:
            self._finish(group, actions, _attempt(self._connection))
            return
        loop = asyncio.get_running_loop()
        self._committing = loop.create_future()
        running = loop.run_in_executor(self._thread, _attempt, self._connection)
        running.add_done_callback(lambda finished: self._free(group, actions, finished.result()))

    def _free(
        self, group: asyncio.Future[None], actions: list[Callable[[], None]], failure: sqlite3.Error | None
    ) -> None:
        committing, self._committing = self._committing, None
        self._finish(group, actions, failure)
        if committing is not None:
            committing.set_result(None)

    def _finish(
        self, group: asyncio.Future[None], actions: list[Callable[[], None]], failure: sqlite3.Error | None
    ) -> None:
        if failure is not None:
            group.set_exception(CommitFailed(str(failure)))
            group.exception()  # members that were cancelled meanwhile do not ask for it
            return
        group.set_result(None)
        for action in actions:
            action()


def _attempt(connection: sqlite3.Connection) -> sqlite3.Error | None:
    """COMMIT, or else undo it all; the error that prevented it."""
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return error
    return None
