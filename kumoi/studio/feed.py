"""The live feed: server-sent events of what changes on a map, twice a second, as long as somebody looks.

`figures` are edges whose numbers changed, `costs` what nodes cost beside their calls; `structure` says that the map is
to be read again: when something is new, and once more when a reading soon after it may have missed what was set up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson

from kumoi.studio.board import Board
from kumoi.studio.traffic import Traffic

EVERY = 0.5
QUIET = 15.0
"""Seconds after which an open feed says that it lives."""


class Feed:
    """The feeds of one platform; `close` ends them all."""

    def __init__(self, board: Board, traffic: Traffic) -> None:
        self._board = board
        self._traffic = traffic
        self._closed = asyncio.Event()

    def close(self) -> None:
        """End every feed."""
        self._closed.set()

    async def events(self, account: str) -> AsyncIterator[bytes]:
        """The feed of one account's map."""
        revision = self._traffic.revision(account)
        loop = asyncio.get_running_loop()
        since = told = loop.time()
        yield _event("hello", {"revision": revision})
        while not await self._over(EVERY):
            if self._traffic.revision(account) != revision or self._board.behind(account):
                revision = self._traffic.revision(account)
                told = loop.time()
                yield _event("structure", {"revision": revision})
            since, figures = await self._board.figures(account, since)
            if figures:
                told = loop.time()
                yield _event("figures", figures)
                if own := self._traffic.own_costs(account):
                    yield _event("costs", own)
            elif loop.time() - told > QUIET:
                told = loop.time()
                yield b": still here\n\n"

    async def _over(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _event(name: str, content: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(content))
