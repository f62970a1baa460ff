"""Data keys: made here, used elsewhere, and kept encrypted under a KMS key. And random bytes."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from kumoi.doorway import Call
from kumoi.services.kms import kms
from kumoi.services.kms.errors import dry_run, invalid, unsupported
from kumoi.services.kms.key_pairs import new_pair
from kumoi.services.kms.operations.encryption import material_of, seal
from kumoi.services.kms.specs import ENCRYPT, SPECS, SYMMETRIC, check_algorithm
from kumoi.services.kms.store import Usable, use

_SIZES = {"AES_256": 32, "AES_128": 16}


@kms.operation
async def generate_data_key(
    call: Call,
    KeyId: str,
    EncryptionContext: dict[str, str] | None = None,
    NumberOfBytes: int | None = None,
    KeySpec: str | None = None,
    GrantTokens: list[str] | None = None,
    DryRun: bool = False,
) -> dict[str, Any]:
    """A new secret key, in the clear and encrypted."""
    size = _size(NumberOfBytes, KeySpec)
    found = await _symmetric(call, KeyId, DryRun)
    plaintext = os.urandom(size)
    blob = await seal(found, SYMMETRIC, plaintext, EncryptionContext)
    return {"CiphertextBlob": blob, "Plaintext": plaintext, "KeyId": found.key.arn, **material_of(found)}


@kms.operation
async def generate_data_key_without_plaintext(
    call: Call,
    KeyId: str,
    EncryptionContext: dict[str, str] | None = None,
    KeySpec: str | None = None,
    NumberOfBytes: int | None = None,
    GrantTokens: list[str] | None = None,
    DryRun: bool = False,
) -> dict[str, Any]:
    """A new secret key, encrypted: for later."""
    size = _size(NumberOfBytes, KeySpec)
    found = await _symmetric(call, KeyId, DryRun)
    blob = await seal(found, SYMMETRIC, os.urandom(size), EncryptionContext)
    return {"CiphertextBlob": blob, "KeyId": found.key.arn, **material_of(found)}


@kms.operation
async def generate_data_key_pair(
    call: Call,
    KeyId: str,
    KeyPairSpec: str,
    EncryptionContext: dict[str, str] | None = None,
    GrantTokens: list[str] | None = None,
    DryRun: bool = False,
) -> dict[str, Any]:
    """A new pair of keys, the private one in the clear and encrypted."""
    return await _pair(call, KeyId, KeyPairSpec, EncryptionContext, DryRun)


@kms.operation
async def generate_data_key_pair_without_plaintext(
    call: Call,
    KeyId: str,
    KeyPairSpec: str,
    EncryptionContext: dict[str, str] | None = None,
    GrantTokens: list[str] | None = None,
    DryRun: bool = False,
) -> dict[str, Any]:
    """A new pair of keys, the private one encrypted."""
    answer = await _pair(call, KeyId, KeyPairSpec, EncryptionContext, DryRun)
    del answer["PrivateKeyPlaintext"]
    return answer


async def _pair(call: Call, key_id: str, spec: str, context: dict[str, str] | None, trial: bool) -> dict[str, Any]:
    found = await _symmetric(call, key_id, trial)
    if spec not in SPECS:
        raise unsupported(f"Kumoi has no pairs of the spec {spec}.")
    pair = await asyncio.to_thread(new_pair, spec)
    return {
        "PrivateKeyCiphertextBlob": await seal(found, SYMMETRIC, pair.private, context),
        "PrivateKeyPlaintext": pair.private,
        "PublicKey": pair.public,
        "KeyId": found.key.arn,
        "KeyPairSpec": spec,
        **material_of(found),
    }


@kms.operation
async def generate_random(call: Call, NumberOfBytes: int | None = None) -> dict[str, Any]:
    """Random bytes."""
    if NumberOfBytes is None:
        raise invalid("NumberOfBytes is required.")
    return {"Plaintext": os.urandom(NumberOfBytes)}


async def _symmetric(call: Call, key_id: str, trial: bool) -> Usable:
    found = await use(call, key_id, ENCRYPT)
    check_algorithm(found.key.spec, ENCRYPT, SYMMETRIC)
    if trial:
        raise dry_run()
    return found


def _size(count: int | None, spec: str | None) -> int:
    if (count is None) == (spec is None):
        raise invalid("Please specify either number of bytes or key spec.")
    return _SIZES[spec] if spec is not None else count or 0
