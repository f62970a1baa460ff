"""What functions' writes add to their streams' records, noted once a second for each stream.

An event is stored at once; that its stream now holds it (last event, bytes) is bookkeeping that CloudWatch Logs itself
does "on an eventual consistency basis". The first write to a stream is noted at once, so that group and stream exist.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from kumoi.clock import Clock
from kumoi.services.logs.events import Arrivals, noted
from kumoi.state import State

logger = logging.getLogger(__name__)

NOTE_SECONDS = 1.0


class StreamKey(NamedTuple):
    """One stream of one group."""

    account: str
    region: str
    group: str
    stream: str


class FunctionStreams:
    """The streams that functions write to now."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._pending: dict[StreamKey, Arrivals | None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._noting: asyncio.Task[None] | None = None

    async def add(self, key: StreamKey, arrivals: Arrivals) -> None:
        """Events have come in; returns once the stream exists."""
        if key in self._pending:
            known = self._pending[key]
            self._pending[key] = arrivals if known is None else known.and_also(arrivals)
        else:
            await self._note(key, arrivals)
            self._pending.setdefault(key, None)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(NOTE_SECONDS, self._tick)

    def forget(self, account: str | None, group: str | None = None) -> None:
        """Streams of an account (or of one group of it) are gone: the next write makes them anew."""
        for key in list(self._pending):
            if account in (None, key.account) and group in (None, key.group):
                del self._pending[key]

    async def close(self) -> None:
        """Note what is left."""
        if self._timer is not None:
            self._timer.cancel()
        if self._noting is not None:
            await self._noting
        await self._note_all()

    def _tick(self) -> None:
        self._timer = None
        if self._pending:
            self._noting = asyncio.create_task(self._note_all())

    async def _note_all(self) -> None:
        pending, self._pending = self._pending, {}
        for key, arrivals in pending.items():
            if arrivals is not None:
                await self._note(key, arrivals)

    async def _note(self, key: StreamKey, arrivals: Arrivals) -> None:
        now = int(self._clock.now() * 1000)
        await noted(self._state.at(key.account, key.region), key.group, key.stream, arrivals, now, create=True)
