"""DuckDB databases in memory: the platform's own, for its own statements, and sealed ones for statements of others.

DuckDB is imported at the first use, so that a platform that never needs it does not pay its memory.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_MEMORY = "1GB"


def text_literal(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def files(paths: Sequence[Path]) -> str:
    """A list of paths as an SQL literal."""
    return "[" + ", ".join(text_literal(str(path)) for path in paths) + "]"


def connect(spill: Path, *, threads: int) -> duckdb.DuckDBPyConnection:
    """A database in memory; big sorts go to `spill`."""
    import duckdb

    database = duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": _MEMORY,
            "temp_directory": str(spill),
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    database.execute("SET TimeZone = 'UTC'")
    return database


def seal(database: duckdb.DuckDBPyConnection, paths: Sequence[Path], folders: Sequence[Path] = ()) -> None:
    """Let a database open these files, write below these folders, and reach nothing else from now on."""
    allowed_folders = [folder.resolve() for folder in folders]
    database.execute(f"SET allowed_paths = {files(paths)}")
    database.execute(f"SET allowed_directories = {files(allowed_folders)}")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


class Database:
    """One database for the platform's own statements; each use gets a cursor, with temporary tables of its own."""

    def __init__(self, spill: Path) -> None:
        self._spill = spill
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None

    @contextlib.contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor, closed afterwards."""
        with self._lock:
            if self._connection is None:
                self._connection = connect(self._spill, threads=1)
            cursor = self._connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
