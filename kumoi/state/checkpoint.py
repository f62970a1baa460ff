"""Checkpoints: the write-ahead log is folded into the database file by a thread, so that no commit has to do it.

Left to SQLite, the commit that fills the log pays for it on the event loop's thread: measured, 60 to 180 ms. A second
connection folds what there is while transactions go on; only when they never pause, and the log has grown past
`MAX_PAGES`, do they wait for the rest of it, and the log begins anew.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import apsw

from kumoi.state.group_commit import GroupCommit

logger = logging.getLogger(__name__)

INTERVAL = 0.25
"""Real seconds between two looks at whether anything was written."""
RECOVERY = 10.0
"""Real seconds until the next try after one that failed."""
MAX_PAGES = 8_192
"""Pages of log (8 KB each) past which transactions wait for it to be folded."""


class Checkpoints:
    """Folds the log of one database, which `group` writes."""

    def __init__(self, path: Path, group: GroupCommit) -> None:
        self._folder = apsw.Connection(str(path))
        self._group = group
        self._ending = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, once the checkpoint under way is done."""
        self._ending.set()
        await self._task
        self._folder.close()

    async def _run(self) -> None:
        folded = -1  # a crash may have left a log: the first look finds something to do
        pause = INTERVAL
        while not await self._ends_within(pause):
            pause = INTERVAL
            committed = self._group.committed
            if committed == folded:
                continue
            try:
                await self._group.let_go()
                if await asyncio.to_thread(self._fold) > MAX_PAGES:
                    await self._group.alone(self._fold)
                await self._group.let_go()
            except apsw.Error:
                logger.exception("the write-ahead log could not be folded into the database; it grows meanwhile")
                pause = RECOVERY
            else:
                folded = committed

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._ending.wait()
        except TimeoutError:
            return False

    def _fold(self) -> int:
        """Fold what is committed; the pages the log holds."""
        _, pages, _ = self._folder.execute("PRAGMA wal_checkpoint(PASSIVE)").get
        return int(pages)
