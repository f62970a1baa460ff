"""The journal of a table: for every write, which item it changed and what the item was before.

It is kept while a table has point-in-time recovery, and while it is being copied. A copy that is made while the table
is written becomes the table as it was at a moment by undoing what the journal has since: of each item, the first entry
holds what it was then.
"""

from __future__ import annotations

import msgspec

from kumoi.services.dynamodb.keys import ItemKey
from kumoi.services.dynamodb.records import Table
from kumoi.state import Key, Transaction

TRIM_EVERY = 3_600.0
TRIM_TOPIC = "dynamodb.forget"


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """An item's key, and its row before the write (empty when there was none)."""

    bucket: int
    hash: bytes
    range: bytes
    before: bytes

    @property
    def key(self) -> ItemKey:
        """The item's key."""
        return ItemKey(self.bucket, self.hash, self.range)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


def _journal(id: int) -> Key:
    return ("dynamodb.journal", id)


async def note(tx: Transaction, table: Table, key: ItemKey, before: bytes) -> None:
    """Note a write that is about to be made."""
    await tx.append(_journal(table.id), _encode(Entry(*key, before)))


async def end(tx: Transaction, id: int) -> int:
    """The number of the last entry."""
    return (await tx.stream_bounds(_journal(id)))[1]


async def before_time(tx: Transaction, id: int, moment: float) -> int:
    """The number of the last entry made at or before a moment (epoch seconds)."""
    first, last = await tx.stream_bounds(_journal(id))
    low, high = first - 1, last
    while low < high:
        middle = (low + high + 1) // 2
        ((_, at, _),) = await tx.read_stream(_journal(id), after=middle - 1, limit=1)
        low, high = (middle, high) if at <= moment else (low, middle - 1)
    return low


async def read(tx: Transaction, id: int, after: int, limit: int) -> list[tuple[int, Entry]]:
    """Entries behind a number, with their numbers."""
    found = await tx.read_stream(_journal(id), after=after, limit=limit)
    return [(number, _decode(raw)) for number, _, raw in found]


async def trim(tx: Transaction, id: int, before: float) -> None:
    """Drop what was noted before a moment."""
    await tx.trim_stream(_journal(id), before=before)


def trim_later(tx: Transaction, table: Table) -> None:
    """Have the journal kept to its window, an hour from now and on."""
    tx.timer(tx.now + TRIM_EVERY, TRIM_TOPIC, msgspec.json.encode((table.name, table.id)), key=f"journal/{table.id}")
