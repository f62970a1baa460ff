"""Rotation is turned on and off, asked for, and looked at."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.doorway.sealing import Sealer
from kumoi.services.kms import kms
from kumoi.services.kms.naming import Named
from kumoi.services.kms.pages import page
from kumoi.services.kms.records import Key, Material, Rotation, materials
from kumoi.services.kms.regions import share
from kumoi.services.kms.rotation import MOST_ON_DEMAND, check_primary, check_rotates, rotate
from kumoi.services.kms.store import check_enabled, find_key, find_own, own, state_of
from kumoi.services.kms.timers import DAY, schedule_rotation
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@kms.operation
async def enable_key_rotation(call: Call, KeyId: str, RotationPeriodInDays: int | None = None) -> None:
    """Have a key rotated every so many days, a year where none are told."""
    named = own(call, KeyId)
    await _set(state_of(call, named), named, RotationPeriodInDays or 365)


@kms.operation
async def disable_key_rotation(call: Call, KeyId: str) -> None:
    """Have a key rotated no longer."""
    named = own(call, KeyId)
    await _set(state_of(call, named), named, None)


@transactional
async def _set(tx: Transaction, named: Named, days: int | None) -> None:
    key = await find_own(tx, named)
    check_rotates(key)
    check_primary(key)
    check_enabled(key)
    rotation = None if days is None else Rotation(days=days, next=tx.now + days * DAY)
    schedule_rotation(tx, await share(tx, key, rotation=rotation))


@kms.operation
async def get_key_rotation_status(call: Call, KeyId: str) -> dict[str, Any]:
    """Whether, and when, a key is rotated: keys that cannot be are not."""
    key = (await find_key(call, KeyId, aliases=False, foreign=True)).key
    status: dict[str, Any] = {"KeyId": key.arn, "KeyRotationEnabled": key.rotation is not None and key.window is None}
    if key.rotation is not None and key.window is None:
        status |= {"RotationPeriodInDays": key.rotation.days, "NextRotationDate": key.rotation.next}
    return status


@kms.operation
async def rotate_key_on_demand(call: Call, KeyId: str) -> dict[str, Any]:
    """Rotate a key now; its schedule stays as it is."""
    named = own(call, KeyId)
    key = await _rotate(state_of(call, named), call.doorway.identity.sealer, named)
    return {"KeyId": key.arn}


@transactional
async def _rotate(tx: Transaction, sealer: Sealer, named: Named) -> Key:
    key = await find_own(tx, named)
    check_rotates(key)
    check_primary(key)
    check_enabled(key)
    if key.on_demand >= MOST_ON_DEMAND:
        raise aws_error(
            "LimitExceededException", f"A key can be rotated on demand {MOST_ON_DEMAND} times; {key.arn} has been."
        )
    key = await share(tx, key, on_demand=key.on_demand + 1)
    return await rotate(tx, sealer, key, "ON_DEMAND")


@kms.operation
async def list_key_rotations(
    call: Call,
    KeyId: str,
    IncludeKeyMaterial: str = "ROTATIONS_ONLY",
    Limit: int = 100,
    Marker: str | None = None,
) -> dict[str, Any]:
    """The rotations that have taken place; with ALL_KEY_MATERIAL the first material, too."""
    state, key = await find_key(call, KeyId, aliases=False)
    check_rotates(key)
    known = [one for one in await _materials(state, key.id) if one.rotation or IncludeKeyMaterial == "ALL_KEY_MATERIAL"]
    found, more = page(known, lambda one: f"{one.number:06}", Marker, Limit)
    return {"Rotations": [_rotation(key, one) for one in found], **more}


def _rotation(key: Key, material: Material) -> dict[str, Any]:
    told: dict[str, Any] = {
        "KeyId": key.id,
        "KeyMaterialId": material.id,
        "KeyMaterialState": "CURRENT" if key.material == material.id else "NON_CURRENT",
    }
    if material.rotation:
        told |= {"RotationDate": material.created, "RotationType": material.rotation}
    return told


@transactional
async def _materials(tx: Transaction, key_id: str) -> list[Material]:
    return await materials.list(tx, key_id)
