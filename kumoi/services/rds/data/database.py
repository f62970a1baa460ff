"""One database: a SQLite file, its connections, and the right to write.

SQLite has one writer at a time, so the right to write is a lock of the loop: who waits for it holds no thread. A
statement of its own commits by itself; a transaction takes the lock with its first statement and keeps it to its end.
Readers outside of transactions never wait. Statements run on threads, end at a deadline, and reach nothing but their
own file: the authorizer refuses what would open another.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import apsw
from sqlglot import exp

from kumoi.services.rds.data.alterations import alter
from kumoi.services.rds.data.catalog import (
    TABLES,
    carry_out,
    functions_of,
    known_columns,
    require,
    unique_constraint,
)
from kumoi.services.rds.data.dialect import Statement
from kumoi.services.rds.data.failures import bad_request, database_error, refusal, unique_columns
from kumoi.services.rds.data.fields import Column, Value
from kumoi.services.rds.data.functions import DETERMINISTIC, functions
from kumoi.services.rds.data.parsing import Engine, Refused
from kumoi.services.rds.data.system_views import VIEWS, names
from kumoi.services.rds.data.values import BadValue
from kumoi.wire.errors import AwsError, aws_error

P = ParamSpec("P")
R = TypeVar("R")

SECONDS = 45.0
MOST_BYTES = 1_048_576
_LONGEST_VALUE = 16 * 1024 * 1024
_REFUSED = frozenset((apsw.SQLITE_ATTACH, apsw.SQLITE_DETACH, apsw.SQLITE_CREATE_VTABLE))

_READ = frozenset(("index_info", "index_list", "table_info"))
_PRIMARY = frozenset((apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_ROWID))


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave: rows under columns, or how many it changed and the key that it made."""

    columns: tuple[Column, ...]
    rows: list[tuple[Value, ...]]
    changed: int
    generated: int | None


class Session(apsw.Connection):
    """A connection, and the last key that it made (MySQL's LAST_INSERT_ID)."""

    last_key = 0

    def made(self, *_none: object) -> int:
        """That key; 0 before the first."""
        return self.last_key


