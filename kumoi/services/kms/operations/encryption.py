"""Encrypt, Decrypt, ReEncrypt: up to 4,096 bytes, under a symmetric key or to an RSA key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.kms import ciphertext, key_pairs, kms
from kumoi.services.kms.errors import bad_ciphertext, dry_run, invalid, unknown_ciphertext, wrong_key
from kumoi.services.kms.naming import Named, parse_key
from kumoi.services.kms.specs import ENCRYPT, SYMMETRIC, check_algorithm
from kumoi.services.kms.store import Usable, check_use, locate, use, with_material
from kumoi.wire.errors import AwsError

_NO_CONTEXT: Mapping[str, str] = {}


@kms.operation
async def encrypt(
    call: Call,
    KeyId: str,
    Plaintext: bytes,
    EncryptionContext: dict[str, str] | None = None,
    GrantTokens: list[str] | None = None,
    EncryptionAlgorithm: str = SYMMETRIC,
    DryRun: bool = False,
) -> dict[str, Any]:
    """Encrypt; the encryption context has to be told again to decrypt."""
    found = await use(call, KeyId, ENCRYPT)
    blob = await seal(found, EncryptionAlgorithm, Plaintext, EncryptionContext)
    if DryRun:
        raise dry_run()
    return {"CiphertextBlob": blob, "KeyId": found.key.arn, "EncryptionAlgorithm": EncryptionAlgorithm}


@kms.operation
async def decrypt(
    call: Call,
    CiphertextBlob: bytes | None = None,
    EncryptionContext: dict[str, str] | None = None,
    GrantTokens: list[str] | None = None,
    KeyId: str | None = None,
    EncryptionAlgorithm: str = SYMMETRIC,
    DryRun: bool = False,
) -> dict[str, Any]:
    """Decrypt; symmetric ciphertexts tell their key themselves."""
    found, plaintext = await open_blob(call, CiphertextBlob, KeyId, EncryptionAlgorithm, EncryptionContext)
    if DryRun:
        raise dry_run()
    return {
        "KeyId": found.key.arn,
        "Plaintext": plaintext,
        "EncryptionAlgorithm": EncryptionAlgorithm,
        **material_of(found),
    }


@kms.operation
async def re_encrypt(
    call: Call,
    DestinationKeyId: str,
    CiphertextBlob: bytes | None = None,
    SourceEncryptionContext: dict[str, str] | None = None,
    SourceKeyId: str | None = None,
    DestinationEncryptionContext: dict[str, str] | None = None,
    SourceEncryptionAlgorithm: str = SYMMETRIC,
    DestinationEncryptionAlgorithm: str = SYMMETRIC,
    GrantTokens: list[str] | None = None,
    DryRun: bool = False,
) -> dict[str, Any]:
    """Decrypt, and encrypt under another key or with another context."""
    source, plaintext = await open_blob(
        call, CiphertextBlob, SourceKeyId, SourceEncryptionAlgorithm, SourceEncryptionContext
    )
    found = await use(call, DestinationKeyId, ENCRYPT)
    blob = await seal(found, DestinationEncryptionAlgorithm, plaintext, DestinationEncryptionContext)
    if DryRun:
        raise dry_run()
    return {
        "CiphertextBlob": blob,
        "SourceKeyId": source.key.arn,
        "KeyId": found.key.arn,
        "SourceEncryptionAlgorithm": SourceEncryptionAlgorithm,
        "DestinationEncryptionAlgorithm": DestinationEncryptionAlgorithm,
        **{f"Source{name}": value for name, value in material_of(source).items()},
        **{f"Destination{name}": value for name, value in material_of(found).items()},
    }


async def seal(found: Usable, algorithm: str, plaintext: bytes, context: Mapping[str, str] | None) -> bytes:
    """A plaintext under a key."""
    key = found.key
    check_algorithm(key.spec, ENCRYPT, algorithm)
    if algorithm == SYMMETRIC:
        return ciphertext.encrypt(
            found.secret, key.account, key.id, found.material.id, plaintext, context or _NO_CONTEXT
        )
    _check_no_context(context)
    return await asyncio.to_thread(key_pairs.encrypt, found.material.public, key.spec, algorithm, plaintext)


async def open_blob(
    call: Call, blob: bytes | None, key_id: str | None, algorithm: str, context: Mapping[str, str] | None
) -> tuple[Usable, bytes]:
    """The key of a ciphertext, and its plaintext."""
    if blob is None:  # the model has it optional, for trials without one
        raise invalid("Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null")
    if algorithm == SYMMETRIC:
        return await _open_symmetric(call, blob, key_id, context or _NO_CONTEXT)
    if key_id is None:
        raise invalid(f"A KeyId is required to decrypt with the algorithm {algorithm}.")
    found = await use(call, key_id, ENCRYPT)
    check_algorithm(found.key.spec, ENCRYPT, algorithm)
    _check_no_context(context)
    return found, await asyncio.to_thread(key_pairs.decrypt, found.secret, algorithm, blob)


async def _open_symmetric(
    call: Call, content: bytes, key_id: str | None, context: Mapping[str, str]
) -> tuple[Usable, bytes]:
    if key_id is None:
        blob = ciphertext.parse(content)
        try:
            key = await locate(call, Named(blob.account, call.region, blob.key))
        except AwsError:
            raise unknown_ciphertext() from None
        check_use(call, key, ENCRYPT)
    else:
        key = await locate(call, parse_key(key_id, call.account, call.region))
        check_use(call, key, ENCRYPT)
        check_algorithm(key.spec, ENCRYPT, SYMMETRIC)
        blob = ciphertext.parse(content)
        if (blob.account, blob.key) != (key.account, key.id):
            raise wrong_key()
    found = await with_material(call, key, blob.material)
    if found is None:
        raise bad_ciphertext()
    return found, ciphertext.decrypt(found.secret, blob, context)


def material_of(found: Usable) -> dict[str, str]:
    """The KeyMaterialId member, of symmetric keys."""
    return {"KeyMaterialId": found.material.id} if found.key.spec == SYMMETRIC else {}


def _check_no_context(context: Mapping[str, str] | None) -> None:
    if context:
        raise invalid("EncryptionContext is not supported with asymmetric encryption algorithms.")
