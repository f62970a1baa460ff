"""Rotation: a key gets new material to encrypt with; what earlier material encrypted it still decrypts.

Automatic rotations take place on the platform's clock, at the end of each period; a key that is disabled then, or waits
for its deletion, is rotated once it is enabled again. Source: "Rotate AWS KMS keys".
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from kumoi.doorway.sealing import Sealer
from kumoi.services.kms.errors import unsupported
from kumoi.services.kms.material import new_content, sealed
from kumoi.services.kms.records import Key, Rotation, keys, materials
from kumoi.services.kms.regions import homes, share
from kumoi.services.kms.specs import SYMMETRIC
from kumoi.services.kms.timers import DAY, schedule_rotation
from kumoi.state import Timer, Transaction, transactional

MOST_ON_DEMAND = 25


def check_rotates(key: Key) -> None:
    """Raise UnsupportedOperationException for a key whose material does not change."""
    if key.spec != SYMMETRIC or key.origin != "AWS_KMS":
        raise unsupported(f"{key.arn} is not rotated: only symmetric encryption keys with material that KMS made are.")


def check_primary(key: Key) -> None:
    """Raise UnsupportedOperationException for a replica: its primary key is rotated."""
    if key.is_replica:
        raise unsupported(f"{key.arn} is a replica key: rotation is set on its primary key, in {key.primary}.")


async def rotate(tx: Transaction, sealer: Sealer, key: Key, kind: Literal["AUTOMATIC", "ON_DEMAND"]) -> Key:
    """Give a key new material, in all its regions; the key afterwards."""
    known = await materials.list(tx, key.id)
    number = max((one.number for one in known), default=-1) + 1
    material = sealed(sealer, key, new_content(key.spec), tx.now, number=number, rotation=kind)
    for home in homes(tx, key):
        await materials.put(home, material)
    return await share(tx, key, material=material.id)


async def catch_up(tx: Transaction, sealer: Sealer, key: Key) -> Key:
    """Rotate a key whose time has come, and set the next one; the key afterwards."""
    rotation = key.rotation
    if rotation is None or rotation.next > tx.now or key.state != "Enabled" or key.is_replica:
        return key
    key = await rotate(tx, sealer, key, "AUTOMATIC")
    period = rotation.days * DAY
    passed = (tx.now - rotation.next) // period + 1
    key = await share(tx, key, rotation=Rotation(days=rotation.days, next=rotation.next + passed * period))
    schedule_rotation(tx, key)
    return key


@transactional
async def fall_due(tx: Transaction, sealer: Sealer, timer: Timer) -> None:
    """Rotate the key of a timer."""
    tx.complete_timer(timer)
    key = await keys.get(tx, timer.payload.decode())
    if key is not None:
        await catch_up(tx, sealer, key)


async def set_enabled(tx: Transaction, sealer: Sealer, key: Key, enabled: bool) -> Key:
    """Enable or disable a key."""
    key = replace(key, enabled=enabled)
    await keys.put(tx, key)
    return await catch_up(tx, sealer, key)
