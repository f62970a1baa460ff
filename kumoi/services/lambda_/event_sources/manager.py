"""Has the sources of enabled event source mappings read, for their functions."""

from __future__ import annotations

from kumoi.doorway import Doorway
from kumoi.event_sources import Pollers, checkpoints
from kumoi.services.lambda_.event_sources.function_sink import FunctionSink
from kumoi.services.lambda_.event_sources.records import Mapping, mappings
from kumoi.state import Transaction, transactional


class EventSources:
    """The mappings of a platform that are at work."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._state = doorway.state.at("", "")
        self._pollers = Pollers(doorway)
        self.results: dict[str, str] = {}
        """How the last batches went that mappings handed over since the platform started, by their UUIDs."""

    async def resume(self) -> None:
        """Start what was enabled when the platform stopped."""
        for mapping in await _all(self._state):
            await self.follow(mapping)

    async def follow(self, mapping: Mapping) -> None:
        """Have a mapping work as it says now."""
        if mapping.enabled:
            await self._pollers.follow(mapping.source, FunctionSink.of(self._doorway, self.results, mapping))
        else:
            await self._pollers.leave(mapping.uuid)

    async def leave(self, uuid: str) -> None:
        """Stop a mapping's work."""
        await self._pollers.leave(uuid)
        self.results.pop(uuid, None)

    async def forget(self, account: str | None) -> None:
        """Stop and drop the mappings of an account, or all."""
        for mapping in await _all(self._state):
            if account in (None, mapping.account):
                await self.leave(mapping.uuid)
                await _drop(self._state, mapping)

    async def stop(self) -> None:
        """Stop all work; what is not done is taken up at the next start."""
        await self._pollers.stop()


@transactional
async def _all(tx: Transaction) -> list[Mapping]:
    return await mappings.list(tx)


@transactional
async def _drop(tx: Transaction, mapping: Mapping) -> None:
    await mappings.delete(tx, mapping.account, mapping.region, mapping.uuid)
    await checkpoints.delete_all(tx, mapping.uuid)
