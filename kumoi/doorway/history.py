"""History: what the platform has noted of calls is forgotten once it is old, or it would fill the disk in the end.

A call leaves some hundred bytes. What is too old is looked for when the platform starts, and then once a day of its
time; tables of a service's own may be kept for another time.
"""

from __future__ import annotations

import logging

from kumoi.clock import Clock
from kumoi.lake import Lake

logger = logging.getLogger(__name__)

DAY = 86_400.0
KEPT = 30 * DAY
"""Seconds for which history is kept, unless told otherwise."""


class History:
    """Which tables of the lake are history. `kept` is for how many seconds they are, None for good."""

    def __init__(self, lake: Lake, clock: Clock, *, kept: float | None = KEPT) -> None:
        self._lake = lake
        self._clock = clock
        self._kept = kept
        self._tables: dict[str, float] = {}

    def keep(self, table: str, seconds: float | None = None) -> None:
        """Have a table's rows forgotten once they are as old as all history, or `seconds`."""
        kept = self._kept if seconds is None else seconds
        if kept is not None:
            self._tables[table] = kept

    async def forget(self) -> None:
        """Forget what is too old by now."""
        for table, seconds in self._tables.items():
            before = int((self._clock.now() - seconds) * 1000)
            await self._lake.retain(table, account=None, region=None, before=before)

    async def run(self) -> None:
        """Forget what is too old, now and once a day, until it is cancelled."""
        while True:
            again = self._clock.now() + DAY
            try:
                await self.forget()
            except OSError:
                logger.exception("what is too old could not be forgotten; the next try is in a day")
            await self._clock.sleep_until(again)