class Database:
    """A database file. `now` is the platform's time; a commit waits for the disk."""

    def __init__(self, path: Path, now: Callable[[], float], engine: Engine = "postgres") -> None:
        self.path = path
        self.writing = asyncio.Lock()
        self._functions = {**functions(now, whole_seconds=engine == "mysql"), **names(path.stem, engine)}
        self._case_sensitive_like = engine == "postgres"
        self._idle: list[Session] = []
        self._guard = threading.Lock()

    async def run(self, statement: Statement, sets: list[Mapping[str, Value]]) -> list[Result]:
        """Run a statement by itself, once for each set of values, all or none of them."""
        if statement.kind == "savepoint":
            word = statement.sql.partition(" ")[0]
            raise database_error(f"ERROR: {word} can only be used in transaction blocks; SQLState: 25P01")
        if statement.kind == "read":
            return await self._in_thread(self._alone, statement, sets)
        await self.claim()
        try:
            return await self._in_thread(self._alone, statement, sets)
        finally:
            self.writing.release()

    async def claim(self) -> None:
        """Take the right to write; DatabaseErrorException when another transaction does not end."""
        try:
            async with asyncio.timeout(SECONDS):
                await self.writing.acquire()
        except TimeoutError:
            raise database_error(
                "ERROR: canceling statement due to lock timeout: another transaction holds the database "
                "(Kumoi's SQLite engine has one writer at a time); SQLState: 55P03"
            ) from None

    async def begin(self) -> Session:
        """A connection within a transaction; the right to write must be held."""
        return await self._in_thread(self._begin)

    async def mark(self, connection: Session, statement: Statement) -> list[Result]:
        """Set a savepoint within a transaction, or go back to one."""
        return await self._in_thread(self._mark, connection, statement)

    async def within(self, connection: Session, statement: Statement, sets: list[Mapping[str, Value]]) -> list[Result]:
        """Run a statement on the connection of a transaction; what fails changes nothing."""
        return await self._in_thread(self._nested, connection, statement, sets)

    async def end(self, connection: Session, word: str) -> None:
        """`COMMIT` or `ROLLBACK`."""
        await self._in_thread(self._end, connection, word)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._guard:
            while self._idle:
                self._idle.pop().close()

    async def _in_thread(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """Run on a thread; to the end, even when the caller goes away, so that no connection is in two hands."""
        running = asyncio.ensure_future(asyncio.to_thread(function, *arguments, **named))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    def _alone(self, statement: Statement, sets: list[Mapping[str, Value]]) -> list[Result]:
        connection = self._connection()
        try:
            if len(sets) == 1:
                return [_execute(connection, statement, sets[0])]
            connection.execute("BEGIN IMMEDIATE" if statement.kind != "read" else "BEGIN")
            try:
                found = [_execute(connection, statement, values) for values in sets]
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            return found
        finally:
            self._give_back(connection)

    def _begin(self) -> Session:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _mark(self, connection: Session, statement: Statement) -> list[Result]:
        try:
            connection.execute(statement.sql)
        except apsw.Error as problem:
            raise _error(connection, problem) from None
        return [Result((), [], 0, None)]

    def _nested(self, connection: Session, statement: Statement, sets: list[Mapping[str, Value]]) -> list[Result]:
        connection.execute("SAVEPOINT statement")
        try:
            found = [_execute(connection, statement, values) for values in sets]
        except BaseException:
            connection.execute("ROLLBACK TO statement")
            raise
        finally:
            connection.execute("RELEASE statement")
        return found

    def _end(self, connection: Session, word: str) -> None:
        try:
            connection.execute(word)
        except apsw.Error as problem:
            connection.execute("ROLLBACK")
            raise database_error(str(problem)) from None
        finally:
            self._give_back(connection)

    def _connection(self) -> Session:
        with self._guard:
            if self._idle:
                return self._idle.pop()
        connection = Session(str(self.path))
        connection.set_busy_timeout(5_000)
        for sql in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"):
            connection.execute(sql)
        if self._case_sensitive_like:
            connection.execute("PRAGMA case_sensitive_like = ON")
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        for name, function in self._functions.items():
            connection.create_scalar_function(name, function, deterministic=name in DETERMINISTIC)
        connection.create_scalar_function("kumoi_last_insert_id", connection.made, 0)
        for name, function in functions_of(connection).items():
            connection.create_scalar_function(name, function)
        connection.execute(TABLES)
        connection.execute(VIEWS)
        connection.set_authorizer(_authorize)
        return connection

    def _give_back(self, connection: Session) -> None:
        with self._guard:
            if connection.in_transaction or len(self._idle) >= 4:
                connection.close(force=True)
            else:
                connection.last_key = 0
                self._idle.append(connection)


def _authorize(action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    if action in _REFUSED or (action == apsw.SQLITE_PRAGMA and first not in _READ):
        return apsw.SQLITE_DENY
    if action == apsw.SQLITE_FUNCTION and second == "load_extension":
        return apsw.SQLITE_DENY
    return apsw.SQLITE_OK


def _execute(connection: Session, statement: Statement, values: Mapping[str, Value]) -> Result:
    missing = sorted(statement.placeholders - values.keys())
    if missing:
        raise bad_request(f"Cannot find parameter: {missing[0]}")
    deadline = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    connection.set_last_insert_rowid(0)
    try:
        if statement.asks:
            statement = statement.knowing(known_columns(connection, statement.asks))
        require(connection, statement.demands)
        if statement.steps is None:
            return _collect(connection, statement, values)
        with connection:
            take = alter if isinstance(statement.steps, exp.Alter) else carry_out
            take(connection, statement.steps.copy())
        return Result((), [], 0, None)
    except apsw.InterruptError:
        raise aws_error(
            "StatementTimeoutException",
            "Query is canceled because it exceeds the timeout of 45 seconds",
            dbConnectionId=0,
        ) from None
    except Refused as problem:
        raise refusal(str(problem)) from None
    except (apsw.Error, BadValue) as problem:
        raise _error(connection, problem) from None
    finally:
        connection.set_progress_handler(None)


def _collect(connection: Session, statement: Statement, values: Mapping[str, Value]) -> Result:
    columns: tuple[Column, ...] = ()

    def declared_in(table: str, column: str) -> str:
        for name in [statement.tables.get(table, "")] if table else statement.tables.values():
            query = "SELECT type FROM pragma_table_info(?) WHERE name = ?"
            for (found,) in connection.execute(query, (name, column)):
                return "int4" if found == "INTEGER" else str(found)
        return ""

    def see(cursor: Any, _sql: str, _values: Any) -> bool:
        nonlocal columns
        count = len(cursor.description_full)
        columns = tuple(
            Column(
                label,
                declared or statement.type_of(at, count, declared_in),
                _own_name(table),
                name or "",
            )
            for at, (label, declared, _database, table, name) in enumerate(cursor.description_full)
        )
        return True

    cursor = connection.cursor()
    cursor.exec_trace = see
    rows: list[tuple[Value, ...]] = []
    size = 0
    for row in cursor.execute(statement.sql, values):
        size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
        if size > MOST_BYTES:
            raise bad_request("Database returned more than the allowed response size limit")
        rows.append(row)
    made = _made_key(connection, statement)
    connection.last_key = made or connection.last_key
    changed = connection.changes() if statement.kind == "write" else 0
    return Result(columns, rows, changed, made or None)


def _made_key(connection: Session, statement: Statement) -> int:
    """The key that an INSERT made by itself; 0 where the table's rows bring their own."""
    made = connection.last_insert_rowid()
    if not made or statement.engine != "mysql":
        return 0
    query = "SELECT 1 FROM main.sqlite_master WHERE name = ? AND instr(sql, 'AUTOINCREMENT')"
    return made if any(connection.execute(query, (name,)).fetchall() for name in statement.tables.values()) else 0


def _own_name(table: str | None) -> str:
    """The name of a table without its schema's."""
    return (table or "").rpartition(".")[2]


def _error(connection: Session, problem: Exception) -> AwsError:
    broken = unique_columns(str(problem))
    if broken is None:
        return database_error(str(problem))
    table, columns = broken
    if getattr(problem, "extendedresult", 0) in _PRIMARY:
        return database_error(str(problem), constraint=f"{_own_name(table)}_pkey")
    return database_error(str(problem), constraint=unique_constraint(connection, table, columns))
