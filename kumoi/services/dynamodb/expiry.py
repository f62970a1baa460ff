"""Time to live: items are deleted when the time in an attribute of theirs has passed.

Each item with a valid time has a row ordered by it; one timer per table waits for the earliest. AWS may take days to
delete; here it happens within a second of the platform's clock. Rules: "Time to Live" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.dynamodb.keys import ItemKey
from kumoi.services.dynamodb.records import Table
from kumoi.state import Key, Transaction

EXPIRIES = "dynamodb.expiry"
EXPIRE_TOPIC = "dynamodb.expire"
OLDEST = 5 * 365 * 86_400
"""Seconds ago beyond which a time is taken for something else than an expiry, and ignored."""
_LATEST = 1 << 53


def expiry_of(table: Table, item: Mapping[str, Any]) -> int | None:
    """The epoch second at which an item expires; None for never."""
    value = item.get(table.expiry)
    text = value.get("N") if value else None
    if text is None:
        return None
    number = float(text)
    return int(number) if 0 <= number < _LATEST else None


async def note_expiry(tx: Transaction, table: Table, key: ItemKey, old: int | None, new: int | None) -> None:
    """Keep the row that says when an item expires."""
    if old == new:
        return
    if old is not None:
        await tx.delete((EXPIRIES, table.id, old, *key))
    if new is not None and new > tx.now - OLDEST:
        earliest = await earliest_expiry(tx, table.id)
        await tx.put((EXPIRIES, table.id, new, *key), b"")
        if earliest is None or new < earliest:
            set_timer(tx, table, new)


async def earliest_expiry(tx: Transaction, id: int) -> int | None:
    """When the first item of a table expires."""
    first = await tx.range((EXPIRIES, id), limit=1)
    return int(first[0].key[2]) if first else None


async def due(tx: Transaction, id: int, limit: int) -> list[tuple[Key, ItemKey]]:
    """Expired items, the earliest first: the row that says so and the item's key."""
    rows = await tx.range((EXPIRIES, id), before=(EXPIRIES, id, int(tx.now) + 1), limit=limit)
    return [(row.key, ItemKey(*row.key[3:])) for row in rows]  # type: ignore[arg-type]


def set_timer(tx: Transaction, table: Table, when: float) -> None:
    """Have the table's expired items deleted at `when`."""
    tx.timer(when, EXPIRE_TOPIC, table.name.encode(), key=f"{table.name}/{table.id}")
