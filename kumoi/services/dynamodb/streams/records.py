"""The stream of a table's changes, as it is stored: one record per changed item, appended in the write's transaction.

A record holds what the stream's view type asks for and nothing more. A shard is the whole stream: its records are in
the order of the writes. Sequence numbers are 24 digits, made of the record's number in the stream.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import msgspec
import orjson

from kumoi.services.dynamodb.language.values import size_of
from kumoi.services.dynamodb.records import Stream, Table, streams
from kumoi.state import Key, Transaction

if TYPE_CHECKING:
    from kumoi.services.dynamodb.storage import Row

RETENTION = 86_400.0
"""Seconds that records are kept for."""
TRIM_TOPIC = "dynamodb.trim"
TRIM_EVERY = 3_600.0


class Change(msgspec.Struct, frozen=True, array_like=True):
    """A stored record: keys, images as msgpack (of the item, or of its JSON as bytes), SizeBytes.

    `expired` marks the deletions of the time to live, `version` is when a global table's item was written
    (`replication.py`); it came from another region if `replicated`.
    """

    event: str
    keys: dict[str, Any]
    size: int
    old: msgspec.Raw = msgspec.Raw()
    new: msgspec.Raw = msgspec.Raw()
    expired: bool = False
    version: float = 0.0
    replicated: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode_image = msgspec.msgpack.Decoder(dict[str, Any] | bytes | None).decode


def image_of(image: msgspec.Raw) -> dict[str, Any] | None:
    """The item that an image of a record is; None for none."""
    found: Any = _decode_image(image)
    if isinstance(found, bytes):
        found = orjson.loads(found)
    return cast("dict[str, Any] | None", found)


def stream_key(table: str, label: str) -> Key:
    """Where a stream's records lie."""
    return ("dynamodb.changes", table, label)


def stream_topic(table: str, label: str) -> str:
    """What is notified when a stream grows."""
    return f"dynamodb.stream/{table}/{label}"


def change_of(table: Table, view: str, old: Row | None, new: Row | None, *, expired: bool = False) -> Change:
    """What happened to an item, as a view tells it."""
    event = "MODIFY" if old and new else "INSERT" if new else "REMOVE"
    item = (new or old).item  # type: ignore[union-attr]
    keys = {name: item[name] for name in table.keys.names}
    size = size_of(keys)
    before = after = msgspec.Raw(b"\xc0")
    if old is not None and view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
        before, size = old.packed, size + old.size
    if new is not None and view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
        after, size = new.packed, size + new.size
    return Change(event, keys, size, before, after, expired)


async def append_change(tx: Transaction, table: Table, change: Change) -> None:
    """Append a change to its table's stream."""
    await tx.append(stream_key(table.name, table.stream_label), _encode(change))
    tx.notify(stream_topic(table.name, table.stream_label))


async def with_stream(tx: Transaction, table: Table, view: str) -> Table:
    """The table with a stream of its own that begins now."""
    began = datetime.fromtimestamp(tx.now, UTC)
    while await streams.get(tx, table.name, label := began.isoformat(timespec="milliseconds")[:23]) is not None:
        began += timedelta(milliseconds=1)
    table = msgspec.structs.replace(table, stream=view, stream_label=label)
    await begin_stream(tx, table)
    return table


async def begin_stream(tx: Transaction, table: Table) -> None:
    """Note the stream a table has from now on."""
    await streams.put(
        tx, Stream(table=table.name, label=table.stream_label, view=table.stream, keys=table.keys, created=tx.now)
    )
    trim_later(tx, table.name, table.stream_label)


async def end_stream(tx: Transaction, table: Table) -> None:
    """Note that a table's stream is disabled; its records stay readable until they are a day old."""
    stream = await streams.get(tx, table.name, table.stream_label)
    if stream is not None and not stream.ended:
        await streams.put(tx, msgspec.structs.replace(stream, ended=tx.now))
        tx.notify(stream_topic(table.name, table.stream_label))


def trim_later(tx: Transaction, table: str, label: str) -> None:
    """Have a stream's old records dropped in an hour."""
    tx.timer(tx.now + TRIM_EVERY, TRIM_TOPIC, msgspec.json.encode((table, label)), key=f"{table}/{label}")


async def trim_stream(tx: Transaction, table: str, label: str) -> None:
    """Drop a stream's records that are a day old, and the stream once it has ended a day ago."""
    stream = await streams.get(tx, table, label)
    if stream is None:
        return
    await tx.trim_stream(stream_key(table, label), before=tx.now - RETENTION)
    if stream.ended and stream.ended <= tx.now - RETENTION:
        await streams.delete(tx, table, label)
    else:
        trim_later(tx, table, label)
