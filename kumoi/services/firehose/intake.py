"""Where puts go: the open buffer of their stream, stored with the put and full by size or by time.

Which buffer is open is known in memory alone: after a restart each stream begins a new one. A buffer's record and its
timer are stored with the first put that is committed, and again by those that run before that is known.
"""

from __future__ import annotations

from dataclasses import dataclass

from kumoi.names import uuid
from kumoi.services.firehose.records import ARRIVALS, Arrivals, Buffer, DeliveryStream, buffers, encode_arrivals
from kumoi.services.firehose.store import wake
from kumoi.state import Transaction


@dataclass(slots=True)
class _Filling:
    """A buffer that takes what comes: so many puts and bytes so far. `stored`: its record is committed."""

    buffer: Buffer
    puts: int = 0
    size: int = 0
    stored: bool = False

    def note(self) -> None:
        self.stored = True


class Intake:
    """The open buffers of a platform."""

    def __init__(self) -> None:
        self._filling: dict[str, _Filling] = {}

    async def take(self, tx: Transaction, stream: DeliveryStream, arrivals: Arrivals) -> None:
        """Store what came; it is delivered once its buffer is full or old enough."""
        filling = self._filling.get(stream.id)
        if filling is None:
            filling = self._filling[stream.id] = _Filling(_new_buffer(stream, tx.now))
        filling.puts += 1
        filling.size += sum(map(len, arrivals.contents))
        await tx.put((ARRIVALS, stream.id, filling.buffer.id, filling.puts), encode_arrivals(arrivals))
        full = filling.size >= stream.most_bytes
        if not filling.stored:
            await buffers.put(tx, filling.buffer)
            tx.on_commit(filling.note)
        if full:
            self.close(stream.id, filling.buffer.id)
            wake(tx, filling.buffer, tx.now)
        elif not filling.stored:
            wake(tx, filling.buffer, filling.buffer.opened + stream.interval)

    def close(self, stream_id: str, buffer: str) -> None:
        """Put no more into a buffer."""
        filling = self._filling.get(stream_id)
        if filling is not None and filling.buffer.id == buffer:
            del self._filling[stream_id]

    def drop(self, stream_id: str) -> None:
        """Forget what is open of a stream that is gone."""
        self._filling.pop(stream_id, None)

    def is_open(self, buffer: Buffer) -> bool:
        """Whether a buffer still takes what comes."""
        filling = self._filling.get(buffer.stream_id)
        return filling is not None and filling.buffer.id == buffer.id


def _new_buffer(stream: DeliveryStream, now: float) -> Buffer:
    return Buffer(
        account=stream.account,
        region=stream.region,
        stream=stream.name,
        stream_id=stream.id,
        id=f"{int(now * 1_000_000):020d}-{uuid()}",
        opened=now,
    )
