"""The records of shards: put, read on behind a place, found by time, dropped.

Records are in the order of their arrival, so that a time is found by halving. What is older than the retention period
is not told, whether it has been dropped yet or not.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from kumoi.services.kinesis.records import Record, Shard, Stream, records_key, shard_topic
from kumoi.services.kinesis.sequence import sequence_number
from kumoi.state import Key, Transaction

MOST_BYTES = 10 << 20
_FIRST_READ = 32
_MOST_READ = 1000
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


class Read(NamedTuple):
    """What was read: (number, arrival in epoch ms, record) of each, where to go on, and how far that is behind."""

    records: list[tuple[int, int, Record]]
    position: int
    behind: int
    drained: bool


async def append(tx: Transaction, stream: Stream, shard: Shard, record: Record) -> str:
    """Put a record into a shard; its sequence number."""
    number = await tx.append(records_key(stream.id, shard.number), _encode(record))
    return sequence_number(shard, number, int(tx.now * 1000))


def wake(tx: Transaction, stream: Stream, shard: int) -> None:
    """Wake who waits at a shard, once the transaction has committed."""
    tx.notify(shard_topic(stream.id, shard))


async def read(
    tx: Transaction, stream: Stream, shard: Shard, position: int, limit: int, most_bytes: int = MOST_BYTES
) -> Read:
    """Records behind `position`, up to a number and a size; one record at least where there is one."""
    key = records_key(stream.id, shard.number)
    horizon = _horizon(tx, stream)
    position = await _after_horizon(tx, key, position, horizon)
    found: list[tuple[int, int, Record]] = []
    size, count, full = 0, _FIRST_READ, False
    while len(found) < limit and not full:
        rows = await tx.read_stream(key, after=position, limit=min(count, limit - len(found)))
        if not rows:
            break
        for number, at, raw in rows:
            record = _decode(raw)
            size += len(record.content) + len(record.partition_key.encode())
            full = bool(found) and size > most_bytes
            if full:
                break
            found.append((number, int(at * 1000), record))
            position = number
        count = max(1, min(_MOST_READ, (most_bytes - size) * len(found) // max(size, 1)))
    following = await tx.read_stream(key, after=position, limit=1)
    behind = max(0, int(tx.now * 1000) - int(following[0][1] * 1000)) if following else 0
    return Read(found, position, behind, shard.ended is not None and not following)


async def latest(tx: Transaction, stream: Stream, shard: Shard) -> int:
    """The number of a shard's last record."""
    return (await tx.stream_bounds(records_key(stream.id, shard.number)))[1]


async def before(tx: Transaction, stream: Stream, shard: Shard, when: int) -> int:
    """The number of the last record that came before a time (epoch ms)."""
    return await _before(tx, records_key(stream.id, shard.number), when)


async def _before(tx: Transaction, key: Key, when: int) -> int:
    first, last = await tx.stream_bounds(key)
    low, high = first, last + 1
    while low < high:
        middle = (low + high) // 2
        [(_, at, _raw)] = await tx.read_stream(key, after=middle - 1, limit=1)
        if int(at * 1000) < when:
            low = middle + 1
        else:
            high = middle
    return low - 1


async def _after_horizon(tx: Transaction, key: Key, position: int, horizon: int) -> int:
    """`position`, or the last record that is too old where that lies behind it."""
    following = await tx.read_stream(key, after=position, limit=1)
    if following and int(following[0][1] * 1000) < horizon:
        return max(position, await _before(tx, key, horizon))
    return position


def _horizon(tx: Transaction, stream: Stream) -> int:
    return int(tx.now * 1000) - stream.retention * 3_600_000
