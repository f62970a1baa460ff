"""The rows of tables and indexes, and all that one write changes: item, index entries, counters, stream, expiry.

A row's value is its size in bytes (as DynamoDB counts it, 4 bytes) and the item: as the JSON that answers hold it in,
so that what is only read is neither decoded nor written anew; as msgpack where there is binary in it. Rows of table or
index number `id` lie under (ITEMS, id, bucket, partition key, sort key, tail), so that a partition is one range in the
order of the sort key, and a table one range in the order of the buckets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.dynamodb.capacity import Consumed, write_units
from kumoi.services.dynamodb.describe import Count
from kumoi.services.dynamodb.expiry import expiry_of, note_expiry
from kumoi.services.dynamodb.journal import note
from kumoi.services.dynamodb.keys import EntryKey, Item, ItemKey, index_key
from kumoi.services.dynamodb.kinesis_log import log_change
from kumoi.services.dynamodb.language.values import size_of
from kumoi.services.dynamodb.records import Index, Table
from kumoi.services.dynamodb.replication import Origin, note_version
from kumoi.services.dynamodb.streams.records import append_change, change_of
from kumoi.state import Encoded, Key, Transaction
from kumoi.state.keys import encode, encode_behind
from kumoi.wire.json_shapes import Written

ITEMS = "dynamodb.item"
COUNTS = "dynamodb.count"
BYTES = "dynamodb.bytes"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode
_OBJECT = ord("{")
"""What JSON begins with, and msgpack does not."""


@dataclass(slots=True, init=False, eq=False, repr=False)
class Row:
    """A stored item (or index entry), decoded when it is looked at."""

    raw: bytes
    size: int
    _item: Item | None

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.size = int.from_bytes(raw[:4])
        self._item = None

    @classmethod
    def of(cls, item: Item, size: int | None = None) -> Row:
        """The row that holds an item; `size` where it is known."""
        row = cls.__new__(cls)
        row.size = size_of(item) if size is None else size
        row.raw = row.size.to_bytes(4) + _packed(item)
        row._item = item
        return row

    @property
    def item(self) -> Item:
        """The item."""
        if self._item is None:
            packed = memoryview(self.raw)[4:]
            self._item = orjson.loads(packed) if self.raw[4] == _OBJECT else _decode(packed)
        return self._item

    @property
    def written(self) -> Written | Item:
        """The item for an answer that goes to a client: as it is stored, where that is JSON."""
        return Written(self.raw[4:]) if self.raw[4] == _OBJECT else self.item

    @property
    def packed(self) -> msgspec.Raw:
        """The item as a stream's record holds it: as msgpack, or the bytes of its JSON."""
        packed = memoryview(self.raw)[4:]
        return msgspec.Raw(_encode(packed) if self.raw[4] == _OBJECT else packed)


def _packed(item: Item) -> bytes:
    try:
        return orjson.dumps(item)
    except TypeError:
        return _encode(item)


def answered(call: Call, row: Row) -> Written | Item:
    """An item as it is answered whole: another service takes it as it is, a client as JSON."""
    return row.item if call.http is None else row.written


@lru_cache(1024)
def _stem(id: int) -> Encoded:
    return encode((ITEMS, id))


def encoded(id: int, key: ItemKey) -> Encoded:
    """The key of an item's row in state, as `row_key` has it."""
    return encode_behind(_stem(id), *key)


def row_key(id: int, key: ItemKey | EntryKey) -> Key:
    """The key of a row in state."""
    return (ITEMS, id, *key) if len(key) == 4 else (ITEMS, id, *key, b"")


async def find(tx: Transaction, id: int, key: ItemKey) -> Row | None:
    """The item of that key."""
    raw = await tx.get(encoded(id, key))
    return None if raw is None else Row(raw)


