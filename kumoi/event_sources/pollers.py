"""Keeps a poller running for each source that is read."""

from __future__ import annotations

import asyncio
import logging

from kumoi.doorway import Doorway
from kumoi.event_sources.queue_poller import QueuePoller
from kumoi.event_sources.sink import Sink
from kumoi.event_sources.source import Source
from kumoi.event_sources.stream_poller import StreamPoller

logger = logging.getLogger(__name__)


class Pollers:
    """The pollers of one service."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._queues: list[QueuePoller] = []
        self._followed: dict[str, tuple[Source, Sink]] = {}

    async def follow(self, source: Source, sink: Sink) -> None:
        """Have a source read as it says now; nothing happens when it is read so already."""
        if self._followed.get(source.id) == (source, sink):
            return
        await self.leave(source.id)
        self._followed[source.id] = (source, sink)
        poller: QueuePoller | StreamPoller
        if source.kind == "sqs":
            poller = QueuePoller(self._doorway, source, sink)
            self._queues = [one for one in self._queues if one.busy]
            self._queues.append(poller)
        else:
            poller = StreamPoller(self._doorway, source, sink)
        task = asyncio.create_task(poller.run())
        task.add_done_callback(_reported)
        self._tasks[source.id] = task

    async def leave(self, source_id: str) -> None:
        """Stop reading a source; a queue's batches under way are finished, a stream's are taken up again later."""
        self._followed.pop(source_id, None)
        task = self._tasks.pop(source_id, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def stop(self) -> None:
        """Stop every poller; what is not done is taken up at the next start."""
        for source_id in list(self._tasks):
            await self.leave(source_id)
        for poller in self._queues:
            await poller.abort()


def _reported(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("an event source is no longer read", exc_info=error)
