"""What goes on by itself: expired items are deleted, new indexes filled, dropped tables erased, streams trimmed.

Each job is a timer, so that it survives a restart, and works in small transactions of its own: what it has done is
recorded with its effect (a cursor, or the rows being gone), and no transaction holds up the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import msgspec

from kumoi.services.dynamodb import copying, journal, replicas
from kumoi.services.dynamodb.expiry import due, earliest_expiry, expiry_of, note_expiry, set_timer
from kumoi.services.dynamodb.keys import ItemKey
from kumoi.services.dynamodb.records import Table, tables
from kumoi.services.dynamodb.storage import BYTES, COUNTS, ITEMS, Row, find, put_entry, write
from kumoi.services.dynamodb.streams.records import trim_stream
from kumoi.state import Key, State, Timer, Transaction, transactional

BACKFILL_TOPIC = "dynamodb.backfill"
ERASE_TOPIC = "dynamodb.erase"
BATCH = 100
"""Rows a transaction of upkeep handles."""


class Backfill(msgspec.Struct, frozen=True):
    """Fill what a table has gained: the index of that name, or the rows of its expiry where there is none."""

    table: str
    index: str = ""


def backfill_later(tx: Transaction, job: Backfill) -> None:
    """Have an index, or the rows of expiry, filled from the table's items."""
    tx.timer(tx.now, BACKFILL_TOPIC, msgspec.json.encode(job))


def erase_later(tx: Transaction, prefix: Key) -> None:
    """Have all rows removed whose keys begin with `prefix` (a name and a number)."""
    tx.timer(tx.now, ERASE_TOPIC, msgspec.json.encode(prefix))


async def erase_rows_later(tx: Transaction, id: int) -> None:
    """Have the rows of a table or index removed that is no more."""
    for counter in (COUNTS, BYTES):
        await tx.add((counter, id), -await tx.add((counter, id), 0))
    erase_later(tx, (ITEMS, id))


async def expire(state: State, timer: Timer) -> None:
    """Delete a table's expired items, and wait for the next."""
    name, id = timer.payload.decode(), int(timer.key.rpartition("/")[2])
    while await _expire(state, name, id):  # each commit lets others run
        pass


async def backfill(state: State, timer: Timer) -> None:
    """Fill what a table has gained, from where an earlier run stopped."""
    job = msgspec.json.decode(timer.payload, type=Backfill)
    while await _backfill(state, job):
        pass


async def erase(state: State, timer: Timer) -> None:
    """Remove rows, some at a time."""
    name, id = msgspec.json.decode(timer.payload, type=tuple[str, int])
    while await _erase(state, (name, id)):
        pass


async def copy(state: State, timer: Timer) -> None:
    """Make a backup, or restore a table."""
    await copying.run(state, timer)


async def forget(state: State, timer: Timer) -> None:
    """Drop what a table's journal need not hold any more."""
    await _forget(state, *msgspec.json.decode(timer.payload, type=tuple[str, int]))


async def trim(state: State, timer: Timer) -> None:
    """Drop what is too old in a stream."""
    await _trim(state, *msgspec.json.decode(timer.payload, type=list[str]))


JOBS: Mapping[str, Callable[[State, Timer], Awaitable[None]]] = MappingProxyType(
    {
        "expire": expire,
        "backfill": backfill,
        "copy": copy,
        "erase": erase,
        "forget": forget,
        "trim": trim,
        "seed": replicas.seed,
    }
)
"""What each timer of `lifespan.py` does."""


@transactional
async def _expire(tx: Transaction, name: str, id: int) -> bool:
    """Delete some expired items; whether there may be more."""
    table = await tables.get(tx, name)
    if table is None or table.id != id or not table.expiry:
        return False
    found = await due(tx, id, BATCH)
    for row_key, key in found:
        row = await find(tx, id, key)
        when = None if row is None else expiry_of(table, row.item)
        if row is None or when is None or when > tx.now:
            await tx.delete(row_key)
        else:
            await write(tx, table, key, row, None, expired=True)
    if len(found) == BATCH:
        return True
    following = await earliest_expiry(tx, id)
    if following is not None:
        set_timer(tx, table, following)
    return False


@transactional
async def _backfill(tx: Transaction, job: Backfill) -> bool:
    """Handle some items; whether there may be more."""
    table = await tables.get(tx, job.table)
    if table is None:
        return False
    index = table.index(job.index) if job.index else None
    if (index is None or not index.backfilling) if job.index else not table.expiry:
        return False
    cursor: Key = ("dynamodb.cursor", table.id, job.index or table.expiry, index.id if index else 0)
    stored = await tx.get(cursor)
    after = None if stored is None else (ITEMS, table.id, *msgspec.msgpack.decode(stored, type=ItemKey), b"")
    rows = await tx.range((ITEMS, table.id), after=after, limit=BATCH)
    for row in rows:
        key, item = ItemKey(*row.key[2:5]), Row(row.value)  # type: ignore[arg-type]
        if index is not None:
            await put_entry(tx, table, index, key, item)
        else:
            await note_expiry(tx, table, key, None, expiry_of(table, item.item))
    if len(rows) == BATCH:
        await tx.put(cursor, msgspec.msgpack.encode(rows[-1].key[2:5]))
        return True
    await tx.delete(cursor)
    if index is not None:
        await _finish_index(tx, table, index.name)
    return False


async def _finish_index(tx: Transaction, table: Table, name: str) -> None:
    indexes = tuple(
        msgspec.structs.replace(index, backfilling=False) if index.name == name else index for index in table.indexes
    )
    await tables.put(tx, msgspec.structs.replace(table, indexes=indexes))


@transactional
async def _erase(tx: Transaction, prefix: Key) -> bool:
    """Remove some rows; whether there may be more."""
    rows = await tx.range(prefix, limit=BATCH)
    for row in rows:
        await tx.delete(row.key)
    return len(rows) == BATCH


@transactional
async def _forget(tx: Transaction, name: str, id: int) -> None:
    table = await tables.get(tx, name)
    if table is not None and table.id == id and table.journaled:
        if not table.copies:
            await journal.trim(tx, id, tx.now - table.recovery_days * 86_400)
        journal.trim_later(tx, table)
    else:
        await journal.trim(tx, id, float("inf"))


@transactional
async def _trim(tx: Transaction, table: str, label: str) -> None:
    await trim_stream(tx, table, label)