async def write(
    tx: Transaction,
    table: Table,
    key: ItemKey,
    old: Row | None,
    new: Row | None,
    *,
    expired: bool = False,
    origin: Origin | None = None,
    at: Encoded | None = None,
) -> Consumed:
    """Store `new` under `key` in place of `old` (None: delete it), with all that follows; what that consumes.

    `expired` marks the deletion as that of the time to live, `origin` a write that was made in another region. `at` is
    the key as `encoded` has it, where that is known.
    """
    at = at or encoded(table.id, key)
    consumed = Consumed(table.name, write_units(old.size if old else 0, new.size if new else 0))
    if new is not None:
        if old is not None and old.raw == new.raw:
            return consumed
        await tx.put(at, new.raw)
    elif old is not None:
        await tx.delete(at)
    else:
        return consumed
    if table.recovery_days or table.copies:
        await note(tx, table, key, old.raw if old else b"")
    await _count(tx, table.id, old, new)
    for index in table.indexes:
        consumed.add_index(index, await _write_entry(tx, table, index, key, old, new))
    if table.expiry:
        was, becomes = (None if row is None else expiry_of(table, row.item) for row in (old, new))
        await note_expiry(tx, table, key, was, becomes)
    if (table.stream or table.destinations) and _differ(old, new):
        await _tell(tx, table, key, old, new, expired, origin)
    return consumed


def _differ(old: Row | None, new: Row | None) -> bool:
    """Whether a write whose rows differ changes the item: its attributes may only be in another order."""
    return old is None or new is None or old.size != new.size or old.item != new.item


async def _tell(
    tx: Transaction,
    table: Table,
    key: ItemKey,
    old: Row | None,
    new: Row | None,
    expired: bool,
    origin: Origin | None,
) -> None:
    """Tell the stream, other regions and Kinesis of a change."""
    if table.stream:
        change = change_of(table, table.stream, old, new, expired=expired)
        if table.replicas:
            version = await note_version(tx, table, key, origin)
            change = msgspec.structs.replace(change, version=version, replicated=origin is not None)
        await append_change(tx, table, change)
    if table.destinations:
        await log_change(tx, table, change_of(table, "NEW_AND_OLD_IMAGES", old, new, expired=expired))


async def _write_entry(
    tx: Transaction, table: Table, index: Index, key: ItemKey, old: Row | None, new: Row | None
) -> float:
    """Bring an index up to date with a write; the units that takes."""
    before = index_key(index, old.item, key) if old is not None else None
    if index.backfilling and before is not None and await tx.get(row_key(index.id, before)) is None:
        before = None
    after = index_key(index, new.item, key) if new is not None else None
    if before is None and after is None:
        return 0.0
    was = entry(table, index, old) if old is not None and before is not None else None
    is_now = entry(table, index, new) if new is not None and after is not None else None
    if before == after and was is not None and is_now is not None:
        if was.raw == is_now.raw or was.item == is_now.item:
            return 0.0
        await tx.put(row_key(index.id, after or before), is_now.raw)  # type: ignore[arg-type]
        await _count(tx, index.id, was, is_now)
        return write_units(was.size, is_now.size)
    units = 0.0
    if before is not None and was is not None and await tx.delete(row_key(index.id, before)):
        units += write_units(was.size)
        await _count(tx, index.id, was, None)
    if after is not None and is_now is not None:
        units += write_units(is_now.size)
        await tx.put(row_key(index.id, after), is_now.raw)
        await _count(tx, index.id, None, is_now)
    return units


def entry(table: Table, index: Index, row: Row) -> Row:
    """What an index holds of an item."""
    names = index.projected(table.keys)
    if names is None or names.issuperset(row.item):
        return row
    return Row.of({name: value for name, value in row.item.items() if name in names})


async def put_entry(tx: Transaction, table: Table, index: Index, key: ItemKey, row: Row) -> None:
    """Add an item's entry to an index that is being backfilled, unless a write has done so already."""
    at = index_key(index, row.item, key)
    if at is None or await tx.get(row_key(index.id, at)) is not None:
        return
    made = entry(table, index, row)
    await tx.put(row_key(index.id, at), made.raw)
    await _count(tx, index.id, None, made)


async def _count(tx: Transaction, id: int, old: Row | None, new: Row | None) -> None:
    grown = (new.size if new else 0) - (old.size if old else 0)
    if old is None or new is None:
        await tx.tally((COUNTS, id), 1 if old is None else -1)
    if grown:
        await tx.tally((BYTES, id), grown)


async def counts(tx: Transaction, table: Table) -> dict[int, Count]:
    """How much lies in a table and in each of its indexes, by id."""
    ids = (table.id, *(index.id for index in table.indexes))
    return {id: Count(await tx.add((COUNTS, id), 0), await tx.add((BYTES, id), 0)) for id in ids}


async def new_id(tx: Transaction) -> int:
    """A number for a new table or index, never used before in this place."""
    return await tx.add(("dynamodb.ids",))
