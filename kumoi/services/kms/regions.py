"""Multi-region keys: one key in several regions, with the same id and material, each with a record of its own.

What they share (material, rotation, who is primary) is changed in all regions in one transaction; policies, tags,
descriptions, aliases and grants are each region's own. Source: "Multi-Region keys in AWS KMS".
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.services.kms.records import Key, keys
from kumoi.services.kms.timers import DAY, schedule_deletion
from kumoi.state import Transaction


def homes(tx: Transaction, key: Key) -> list[Transaction]:
    """The transaction where a key is, and where its relatives in other regions are."""
    others = [region for region in (key.primary, *key.replicas) if region not in ("", key.region)]
    return [tx, *(tx.at(key.account, region) for region in others)]


async def share(tx: Transaction, key: Key, **changes: Any) -> Key:
    """Change a key and its relatives alike; the key afterwards."""
    changed = replace(key, **changes)
    await keys.put(tx, changed)
    for home in homes(tx, key)[1:]:
        relative = await keys.get(home, key.id)
        if relative is not None:
            await keys.put(home, replace(relative, **changes))
    return changed


async def leave(tx: Transaction, key: Key) -> None:
    """A replica is gone: its relatives forget it, and the window of a primary key that waited for that begins."""
    left = tuple(region for region in key.replicas if region != key.region)
    for home in homes(tx, key)[1:]:
        relative = await keys.get(home, key.id)
        if relative is None:
            continue
        relative = replace(relative, replicas=left)
        if relative.window is not None and relative.deletes is None and not left:
            relative = replace(relative, deletes=tx.now + relative.window * DAY)
            schedule_deletion(home, relative)
        await keys.put(home, relative)
