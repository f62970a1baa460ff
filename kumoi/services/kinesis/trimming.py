"""What goes on by itself: records and closed shards older than the retention period go, and those of deleted streams.

Timers that survive a restart; some records a transaction, so that nothing is held up.
"""

from __future__ import annotations

import math
from functools import partial

import msgspec

from kumoi.doorway import Doorway, Parts
from kumoi.services.kinesis.records import Stream, records_key, streams
from kumoi.state import Key, State, Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner

TRIM_TOPIC = "kinesis.trim"
ERASE_TOPIC = "kinesis.erase"
TRIM_EVERY = 3_600.0
BATCH = 2000
"""Records a transaction drops."""


def register(parts: Parts) -> None:
    """Have the timers run."""
    timers, state = parts[TimerRunner], parts[Doorway].state
    timers.on(TRIM_TOPIC, partial(_trim_timer, state))
    timers.on(ERASE_TOPIC, partial(_erase_timer, state))


def trim_later(tx: Transaction, stream: Stream) -> None:
    """Have a stream's old records dropped in an hour."""
    tx.timer(tx.now + TRIM_EVERY, TRIM_TOPIC, msgspec.json.encode((stream.name, stream.id)), key=stream.id)


def erase_later(tx: Transaction, stream: Stream) -> None:
    """Have all records of a deleted stream dropped."""
    tx.cancel_timer(TRIM_TOPIC, stream.id)
    tx.timer(tx.now, ERASE_TOPIC, msgspec.json.encode((stream.id, [shard.number for shard in stream.shards])))


async def _trim_timer(state: State, timer: Timer) -> None:
    place = state.at(timer.account, timer.region)
    name, id = msgspec.json.decode(timer.payload, type=tuple[str, str])
    stream = await _current(place, name, id)
    if stream is None:
        return
    horizon = timer.due - stream.retention * 3_600.0
    for shard in stream.shards:
        while await _drop(place, records_key(stream.id, shard.number), horizon):
            pass
    await _forget_shards(place, name, id, horizon)


async def _erase_timer(state: State, timer: Timer) -> None:
    place = state.at(timer.account, timer.region)
    id, numbers = msgspec.json.decode(timer.payload, type=tuple[str, list[int]])
    for number in numbers:
        while await _drop(place, records_key(id, number), float("inf")):
            pass


@transactional
async def _current(tx: Transaction, name: str, id: str) -> Stream | None:
    stream = await streams.get(tx, name)
    return stream if stream is not None and stream.id == id else None


@transactional
async def _drop(tx: Transaction, key: Key, before: float) -> bool:
    """Drop some records that came before a time (epoch seconds); whether there may be more."""
    first, _last = await tx.stream_bounds(key)
    edge = await tx.read_stream(key, after=first + BATCH - 2, limit=1)
    until = min(before, math.nextafter(edge[0][1], math.inf)) if edge else before
    await tx.trim_stream(key, before=until)
    return until < before


@transactional
async def _forget_shards(tx: Transaction, name: str, id: str, horizon: float) -> None:
    """Forget closed shards whose records are all gone, and go on trimming."""
    stream = await _current(tx, name, id)
    if stream is None:
        return
    kept = tuple(shard for shard in stream.shards if shard.ended is None or shard.ended >= horizon * 1000)
    if len(kept) != len(stream.shards):
        await streams.put(tx, msgspec.structs.replace(stream, shards=kept))
    trim_later(tx, stream)
