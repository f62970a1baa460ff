"""When the items of a global table were last written, and where: of two regions' writes the later one wins everywhere.

Each item has a version, the moment of its last write and the region that made it; it grows with every write, however
the clocks of the regions stand. A deleted item keeps its version, so that an older write does not bring it back. The
table's own stream carries the versions to the other regions (`replicas.py`). Source: "How global tables work" of the
developer guide: "last writer wins", on the level of items.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from kumoi.services.dynamodb.keys import ItemKey
from kumoi.services.dynamodb.records import Table
from kumoi.state import Key, Transaction

REPLICATE_TOPIC = "dynamodb.replicate"
VERSIONS = "dynamodb.version"
TICK = 1e-6
"""Seconds by which a write is later than what it replaces, where the clock says less."""


class Origin(NamedTuple):
    """A version: when an item was written, and in which region."""

    time: float
    region: str


NEVER = Origin(0.0, "")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Origin).decode


def _row(table: Table, key: ItemKey) -> Key:
    return (VERSIONS, table.id, *key)


async def version_of(tx: Transaction, table: Table, key: ItemKey) -> Origin:
    """When and where an item was last written; NEVER since the table became global."""
    raw = await tx.get(_row(table, key))
    return NEVER if raw is None else _decode(raw)


async def note_version(tx: Transaction, table: Table, key: ItemKey, origin: Origin | None) -> float:
    """Note a write: one of this region (None), which other regions are then sent, or one that came from another."""
    if origin is None:
        before = await version_of(tx, table, key)
        origin = Origin(max(tx.now, before.time + TICK), tx.region)
        tx.timer(tx.now, REPLICATE_TOPIC, msgspec.json.encode((table.name, table.id)), key=str(table.id))
    await tx.put(_row(table, key), _encode(origin))
    return origin.time
