"""Global tables: a table of the same name in several regions of an account, each of which is read and written.

Every region's changes go to the others by its stream: in the background and in order, each once, with the place in the
stream that each other region has kept in the transaction that applies them. Where a declared fault keeps changes from
passing, they wait and are tried again. A new replica is filled from the table's items meanwhile; what both
bring is settled by the versions (`replication.py`). Source: "Global tables" of the developer guide, version 2019.11.21.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from kumoi.names import uuid
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.keys import ItemKey, key_of_item
from kumoi.services.dynamodb.records import Table, tables
from kumoi.services.dynamodb.replication import REPLICATE_TOPIC, Origin, note_version, version_of
from kumoi.services.dynamodb.storage import ITEMS, Row, find, new_id, write
from kumoi.services.dynamodb.streams.records import Change, image_of, stream_key, with_stream
from kumoi.state import Key, State, Timer, Transaction, transactional

SEED_TOPIC = "dynamodb.seed"
BATCH = 100
"""Changes or items a transaction applies."""
PAUSE_SECONDS = 1.0
"""How long changes wait that do not pass."""
Passes = Callable[[str, str], Awaitable[bool]]
"""Whether a table's changes pass to a region now."""
VIEW = "NEW_AND_OLD_IMAGES"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_decode = msgspec.msgpack.Decoder(Change).decode


def _position(id: int, region: str) -> Key:
    """Where it is kept how far a table's stream has been applied in another region."""
    return ("dynamodb.replicated", id, region)


async def _applied(tx: Transaction, id: int, region: str) -> int:
    at = await tx.get(_position(id, region))
    return 0 if at is None else msgspec.json.decode(at, type=int)


async def add_replica(tx: Transaction, table: Table, asked: Mapping[str, Any]) -> Table:
    """Make a replica in another region, to be filled in the background; the table with it."""
    region = _other_region(tx, asked)
    place = tx.at(tx.account, region)
    if region in table.replicas or await tables.get(place, table.name) is not None:
        raise invalid(
            f"Failed to create a the new replica of table with name: '{table.name}' because one or more replicas "
            "already existed as tables."
        )
    if table.stream not in ("", VIEW):
        raise invalid(f"Table must have a stream of {VIEW} to get replicas: TableName: {table.name}")
    if not table.stream:
        table = await with_stream(tx, table, VIEW)
    last = (await tx.stream_bounds(stream_key(table.name, table.stream_label)))[1]
    await tx.put(_position(table.id, region), msgspec.json.encode(last))
    for other in table.replicas:  # what has come from there is among the items that the replica is filled with
        there = tx.at(tx.account, other)
        known = await tables.get(there, table.name)
        if known is not None:
            come = await _applied(there, known.id, tx.region)
            await there.put(_position(known.id, region), msgspec.json.encode(come))
    await _change_others(tx, table, lambda replicas: replicas | {region: "CREATING"})
    replica = msgspec.structs.replace(
        table,
        id=await new_id(place),
        uuid=uuid(),
        created=round(tx.now, 3),
        indexes=tuple([msgspec.structs.replace(index, id=await new_id(place)) for index in table.indexes]),
        replicas={**table.replicas, tx.region: "ACTIVE"},
        destinations=(),
        insights={},
        recovery_days=0,
        recovery_since=0.0,
        copies=0,
        restoring=True,
        restored_from={},
        protected=False,
        tags={},
    )
    replica = await with_stream(place, replica, VIEW)
    await tables.put(place, replica)
    tx.timer(tx.now, SEED_TOPIC, msgspec.json.encode((table.name, table.id, region)), key=f"{table.id}/{region}")
    return msgspec.structs.replace(table, replicas={**table.replicas, region: "CREATING"})


def other_replica(tx: Transaction, table: Table, asked: Mapping[str, Any]) -> str:
    """The region of a replica that is to be deleted or changed; ValidationException where there is none."""
    region = _other_region(tx, asked)
    if region not in table.replicas:
        raise invalid(
            "Update global table operation failed because one or more replicas were not part of the global table."
        )
    return region


async def forget_replica(tx: Transaction, table: Table, region: str) -> None:
    """Tell the table's other regions that one of them has it no longer."""
    await _change_others(tx, table, lambda replicas: {one: status for one, status in replicas.items() if one != region})


async def _change_others(tx: Transaction, table: Table, change: Any) -> None:
    for region in table.replicas:
        place = tx.at(tx.account, region)
        replica = await tables.get(place, table.name)
        if replica is not None:
            own = {one: status for one, status in change(replica.replicas).items() if one != region}
            await tables.put(place, msgspec.structs.replace(replica, replicas=own))


