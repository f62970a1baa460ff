"""What runs for Pipes while the platform does: the pollers of the running pipes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.event_sources import Pollers, checkpoints
from kumoi.services.pipes.pipe_sink import PipeSink
from kumoi.services.pipes.records import Pipe, pipes
from kumoi.state import Transaction, transactional


class RunningPipes:
    """The pipes of a platform that are running."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._pollers = Pollers(doorway)

    async def follow(self, pipe: Pipe) -> None:
        """Have a pipe run, or not, as it says now."""
        if pipe.running:
            await self._pollers.follow(pipe.reading, PipeSink(self._doorway, pipe))
        else:
            await self._pollers.leave(pipe.id)

    async def leave(self, pipe: Pipe) -> None:
        """Stop a pipe."""
        await self._pollers.leave(pipe.id)

    async def resume(self) -> None:
        """Start what ran when the platform stopped."""
        for pipe in await _all(self._doorway.state.at("", "")):
            await self.follow(pipe)

    async def forget(self, account: str | None) -> None:
        """Stop and drop the pipes of an account, or all."""
        state = self._doorway.state.at("", "")
        for pipe in await _all(state):
            if account in (None, pipe.account):
                await self.leave(pipe)
                await drop(state, pipe)

    async def stop(self) -> None:
        """Stop every pipe; what is not done is taken up at the next start."""
        await self._pollers.stop()


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Start the pipes, stop them at the end."""
    found = parts.add(RunningPipes, RunningPipes(parts[Doorway]))
    await found.resume()
    try:
        yield
    finally:
        await found.stop()


@transactional
async def drop(tx: Transaction, pipe: Pipe) -> None:
    """Forget a pipe and its places in the shards of its source."""
    await pipes.delete(tx, pipe.account, pipe.region, pipe.name)
    await checkpoints.delete_all(tx, pipe.id)


@transactional
async def _all(tx: Transaction) -> list[Pipe]:
    return list(await pipes.list(tx))
