"""Copies of a table as it was at a moment: backups, tables restored from them or a point in time, and for exports.

A copy is made in small transactions while its source is written, then what the source's journal has since the moment
is undone in it. The job is a timer: after a restart it goes on where its cursor stands.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kumoi.services.dynamodb import journal
from kumoi.services.dynamodb.exports import EXPORT_TOPIC, exports
from kumoi.services.dynamodb.keys import ItemKey
from kumoi.services.dynamodb.records import Table, tables
from kumoi.services.dynamodb.storage import ITEMS, Row, find, write
from kumoi.state import Key, State, Timer, Transaction, transactional
from kumoi.state.space import Space
from kumoi.wire.errors import aws_error

COPY_TOPIC = "dynamodb.copy"
BATCH = 50
"""Items a transaction copies."""


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup: the table's definition as it was, and the number its items lie under."""

    id: str
    name: str
    source: Table
    rows: int
    created: float
    available: bool = False

    @property
    def contents(self) -> Table:
        """The backup's items as a table without anything else."""
        return bare(self.source, self.rows)


backups: Space[Backup] = Space("dynamodb.backup", Backup, lambda backup: (backup.source.name, backup.id))


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """Copy the items under the number `rows` to a backup, a table or an export (`target` is its key).

    `source` names the table whose journal has what was written since its entry number `since`; empty when the items
    are a backup's, which nobody writes.
    """

    kind: Literal["backup", "table", "export"]
    target: tuple[str, ...]
    rows: int
    source: str = ""
    since: int = 0


def bare(table: Table, id: int) -> Table:
    """The table under another number, without all that follows a write."""
    return msgspec.structs.replace(
        table, id=id, indexes=(), stream="", expiry="", recovery_days=0, copies=0, replicas={}, destinations=()
    )


async def begin(tx: Transaction, copy: Copy) -> None:
    """Have a copy made; the source's journal is kept until it is."""
    if copy.source:
        table = await tables.get(tx, copy.source)
        assert table is not None
        await tables.put(tx, msgspec.structs.replace(table, copies=table.copies + 1))
    tx.timer(tx.now, COPY_TOPIC, msgspec.json.encode(copy))


def refuse_while_copied(table: Table) -> None:
    """ResourceInUseException for a table that is the source of a copy under way, or still being restored."""
    if table.copies or table.restoring:
        doing = "restored" if table.restoring else "backed up"
        raise aws_error(
            "ResourceInUseException",
            f"Attempt to change a resource which is still in use: Table is being {doing}: {table.name}",
        )


async def run(state: State, timer: Timer) -> None:
    """Make the copy of a timer, from where an earlier run stopped."""
    copy = msgspec.json.decode(timer.payload, type=Copy)
    while await _copy_some(state, copy):
        pass
    if copy.source:
        last = await _journal_end(state, copy)
        number, undone = copy.since, set[ItemKey]()
        while number < last:
            number = await _undo_some(state, copy, number, last, undone)
    await _finish(state, copy, timer)


def _cursor(copy: Copy) -> Key:
    return ("dynamodb.copied", copy.kind, *copy.target)


async def _target(tx: Transaction, copy: Copy) -> Table | None:
    if copy.kind == "table":
        return await tables.get(tx, copy.target[0])
    if copy.kind == "export":
        export = await exports.get(tx, *copy.target)
        return None if export is None else bare(export.source, export.rows)
    backup = await backups.get(tx, *copy.target)
    return None if backup is None else backup.contents


@transactional
async def _copy_some(tx: Transaction, copy: Copy) -> bool:
    """Copy some items; whether there may be more."""
    target = await _target(tx, copy)
    stored = await tx.get(_cursor(copy))
    if target is None or stored == b"":
        return False
    after = None if stored is None else (ITEMS, copy.rows, *msgspec.msgpack.decode(stored, type=ItemKey), b"")
    rows = await tx.range((ITEMS, copy.rows), after=after, limit=BATCH)
    for row in rows:
        key = ItemKey(*row.key[2:5])  # type: ignore[arg-type]
        await write(tx, target, key, await find(tx, target.id, key), Row(row.value))
    await tx.put(_cursor(copy), msgspec.msgpack.encode(rows[-1].key[2:5]) if len(rows) == BATCH else b"")
    return len(rows) == BATCH


@transactional
async def _journal_end(tx: Transaction, copy: Copy) -> int:
    source = await tables.get(tx, copy.source)
    return 0 if source is None else await journal.end(tx, source.id)


@transactional
async def _undo_some(tx: Transaction, copy: Copy, after: int, last: int, undone: set[ItemKey]) -> int:
    """Undo some of the writes between two numbers of the journal; the number of the last of them.

    `undone` are the items that are as they should be. Undoing twice does no harm: a restart begins anew.
    """
    target = await _target(tx, copy)
    entries = await journal.read(tx, copy.rows, after, BATCH)
    if target is None or not entries:
        return last
    for number, entry in entries:
        if number <= last and entry.key not in undone:
            undone.add(entry.key)
            before = Row(entry.before) if entry.before else None
            await write(tx, target, entry.key, await find(tx, target.id, entry.key), before)
    return entries[-1][0]


@transactional
async def _finish(tx: Transaction, copy: Copy, timer: Timer) -> None:
    """The copy is there; the source is no longer needed for it.

    Once only: another run would write over what has been put into a restored table since.
    """
    tx.complete_timer(timer)
    await tx.delete(_cursor(copy))
    if copy.kind == "table":
        restored = await tables.get(tx, copy.target[0])
        if restored is not None:
            await tables.put(tx, msgspec.structs.replace(restored, restoring=False))
    elif copy.kind == "export":
        tx.timer(tx.now, EXPORT_TOPIC, key=copy.target[0])
    else:
        backup = await backups.get(tx, *copy.target)
        if backup is not None:
            await backups.put(tx, msgspec.structs.replace(backup, available=True))
    source = await tables.get(tx, copy.source) if copy.source else None
    if source is not None:
        source = msgspec.structs.replace(source, copies=source.copies - 1)
        await tables.put(tx, source)
        if not source.journaled:
            await journal.trim(tx, source.id, float("inf"))
