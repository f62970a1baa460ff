"""Sign, Verify, and the public key to verify elsewhere with."""

from __future__ import annotations

import asyncio
from typing import Any

from kumoi.doorway import Call
from kumoi.services.kms import kms, signing
from kumoi.services.kms.answers import algorithms
from kumoi.services.kms.errors import dry_run, unsupported
from kumoi.services.kms.naming import parse_key
from kumoi.services.kms.specs import SIGN, check_algorithm, is_pair
from kumoi.services.kms.store import Usable, locate, use
from kumoi.wire.errors import aws_error


@kms.operation
async def sign(
    call: Call,
    KeyId: str,
    Message: bytes,
    SigningAlgorithm: str,
    MessageType: str = "RAW",
    GrantTokens: list[str] | None = None,
    DryRun: bool = False,
) -> dict[str, Any]:
    """Sign a message, or its digest."""
    found, part = await _ready(call, KeyId, Message, SigningAlgorithm, MessageType)
    if DryRun:
        raise dry_run()
    signature = await asyncio.to_thread(signing.sign, found.secret, SigningAlgorithm, part)
    return {"KeyId": found.key.arn, "Signature": signature, "SigningAlgorithm": SigningAlgorithm}


@kms.operation
async def verify(
    call: Call,
    KeyId: str,
    Message: bytes,
    Signature: bytes,
    SigningAlgorithm: str,
    MessageType: str = "RAW",
    GrantTokens: list[str] | None = None,
    DryRun: bool = False,
) -> dict[str, Any]:
    """Check a signature; KMSInvalidSignatureException where it is not the message's."""
    found, part = await _ready(call, KeyId, Message, SigningAlgorithm, MessageType)
    public = found.material.public
    if not await asyncio.to_thread(signing.verifies, public, SigningAlgorithm, part, Signature):
        raise aws_error("KMSInvalidSignatureException", "The signature is not that of this message by this key.")
    if DryRun:
        raise dry_run()
    return {"KeyId": found.key.arn, "SignatureValid": True, "SigningAlgorithm": SigningAlgorithm}


async def _ready(call: Call, key_id: str, message: bytes, algorithm: str, message_type: str) -> tuple[Usable, bytes]:
    """The key of a request, and what is signed."""
    found = await use(call, key_id, SIGN)
    check_algorithm(found.key.spec, SIGN, algorithm)
    return found, signing.signed_part(algorithm, message, message_type)


@kms.operation
async def get_public_key(call: Call, KeyId: str, GrantTokens: list[str] | None = None) -> dict[str, Any]:
    """The public key of a pair (SubjectPublicKeyInfo, DER)."""
    key = await locate(call, parse_key(KeyId, call.account, call.region))
    if not is_pair(key.spec):
        raise unsupported(f"{key.arn} is a {key.spec} key: it has no public key.")
    found = await use(call, KeyId, key.usage)
    return {
        "KeyId": key.arn,
        "PublicKey": found.material.public,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "KeyUsage": key.usage,
        **algorithms(key),
    }
