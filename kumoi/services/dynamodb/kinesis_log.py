"""What a table's Kinesis destinations are to be sent: one row per changed item, appended in the write's transaction.

A timer, set with it, has the rows sent in order (`kinesis_sender.py`); rows that no stream has taken for a day are
dropped. Source: "Change data capture for Kinesis Data Streams" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kumoi.services.dynamodb.records import Table
from kumoi.services.dynamodb.streams.records import Change
from kumoi.state import Key, Transaction
from kumoi.state.space import Space

SEND_TOPIC = "dynamodb.kinesis"
KEPT = 86_400.0
"""Seconds that a change is tried to be sent for."""


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that a table has, or had, as a destination. `precision` is empty where none was asked for."""

    table: str
    stream: str
    active: bool
    precision: str = ""


destinations: Space[Destination] = Space(
    "dynamodb.destination", Destination, lambda destination: (destination.table, destination.stream)
)


class Logged(msgspec.Struct, frozen=True, array_like=True):
    """A change, and the streams that were the table's destinations when it was made."""

    streams: tuple[str, ...]
    change: Change


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Logged).decode


def _log(id: int) -> Key:
    return ("dynamodb.kinesis", id)


def _cursor(id: int, stream: str) -> Key:
    return ("dynamodb.sent", id, stream)


async def log_change(tx: Transaction, table: Table, change: Change) -> None:
    """Have a change sent to the table's destinations once it is committed."""
    await tx.append(_log(table.id), _encode(Logged(table.destinations, change)))
    tx.timer(tx.now, SEND_TOPIC, msgspec.json.encode((table.name, table.id)), key=str(table.id))


async def begin_log(tx: Transaction, table: Table, stream: str) -> None:
    """Have a stream sent what is logged from now on."""
    await tx.put(_cursor(table.id, stream), msgspec.json.encode((await tx.stream_bounds(_log(table.id)))[1]))


async def unsent(tx: Transaction, id: int, stream: str, limit: int) -> list[tuple[int, float, Logged]]:
    """(number, time, change) of what a stream is to be sent next; some of it may be for another."""
    raw = await tx.get(_cursor(id, stream))
    after = 0 if raw is None else msgspec.json.decode(raw, type=int)
    return [(number, at, _decode(one)) for number, at, one in await tx.read_stream(_log(id), after=after, limit=limit)]


async def sent(tx: Transaction, id: int, stream: str, number: int) -> None:
    """Note how far a stream was sent the changes."""
    await tx.put(_cursor(id, stream), msgspec.json.encode(number))


async def trim_log(tx: Transaction, id: int, streams: Iterable[str]) -> None:
    """Drop what all streams were sent, and what is too old."""
    last = (await tx.stream_bounds(_log(id)))[1]
    cursors = [await tx.get(_cursor(id, stream)) for stream in streams]
    done = all(raw is not None and msgspec.json.decode(raw, type=int) >= last for raw in cursors)
    await tx.trim_stream(_log(id), before=float("inf") if done else tx.now - KEPT)
