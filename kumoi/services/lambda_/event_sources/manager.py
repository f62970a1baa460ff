"""Keeps a poller running for each enabled event source mapping."""

from __future__ import annotations

import asyncio
import logging

from kumoi.doorway import Doorway
from kumoi.services.lambda_.event_sources.queue_poller import QueuePoller
from kumoi.services.lambda_.event_sources.records import Mapping, checkpoints, mappings
from kumoi.services.lambda_.event_sources.stream_poller import StreamPoller
from kumoi.state import Transaction, transactional

logger = logging.getLogger(__name__)


class EventSources:
    """The pollers of a platform."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._state = doorway.state.at("", "")
        self._pollers: dict[str, asyncio.Task[None]] = {}
        self._queues: list[QueuePoller] = []
        self._followed: dict[str, Mapping] = {}

    async def resume(self) -> None:
        """Start what was enabled when the platform stopped."""
        for mapping in await _all(self._state):
            await self.follow(mapping)

    async def follow(self, mapping: Mapping) -> None:
        """Have a mapping's poller run as the mapping says now."""
        if self._followed.get(mapping.uuid) == mapping:
            return
        await self.leave(mapping.uuid)
        if not mapping.enabled:
            return
        self._followed[mapping.uuid] = mapping
        poller: QueuePoller | StreamPoller
        if mapping.kind == "sqs":
            poller = QueuePoller(self._doorway, mapping)
            self._queues = [one for one in self._queues if one.busy]
            self._queues.append(poller)
        else:
            poller = StreamPoller(self._doorway, mapping)
        task = asyncio.create_task(poller.run())
        task.add_done_callback(_reported)
        self._pollers[mapping.uuid] = task

    async def leave(self, uuid: str) -> None:
        """Stop a mapping's poller; a queue's batches under way are finished, a stream's are taken up again later."""
        self._followed.pop(uuid, None)
        task = self._pollers.pop(uuid, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def forget(self, account: str | None) -> None:
        """Stop and drop the mappings of an account, or all."""
        for mapping in await _all(self._state):
            if account in (None, mapping.account):
                await self.leave(mapping.uuid)
                await _drop(self._state, mapping)

    async def stop(self) -> None:
        """Stop every poller; what is not done is taken up at the next start."""
        for uuid in list(self._pollers):
            await self.leave(uuid)
        for poller in self._queues:
            await poller.abort()


def _reported(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("an event source mapping has stopped", exc_info=error)


@transactional
async def _all(tx: Transaction) -> list[Mapping]:
    return await mappings.list(tx)


@transactional
async def _drop(tx: Transaction, mapping: Mapping) -> None:
    await mappings.delete(tx, mapping.account, mapping.region, mapping.uuid)
    await checkpoints.delete_all(tx, mapping.uuid)
