"""The end of keys: when their window is over, they are gone with their material, aliases and grants.

A primary key waits until its replicas are gone; its window begins then. Source: "Delete an AWS KMS key".
"""

from __future__ import annotations

from msgspec.structs import replace

from kumoi.services.kms.errors import bad_state
from kumoi.services.kms.records import Key, aliases, grants, keys, materials
from kumoi.services.kms.regions import leave
from kumoi.services.kms.timers import DAY, schedule_deletion, schedule_expiry, schedule_rotation
from kumoi.state import Timer, Transaction, transactional

SHORTEST, LONGEST = 7, 30


async def schedule(tx: Transaction, key: Key, days: int) -> Key:
    """Have a key deleted in so many days; the key afterwards."""
    waits = key.primary == key.region and bool(key.replicas)
    key = replace(key, window=days, deletes=None if waits else tx.now + days * DAY)
    await keys.put(tx, key)
    schedule_deletion(tx, key)
    return key


async def cancel(tx: Transaction, key: Key) -> Key:
    """Keep a key that was to be deleted, disabled; KMSInvalidStateException for one that was not."""
    if key.window is None:
        raise bad_state(key.arn, "not pending deletion")
    key = replace(key, window=None, deletes=None, enabled=False)
    await keys.put(tx, key)
    schedule_deletion(tx, key)
    return key


@transactional
async def fall_due(tx: Transaction, timer: Timer) -> None:
    """Delete the key of a timer."""
    tx.complete_timer(timer)
    key = await keys.get(tx, timer.payload.decode())
    if key is not None and key.deletes is not None and key.deletes <= tx.now:
        await erase(tx, key)


async def erase(tx: Transaction, key: Key) -> None:
    """Remove a key for good."""
    await keys.delete(tx, key.id)
    await materials.delete_all(tx, key.id)
    await grants.delete_all(tx, key.id)
    for alias in await aliases.list(tx):
        if alias.key == key.id:
            await aliases.delete(tx, alias.name)
    gone = replace(key, rotation=None, deletes=None, expires=None)
    for stop in (schedule_rotation, schedule_deletion, schedule_expiry):
        stop(tx, gone)
    if key.is_replica:
        await leave(tx, key)
