"""Imported key material as it is kept: taken in, taken away, expired. Source: "Importing key material"."""

from __future__ import annotations

from msgspec.structs import replace

from kumoi.doorway.sealing import Sealer
from kumoi.services.kms.material import Content, material_id, sealed
from kumoi.services.kms.records import Key, keys, materials
from kumoi.services.kms.regions import share
from kumoi.services.kms.timers import schedule_expiry
from kumoi.state import Timer, Transaction, transactional
from kumoi.wire.errors import aws_error


async def take(tx: Transaction, sealer: Sealer, key: Key, content: Content, expires: float | None) -> Key:
    """Give a key its material; IncorrectKeyMaterialException for other material than it had before."""
    name = material_id(sealer, key, content)
    if key.imported not in ("", name):
        raise aws_error(
            "IncorrectKeyMaterialException",
            "The key material in the request is not identical to the key material that was previously imported into "
            "this key.",
        )
    await materials.put(tx, sealed(sealer, key, content, tx.now))
    key = await share(tx, key, imported=name)
    key = replace(key, material=name, expires=expires)
    await keys.put(tx, key)
    schedule_expiry(tx, key)
    return key


async def drop(tx: Transaction, key: Key) -> Key:
    """Take a key's material away: it can be imported again."""
    await materials.delete_all(tx, key.id)
    key = replace(key, material="", expires=None)
    await keys.put(tx, key)
    schedule_expiry(tx, key)
    return key


@transactional
async def fall_due(tx: Transaction, timer: Timer) -> None:
    """Let the material of a timer's key expire."""
    tx.complete_timer(timer)
    key = await keys.get(tx, timer.payload.decode())
    if key is not None and key.expires is not None and key.expires <= tx.now:
        await drop(tx, key)
