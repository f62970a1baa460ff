"""The keeper: once a day, and soon after a start, files of S3's that nothing refers to are removed.

They are left by uploads and queries that broke off with the process, and by bytes that were stored but whose object
was not. What is young is spared: its object may be about to be written. A file is in use as long as a row of its
account counts it.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from kumoi.doorway import Doorway
from kumoi.services.s3.bodies import blobs_of
from kumoi.services.s3.records import blob_uses, buckets
from kumoi.services.s3.topics import KEEPING, SELECTING
from kumoi.state import Timer, Transaction, transactional

logger = logging.getLogger(__name__)

EVERY = 86_400
"""Seconds of the platform's time between two rounds."""
SPARED = 3600
"""Seconds of the machine's time, which files have, for which a file is spared."""


async def keep(doorway: Doorway, timer: Timer) -> None:
    """Go through the files once, and have the next round come."""
    state = doorway.state.at("", "")

    async def in_use(blob_ids: Sequence[str]) -> set[str]:
        return await _in_use(state, blob_ids)

    removed = await blobs_of(doorway).sweep(in_use, time.time() - SPARED)
    if removed:
        logger.info("removed %d files that no object refers to", removed)
    await asyncio.to_thread(_clear, doorway.directory(SELECTING), time.time() - SPARED)
    await _come_again(state, timer)


def _clear(directory: Path, older_than: float) -> None:
    """Remove what queries left that broke off with the process."""
    for path in directory.iterdir():
        if path.stat().st_mtime < older_than:
            shutil.rmtree(path, ignore_errors=True)


@transactional
async def _in_use(tx: Transaction, blob_ids: Sequence[str]) -> set[str]:
    """Those of some blobs that an account's rows count."""
    found: set[str] = set()
    for account in {bucket.account for bucket in await buckets.list(tx)}:
        at = tx.at(account, "")
        found.update([blob_id for blob_id in blob_ids if await blob_uses.get(at, blob_id) is not None])
    return found


@transactional
async def _come_again(tx: Transaction, timer: Timer) -> None:
    tx.complete_timer(timer)
    tx.timer(tx.now + EVERY, KEEPING, key="keeper")
