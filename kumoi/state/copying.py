"""A copy of the state as it was at one moment, made while transactions go on.

A file is read through a connection of its own that holds on to the moment (a read transaction of the write-ahead
log); a database in memory has one connection only, so that transactions wait while its pages are copied. The copy is
one file without a log. What comes from elsewhere is checked before it is opened: it has the tables of this engine and
nothing besides, no trigger and no view.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw

from kumoi.state.schema import OLDEST, VERSION, open_connection, version_of
from kumoi.state.sqlite import SqliteState


class NotState(Exception):
    """A file is not a state that this Kumoi can open; the text says why."""


async def copy_state(state: SqliteState, target: Path, at: Callable[[], None]) -> None:
    """Copy the state to the file `target`; `at` is called at the very moment that the copy shows.

    It runs on the event loop while no transaction is open, so that what it holds on to belongs to the same moment.
    """
    engine = state.engine
    if engine.path is None:
        await engine.group.alone(lambda: _write(engine.connection, target), first=at)
        return
    path = engine.path

    def hold() -> apsw.Connection:
        found = apsw.Connection(str(path))
        found.execute("BEGIN")
        found.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        at()
        return found

    source = await engine.group.between(hold)
    try:
        await asyncio.to_thread(_write, source, target)
    finally:
        source.close()


def check_state(path: Path) -> None:
    """Raise NotState unless the file is a whole database of this engine; blocks."""
    try:
        connection = apsw.Connection(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        )
    except apsw.Error as error:
        raise NotState(f"the state cannot be opened: {error}") from None
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        version = version_of(connection)
        if version > VERSION:
            raise NotState(
                f"the state was written by a newer Kumoi (data version {version}, this one knows {VERSION}): "
                "load it with that one"
            )
        if version < OLDEST:
            raise NotState(
                f"the state has data version {version}, which this Kumoi cannot read ({OLDEST} to {VERSION})"
            )
        if _schema(connection) != _own_schema():
            raise NotState("the state has other tables than Kumoi's")
        pages, size = (connection.execute(f"PRAGMA {one}").get for one in ("page_count", "page_size"))
        if path.stat().st_size != pages * size:  # SQLite reads the rest of a last page that is cut as zeros
            raise NotState("the state is damaged: it is not as long as it says")
        verdict = connection.execute("PRAGMA quick_check(1)").get
        if verdict != "ok":
            raise NotState(f"the state is damaged: {verdict}")
    except apsw.Error as error:
        raise NotState(f"the state cannot be read: {error}") from None
    finally:
        connection.close()


def _write(source: apsw.Connection, target: Path) -> None:
    copy = apsw.Connection(str(target))
    try:
        copy.execute("PRAGMA synchronous = OFF")
        with copy.backup("main", source, "main") as backup:
            backup.step(-1)
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()


def _schema(connection: apsw.Connection) -> set[tuple[str, str, str | None]]:
    return set(connection.execute("SELECT type, name, sql FROM sqlite_schema"))


def _own_schema() -> set[tuple[str, str, str | None]]:
    connection = open_connection(None, "normal")
    try:
        return _schema(connection)
    finally:
        connection.close()
