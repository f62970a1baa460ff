"""What runs for Firehose while the platform does: the deliverer of buffers, and the readers of streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.event_sources import Pollers, checkpoints
from kumoi.http_client import HttpClient
from kumoi.services.firehose.deliverer import Deliverer
from kumoi.services.firehose.intake import Intake
from kumoi.services.firehose.records import FLUSH, Buffer, DeliveryStream, Reading, buffers, readings, streams
from kumoi.services.firehose.store import forget as forget_all_of
from kumoi.services.firehose.store import resume
from kumoi.services.firehose.stream_source import StreamSink, source_of
from kumoi.state import Transaction, transactional
from kumoi.state.timers import TimerRunner


class Readers:
    """The delivery streams of a platform that read a Kinesis stream."""

    def __init__(self, doorway: Doorway, intake: Intake) -> None:
        self._doorway = doorway
        self._intake = intake
        self._pollers = Pollers(doorway)

    async def follow(self, stream: DeliveryStream) -> None:
        """Read the source of a delivery stream, where it has one."""
        if stream.source is not None:
            sink = StreamSink(self._doorway, self._intake, stream, stream.source.role)
            await self._pollers.follow(source_of(stream, stream.source), sink)

    async def leave(self, stream: DeliveryStream) -> None:
        """Read for a delivery stream no longer."""
        if stream.source is not None:
            await self._pollers.leave(f"firehose/{stream.id}")
            await _forget_places(self._doorway.state.at("", ""), stream.id)

    async def resume(self) -> None:
        """Go on reading where the platform stopped."""
        for one in await _all_readings(self._doorway.state.at("", "")):
            found = await streams.look(self._doorway.state.at(one.account, one.region), one.stream)
            if found is not None:
                await self.follow(found)

    async def forget(self, account: str | None) -> None:
        """Stop what reads for an account, or all."""
        for one in await _all_readings(self._doorway.state.at("", "")):
            if account in (None, one.account):
                await self._pollers.leave(f"firehose/{one.stream_id}")
                await _forget_places(self._doorway.state.at("", ""), one.stream_id)

    async def stop(self) -> None:
        """Stop reading; the next start goes on."""
        await self._pollers.stop()


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; what a crash left behind is delivered once the platform is up."""
    doorway, timers = parts[Doorway], parts[TimerRunner]
    intake = parts.add(Intake, Intake())
    deliverer = Deliverer(doorway, intake, parts[HttpClient], doorway.directory("firehose"))
    readers = parts.add(Readers, Readers(doorway, intake))
    timers.on(FLUSH, deliverer.due)
    await resume(doorway.state.at("", ""))
    await readers.resume()
    try:
        yield
    finally:
        await readers.stop()
        deliverer.close()


async def forget(parts: Parts, account: str | None) -> None:
    """Stop reading, and drop the buffers, of an account or all."""
    await parts[Readers].forget(account)
    await _forget_buffers(parts[Doorway].state.at("", ""), account)


@transactional
async def _forget_buffers(tx: Transaction, account: str | None) -> None:
    found: list[Buffer] = await (buffers.list(tx) if account is None else buffers.list(tx, account))
    for buffer in found:
        await forget_all_of(tx, buffer)


@transactional
async def _forget_places(tx: Transaction, stream_id: str) -> None:
    await checkpoints.delete_all(tx, f"firehose/{stream_id}")
    await readings.delete(tx, stream_id)


@transactional
async def _all_readings(tx: Transaction) -> list[Reading]:
    return await readings.list(tx)
