"""The lock that reading takes, kept from one statement to the next.

A statement that stands alone takes a lock of the write-ahead log and gives it back: four system calls, 2 of the 3 µs
that reading a row takes (measured). A statement that is left on its first row keeps the lock for all that follow, and
for the transactions between them. Whoever folds the log, or copies it, has it released before and after: as long as it
is held, the log ends for a fold where it ended when the lock was taken, and cannot begin anew.
"""

from __future__ import annotations

import apsw


class HeldRead:
    """The lock of one connection; `held` tells whether it is."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._standing = connection.cursor()
        self.held = False

    def hold(self) -> None:
        """Take the lock and keep it."""
        self._standing.execute("SELECT 1 FROM sqlite_schema").fetchone()  # of several rows: it is not done
        self.held = True

    def release(self) -> None:
        """Give the lock back, if it is held, once no transaction is open."""
        if self.held:
            self._standing.execute("")
            self.held = False
