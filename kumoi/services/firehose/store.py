"""Delivery streams and buffers in the key space."""

from __future__ import annotations

from collections.abc import Callable

from kumoi.doorway import Call
from kumoi.services.firehose.errors import no_stream
from kumoi.services.firehose.records import (
    ARRIVALS,
    FLUSH,
    Arrivals,
    Buffer,
    DeliveryStream,
    Due,
    buffers,
    decode_arrivals,
    encode_due,
    streams,
)
from kumoi.state import Key, State, Transaction, transactional

_FIRST_READ, _MOST_READ = 32, 2000
_READ_BYTES = 1 << 20


async def find(call: Call, name: str) -> DeliveryStream:
    """A stream of the caller's account; ResourceNotFoundException."""
    found = await streams.look(call.state, name)
    if found is None:
        raise no_stream(name, call.account)
    return found


@transactional
async def change(tx: Transaction, name: str, changed: Callable[[DeliveryStream], DeliveryStream]) -> DeliveryStream:
    """Change a stream; what it is then. ResourceNotFoundException."""
    found = await streams.get(tx, name)
    if found is None:
        raise no_stream(name, tx.account)
    made = changed(found)
    await streams.put(tx, made)
    return made


def wake(tx: Transaction, buffer: Buffer, due: float) -> None:
    """Have a buffer delivered at a time."""
    payload = encode_due(Due(buffer.stream, buffer.stream_id, buffer.id))
    tx.at(buffer.account, buffer.region).timer(due, FLUSH, payload, key=f"{buffer.stream_id}/{buffer.id}")


async def forget(tx: Transaction, buffer: Buffer) -> None:
    """Forget a buffer and what is in it."""
    await buffers.delete(tx, buffer.account, buffer.region, buffer.stream_id, buffer.id)
    home = tx.at(buffer.account, buffer.region)
    await home.delete_range((ARRIVALS, buffer.stream_id, buffer.id))
    home.cancel_timer(FLUSH, f"{buffer.stream_id}/{buffer.id}")


@transactional
async def forget_buffer(tx: Transaction, buffer: Buffer) -> None:
    """Forget a buffer that was delivered."""
    await forget(tx, buffer)


@transactional
async def forget_stream(tx: Transaction, stream: DeliveryStream) -> None:
    """Forget a stream with all that is not delivered."""
    await streams.delete(tx, stream.name)
    for buffer in await buffers.list(tx, stream.account, stream.region, stream.id):
        await forget(tx, buffer)


@transactional
async def pending(tx: Transaction, stream_id: str) -> list[Buffer]:
    """A stream's buffers, the oldest first."""
    return await buffers.list(tx, tx.account, tx.region, stream_id)


async def contents(state: State, buffer: Buffer) -> list[Arrivals]:
    """What is in a buffer, in the order of its arrival; read piece by piece, so that nobody waits for all of it."""
    found: list[Arrivals] = []
    after: Key | None = None
    count = _FIRST_READ
    while True:
        rows, last = await _page(state, buffer, after, count)
        found += map(decode_arrivals, rows)
        if last is None or len(rows) < count:
            return found
        after = last
        count = max(1, min(_MOST_READ, _READ_BYTES * len(rows) // max(1, sum(map(len, rows)))))


@transactional
async def _page(tx: Transaction, buffer: Buffer, after: Key | None, count: int) -> tuple[list[bytes], Key | None]:
    return await tx.page((ARRIVALS, buffer.stream_id, buffer.id), after=after, limit=count)


@transactional
async def resume(tx: Transaction) -> None:
    """Have all buffers that were filled, or under way, when the platform ended delivered when they are due."""
    for buffer in await buffers.list(tx):
        wake(tx, buffer, max(tx.now, buffer.next_try))


@transactional
async def all_streams(tx: Transaction) -> list[DeliveryStream]:
    """The streams of a place, by name."""
    return await streams.list(tx)
