"""Waits for a moment in which little is written: then tidying takes processor time from nobody.

A burst of records (a test run, a load) is sealed behind it. Under load that goes on and on there is no such moment;
how much may wait for one, `store` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SECONDS = 1.0
ROWS = 100
"""A moment is quiet in which fewer rows came in."""


class Quiet:
    """Calls `then` after a quiet moment; `written` answers how many rows were written so far."""

    def __init__(self, written: Callable[[], int], then: Callable[[], None]) -> None:
        self._written = written
        self._then = then
        self._before = 0
        self._timer: asyncio.TimerHandle | None = None

    def wait(self) -> None:
        """Begin to wait, unless that is so already."""
        if self._timer is None:
            self._look_later()

    def cancel(self) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        self._before = self._written()
        self._timer = asyncio.get_running_loop().call_later(SECONDS, self._look)

    def _look(self) -> None:
        if self._written() - self._before >= ROWS:
            self._look_later()
        else:
            self._timer = None
            self._then()
