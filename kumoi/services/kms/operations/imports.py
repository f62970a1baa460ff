"""Key material of one's own is brought in, and taken away."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.doorway.sealing import Sealer
from kumoi.services.kms import imported, kms
from kumoi.services.kms.errors import bad_state, invalid, unsupported
from kumoi.services.kms.importing import content_of, parameters, read_token, unwrap
from kumoi.services.kms.material import Content
from kumoi.services.kms.naming import Named
from kumoi.services.kms.records import Key
from kumoi.services.kms.store import check_stays, find_key, find_own, own, state_of
from kumoi.state import Transaction, transactional

_EXPIRES, _STAYS = "KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE"
_LONGEST = 365 * 86_400.0


@kms.operation
async def get_parameters_for_import(
    call: Call, KeyId: str, WrappingAlgorithm: str, WrappingKeySpec: str
) -> dict[str, Any]:
    """A public key to wrap material with, and the token that goes with it; both for a day."""
    key = (await find_key(call, KeyId, aliases=False)).key
    _check_external(key)
    sealer = call.doorway.identity.sealer
    made = await asyncio.to_thread(parameters, sealer, key, WrappingAlgorithm, WrappingKeySpec, call.now)
    return {
        "KeyId": key.arn,
        "ImportToken": made.token,
        "PublicKey": made.public,
        "ParametersValidTo": made.expires,
    }


@kms.operation
async def import_key_material(
    call: Call,
    KeyId: str,
    ImportToken: bytes,
    EncryptedKeyMaterial: bytes,
    ValidTo: datetime | None = None,
    ExpirationModel: str = _EXPIRES,
    ImportType: str | None = None,
) -> dict[str, Any]:
    """Give a key its material: the same each time."""
    key = (await find_key(call, KeyId, aliases=False)).key
    _check_external(key)
    if ImportType == "NEW_KEY_MATERIAL" and key.imported:
        raise unsupported("Kumoi does not rotate imported key material: import what the key had before.")
    expires = _expiry(ExpirationModel, None if ValidTo is None else ValidTo.timestamp(), call.now)
    sealer = call.doorway.identity.sealer
    token = read_token(sealer, key, ImportToken, call.now)
    content = content_of(key, await asyncio.to_thread(unwrap, token, EncryptedKeyMaterial))
    named = own(call, KeyId)
    key = await _take(state_of(call, named), sealer, named, content, expires)
    return {"KeyId": key.arn, "KeyMaterialId": key.material}


def _expiry(model: str, valid_to: float | None, now: float) -> float | None:
    if model == _STAYS:
        if valid_to is not None:
            raise invalid(f"ValidTo is not for the expiration model {_STAYS}.")
        return None
    if valid_to is None:
        raise invalid(f"The expiration model {_EXPIRES} needs a ValidTo.")
    if not now < valid_to <= now + _LONGEST:
        raise invalid("ValidTo must lie ahead, at most 365 days.")
    return valid_to


def _check_external(key: Key) -> None:
    if key.origin != "EXTERNAL":
        raise unsupported(f"{key.arn} origin is {key.origin} which is not valid for this operation.")
    check_stays(key)


@transactional
async def _take(tx: Transaction, sealer: Sealer, named: Named, content: Content, expires: float | None) -> Key:
    key = await find_own(tx, named)
    check_stays(key)
    return await imported.take(tx, sealer, key, content, expires)


@kms.operation
async def delete_imported_key_material(call: Call, KeyId: str, KeyMaterialId: str | None = None) -> dict[str, Any]:
    """Take a key's material away at once."""
    named = own(call, KeyId)
    return await _drop(state_of(call, named), named, KeyMaterialId)


@transactional
async def _drop(tx: Transaction, named: Named, material: str | None) -> dict[str, Any]:
    key = await find_own(tx, named)
    _check_external(key)
    if not key.material:
        raise bad_state(key.arn, "pending import")
    if material not in (None, key.material):
        raise invalid(f"{key.arn} has no key material {material}.")
    await imported.drop(tx, key)
    return {"KeyId": key.arn, "KeyMaterialId": key.material}
