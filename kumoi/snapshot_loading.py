"""Loading a snapshot into a platform that runs: what came in takes the place of what was there, or nothing changes.

The snapshot is unpacked and checked beside the data while all goes on. Then requests wait at the turnstile, the parts
are taken down, directories change places and the parts are built anew; where they do not run on what came in, all goes
back. A crash at any point leaves the one or the other (`snapshots/exchange.py`).
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from kumoi.clock import Clock
from kumoi.gateway.turnstile import Turnstile
from kumoi.snapshots import BadSnapshot, Manifest, exchange, finish, prepare, take_back
from kumoi.snapshots.exchange import INCOMING

logger = logging.getLogger(__name__)

_GRACE = 2.0
"""Seconds that requests under way have to end in."""
_STORES = ("state", "blobs", "lake")
_CONTENTS = "contents"


class SnapshotLoading:
    """One snapshot being loaded into the platform whose directory is `root`.

    `in_memory` says that its stores are; `kept` are the directories that services keep. `take_down` ends its parts,
    `build` builds them with a clock, its stores in memory filled from a directory.
    """

    def __init__(
        self,
        root: Path,
        *,
        in_memory: bool,
        kept: tuple[str, ...],
        turnstile: Turnstile,
        take_down: Callable[[], Awaitable[None]],
        build: Callable[[Clock, Path | None], Awaitable[None]],
    ) -> None:
        self._root = root
        self._in_memory = in_memory
        self._kept = kept
        self._turnstile = turnstile
        self._take_down = take_down
        self._build = build

    async def bring_in(self, unpack: Callable[[Path], Manifest]) -> Manifest:
        """Unpack a snapshot and have it ready; BadSnapshot, and nothing is left of it."""
        incoming = self._root / INCOMING
        await asyncio.to_thread(shutil.rmtree, incoming, ignore_errors=True)
        try:
            manifest = await asyncio.to_thread(unpack, incoming)
            unknown = {path.name for path in (incoming / "files").glob("*")} - set(self._kept)
            if unknown:
                raise BadSnapshot(f"it holds files of what this Kumoi does not have: {', '.join(sorted(unknown))}")
            await asyncio.to_thread(self._prepare)
        except BaseException as error:
            await asyncio.to_thread(shutil.rmtree, incoming, ignore_errors=True)
            if isinstance(error, OSError):
                raise BadSnapshot(f"it cannot be stored: {error}") from error
            raise
        return manifest

    async def exchange(self, now: float, *, before: float) -> None:
        """Run on what was brought in, the clock at `now`; BadSnapshot where that fails: then all is as `before`."""
        contents = self._root / _CONTENTS if self._in_memory else None
        await self._turnstile.close(_GRACE)
        await self._take_down()
        try:
            await asyncio.to_thread(exchange, self._root)
            await self._build(Clock(begins=now), contents)
        except Exception as error:
            logger.exception("the platform does not run on the snapshot; it goes back to what was there")
            await self._take_down()
            await self._go_back(before)
            gone = "" if contents is None else ", and what it had in memory is gone"
            raise BadSnapshot(f"the platform does not run on it{gone}: {error}") from error
        finally:
            if contents is not None:
                await asyncio.to_thread(shutil.rmtree, contents, ignore_errors=True)
        await asyncio.to_thread(finish, self._root)

    def _prepare(self) -> None:
        """Have what came in ready to take its place; stores that are kept in memory are filled from `contents/`."""
        if not self._in_memory:
            prepare(self._root, (*_STORES, *self._kept))
            return
        incoming, contents = self._root / INCOMING, self._root / _CONTENTS
        shutil.rmtree(contents, ignore_errors=True)
        for store in _STORES:
            (incoming / store).mkdir(parents=True, exist_ok=True)
            (contents / store).parent.mkdir(exist_ok=True)
            (incoming / store).rename(contents / store)
        prepare(self._root, self._kept)

    async def _go_back(self, before: float) -> None:
        """Run on what was there before a snapshot; where that fails, too, say so to whoever waits or comes."""
        try:
            await asyncio.to_thread(take_back, self._root)
            await self._build(Clock(begins=before), None)
        except Exception as error:
            reason = (
                f"Kumoi runs neither on the snapshot nor on what was there before ({error})."
                f"{'' if self._in_memory else ' Its data are whole.'}"
                " Stop it (kumoi down) and start it anew (kumoi up)."
            )
            logger.critical("%s", reason, exc_info=error)
            await self._take_down()
            self._turnstile.give_up(reason)
            raise BadSnapshot(reason) from error