def _other_region(tx: Transaction, asked: Mapping[str, Any]) -> str:
    region = str(asked["RegionName"])
    if asked.keys() - {"RegionName"}:
        named = ", ".join(sorted(asked.keys() - {"RegionName"}))
        raise invalid(f"Kumoi's replicas have the settings of their table: {named} cannot be given for one of them.")
    if region == tx.region:
        raise invalid(
            "Cannot add, delete, or update the local region through ReplicaUpdates. "
            "Use CreateTable, DeleteTable, or UpdateTable as required."
        )
    if not _REGION.fullmatch(region):
        raise invalid(f"Invalid region: {region}")
    return region


async def replicate(state: State, timer: Timer, passes: Passes) -> None:
    """Apply a table's changes in its other regions, as far as its stream goes and they pass."""
    name, id = msgspec.json.decode(timer.payload, type=tuple[str, int])
    held = False
    for region in await _others(state, name, id):
        while await _waiting(state, name, id, region):  # each commit lets others run
            if not await passes(name, region):
                held = True
                break
            if not await _replicate(state, name, id, region):
                break
    if held:
        await _later(state, timer)


@transactional
async def _others(tx: Transaction, name: str, id: int) -> list[str]:
    table = await tables.get(tx, name)
    return [] if table is None or table.id != id else sorted(table.replicas)


@transactional
async def _later(tx: Transaction, timer: Timer) -> None:
    tx.timer(tx.now + PAUSE_SECONDS, REPLICATE_TOPIC, timer.payload, key=timer.key)


@transactional
async def _waiting(tx: Transaction, name: str, id: int, region: str) -> bool:
    """Whether there are changes that a region has not got."""
    table = await tables.get(tx, name)
    if table is None or table.id != id or not table.stream or region not in table.replicas:
        return False
    after = await _applied(tx, id, region)
    return bool(await tx.read_stream(stream_key(name, table.stream_label), after=after, limit=1))


@transactional
async def _replicate(tx: Transaction, name: str, id: int, region: str) -> bool:
    """Apply some changes in a region; whether there may be more."""
    table = await tables.get(tx, name)
    if table is None or table.id != id or not table.stream:
        return False
    after = await _applied(tx, id, region)
    found = await tx.read_stream(stream_key(name, table.stream_label), after=after, limit=BATCH)
    if not found:
        return False
    for _, _, raw in found:
        change = _decode(raw)
        if change.version and not change.replicated:
            image = image_of(change.new)
            row = None if image is None else Row.of(image)
            await _apply(tx.at(tx.account, region), name, change.keys, row, Origin(change.version, tx.region))
    await tx.put(_position(id, region), msgspec.json.encode(found[-1][0]))
    return len(found) == BATCH


async def _apply(tx: Transaction, name: str, keys: Mapping[str, Any], row: Row | None, origin: Origin) -> None:
    """Make another region's write, unless the item has been written since."""
    table = await tables.get(tx, name)
    if table is not None:
        await _win(tx, table, key_of_item(table.keys, keys), row, origin)


async def _win(tx: Transaction, table: Table, key: ItemKey, row: Row | None, origin: Origin) -> None:
    """Write, unless the item has been written since; its version is noted also where that changes nothing."""
    if origin >= await version_of(tx, table, key):
        await write(tx, table, key, await find(tx, table.id, key), row, origin=origin)
        await note_version(tx, table, key, origin)


async def seed(state: State, timer: Timer) -> None:
    """Fill a new replica, from where an earlier run stopped."""
    name, id, region = msgspec.json.decode(timer.payload, type=tuple[str, int, str])
    while await _seed(state, name, id, region):
        pass


@transactional
async def _seed(tx: Transaction, name: str, id: int, region: str) -> bool:
    """Copy some items; whether there may be more."""
    table, place = await tables.get(tx, name), tx.at(tx.account, region)
    replica = await tables.get(place, name)
    if table is None or table.id != id or replica is None or not replica.restoring:
        return False
    cursor: Key = ("dynamodb.seeded", id, region)
    stored = await tx.get(cursor)
    after = None if stored is None else (ITEMS, id, *msgspec.msgpack.decode(stored, type=ItemKey), b"")
    rows = await tx.range((ITEMS, id), after=after, limit=BATCH)
    for row in rows:
        key = ItemKey(*row.key[2:5])  # type: ignore[arg-type]
        await _win(place, replica, key, Row(row.value), await version_of(tx, table, key))
    if len(rows) == BATCH:
        await tx.put(cursor, msgspec.msgpack.encode(rows[-1].key[2:5]))
        return True
    await tx.delete(cursor)
    await tables.put(place, msgspec.structs.replace(replica, restoring=False))
    table = msgspec.structs.replace(table, replicas={**table.replicas, region: "ACTIVE"})
    await tables.put(tx, table)
    await _change_others(tx, table, lambda replicas: {**replicas, region: "ACTIVE"})
    return False


def changes_of(updates: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """ReplicaUpdates as (what is to be done, its members); ValidationException for one that names nothing."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for update in updates:
        if len(update) != 1:
            raise invalid("One of ReplicaUpdates' Create, Update or Delete must be given, and no more than one.")
        found.extend(update.items())
    return found
