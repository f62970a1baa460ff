"""The databases in use and the transactions open in them.

Transactions live in memory: the end of the platform rolls them back, as the end of a database server would. One that
nobody used for three minutes is rolled back too (the Data API's rule). SQLite and sqlglot are imported at the first
statement: a platform starts without them.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kumoi.clock import Clock
from kumoi.services.rds.data.failures import bad_request, database_error
from kumoi.wire.errors import AwsError, aws_error

if TYPE_CHECKING:
    from kumoi.services.rds.data.database import Database, Result, Session
    from kumoi.services.rds.data.dialect import Statement
    from kumoi.services.rds.data.fields import Value
    from kumoi.services.rds.data.parsing import Engine

IDLE_SECONDS = 180.0
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$-]{0,62}")


class OpenTransaction:
    """A transaction: no connection before its first statement. One statement at a time."""

    def __init__(self, cluster: str, name: str, database: Database, used: float) -> None:
        self.cluster = cluster
        self.name = name
        self.database = database
        self.used = used
        self.turn = asyncio.Lock()
        self.ended = False
        self._aborted = False
        """Whether a statement of PostgreSQL's failed: nothing runs any more before it goes back to a savepoint."""
        self._connection: Session | None = None

    async def run(self, statement: Statement, sets: list[Mapping[str, Value]]) -> list[Result]:
        """Run a statement within it; its turn must be held."""
        if self._connection is None:
            await self.database.claim()
            try:
                self._connection = await self.database.begin()
            except BaseException:
                self.database.writing.release()
                raise
        back = statement.kind == "savepoint" and statement.sql.startswith("ROLLBACK")
        if self._aborted and not back:
            raise _aborted()
        try:
            if statement.kind == "savepoint":
                found = await self.database.mark(self._connection, statement)
            else:
                found = await self.database.within(self._connection, statement, sets)
        except AwsError:
            self._aborted = statement.engine == "postgres"
            raise
        self._aborted = False
        return found

    async def end(self, word: str) -> None:
        """`COMMIT` or `ROLLBACK`; its turn must be held. What failed cannot be committed: it is rolled back."""
        self.ended = True
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await self.database.end(connection, "ROLLBACK" if self._aborted else word)
            finally:
                self.database.writing.release()
            if self._aborted and word == "COMMIT":
                raise _aborted()


class Databases:
    """Every open database and transaction. `root` holds a directory for each cluster, named by its resource id."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._clock = clock
        self._open: dict[tuple[str, str], Database] = {}
        self._transactions: dict[str, OpenTransaction] = {}
        self._watching: set[asyncio.Task[None]] = set()

    async def find(self, cluster: str, name: str, engine: Engine, *, always: bool) -> Database:
        """The database of that name; DatabaseNotFoundException for none. `always`: it is made when first used."""
        known = self._open.get((cluster, name))
        if known is not None:
            return known
        from kumoi.services.rds.data.database import Database

        path = self._path(cluster, name)
        if not always and not await asyncio.to_thread(path.exists):
            raise aws_error("DatabaseNotFoundException", f'FATAL: database "{name}" does not exist; SQLState: 3D000')
        await asyncio.to_thread(partial(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True))
        found = Database(path, self._clock.now, engine)
        return self._open.setdefault((cluster, name), found)

    async def create(self, cluster: str, name: str, engine: Engine) -> None:
        """CREATE DATABASE."""
        from kumoi.services.rds.data.dialect import Statement

        if await asyncio.to_thread(self._path(cluster, name).exists):
            raise database_error(f'ERROR: database "{name}" already exists; SQLState: 42P04')
        database = await self.find(cluster, name, engine, always=True)
        await database.run(Statement("SELECT 1", "write", frozenset()), [{}])

    async def drop(self, cluster: str, name: str | None = None) -> None:
        """Remove one database of a cluster, or all that the cluster has."""
        for transaction in [one for one in self._transactions.values() if one.cluster == cluster]:
            if name is None or transaction.database is self._open.get((cluster, name)):
                async with transaction.turn:
                    await self._end(transaction, "ROLLBACK")
        for key in [key for key in self._open if key[0] == cluster and name in (None, key[1])]:
            self._open.pop(key).close()
        if name is None:
            await asyncio.to_thread(shutil.rmtree, self._root / cluster, ignore_errors=True)
            return
        path = self._path(cluster, name)
        for suffix in ("", "-wal", "-shm"):
            await asyncio.to_thread(partial(path.with_name(path.name + suffix).unlink, missing_ok=True))

    async def forget(self, account: str | None) -> None:
        """Remove the databases of an account, or all."""
        names = await asyncio.to_thread(lambda: [one.name for one in self._root.iterdir()])
        for cluster in {*names, *(cluster for cluster, _ in self._open)}:
            if account is None or cluster.startswith(f"{account}."):
                await self.drop(cluster)

    async def begin(self, cluster: str, database: Database) -> str:
        """Open a transaction; the answer is its id."""
        name = base64.b64encode(secrets.token_bytes(93)).decode()
        transaction = OpenTransaction(cluster, name, database, self._clock.now())
        self._transactions[name] = transaction
        watching = asyncio.create_task(self._watch(transaction))
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)
        return name

    async def run_in(
        self, cluster: str, name: str, statement: Statement, sets: list[Mapping[str, Value]]
    ) -> list[Result]:
        """Run a statement in a transaction."""
        transaction = self._find(cluster, name)
        async with transaction.turn:
            if transaction.ended:
                raise _not_found(name)
            try:
                return await transaction.run(statement, sets)
            finally:
                transaction.used = self._clock.now()

    async def end(self, cluster: str, name: str, word: str) -> None:
        """Commit or roll back a transaction."""
        transaction = self._find(cluster, name)
        async with transaction.turn:
            if transaction.ended:
                raise _not_found(name)
            await self._end(transaction, word)

    async def stop(self) -> None:
        """Roll back what is open and close every file."""
        for watching in self._watching:
            watching.cancel()
        for transaction in list(self._transactions.values()):
            async with transaction.turn:
                await self._end(transaction, "ROLLBACK")
        for database in self._open.values():
            database.close()

    async def _end(self, transaction: OpenTransaction, word: str) -> None:
        self._transactions.pop(transaction.name, None)
        if not transaction.ended:
            await transaction.end(word)

    async def _watch(self, transaction: OpenTransaction) -> None:
        while not transaction.ended:
            await self._clock.sleep_until(transaction.used + IDLE_SECONDS)
            async with transaction.turn:
                if self._clock.now() >= transaction.used + IDLE_SECONDS:
                    await self._end(transaction, "ROLLBACK")

    def _find(self, cluster: str, name: str) -> OpenTransaction:
        found = self._transactions.get(name)
        if found is None or found.cluster != cluster:
            raise _not_found(name)
        return found

    def _path(self, cluster: str, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise bad_request(f'"{name}" is not the name of a database.')
        return self._root / cluster / f"{name}.db"


def _aborted() -> AwsError:
    return database_error(
        "ERROR: current transaction is aborted, commands ignored until end of transaction block; SQLState: 25P02"
    )


def _not_found(name: str) -> AwsError:
    return aws_error("TransactionNotFoundException", f"Transaction {name} is not found")
