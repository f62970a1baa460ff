"""Interruptions of DuckDB that hold: it forgets one that comes between two statements, so it is told until it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

INSIST = 0.05
"""Real seconds between two interruptions of what has not ended."""


class Interruption:
    """Ends what a database does for one query. `asked` is whether it was asked for, from any thread."""

    def __init__(self) -> None:
        self.asked = False
        self._database: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()

    @contextmanager
    def reaches(self, database: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Interrupt this database while the block runs; once."""
        self._database = database
        try:
            yield
        finally:
            with self._lock:
                self._database = None
            self._over.set()

    def ask(self) -> None:
        """Have the block end early, if it runs; one that has not begun looks at `asked`."""
        self.asked = True
        if self._database is not None:
            threading.Thread(target=self._insist, name="interrupting", daemon=True).start()

    def _insist(self) -> None:
        while not self._over.is_set():
            with self._lock:
                if self._database is not None:
                    self._database.interrupt()
            self._over.wait(INSIST)
