"""GenerateMac, VerifyMac: HMACs of up to 4,096 bytes."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from kumoi.doorway import Call
from kumoi.services.kms import kms
from kumoi.services.kms.errors import dry_run
from kumoi.services.kms.specs import MAC, check_algorithm
from kumoi.services.kms.store import Usable, use
from kumoi.wire.errors import aws_error

_DIGESTS = {
    "HMAC_SHA_224": hashlib.sha224,
    "HMAC_SHA_256": hashlib.sha256,
    "HMAC_SHA_384": hashlib.sha384,
    "HMAC_SHA_512": hashlib.sha512,
}


@kms.operation
async def generate_mac(
    call: Call,
    Message: bytes,
    KeyId: str,
    MacAlgorithm: str,
    GrantTokens: list[str] | None = None,
    DryRun: bool = False,
) -> dict[str, Any]:
    """The HMAC of a message."""
    found, code = await _code(call, KeyId, Message, MacAlgorithm)
    if DryRun:
        raise dry_run()
    return {"KeyId": found.key.arn, "Mac": code, "MacAlgorithm": MacAlgorithm}


@kms.operation
async def verify_mac(
    call: Call,
    Message: bytes,
    KeyId: str,
    MacAlgorithm: str,
    Mac: bytes,
    GrantTokens: list[str] | None = None,
    DryRun: bool = False,
) -> dict[str, Any]:
    """Check an HMAC; KMSInvalidMacException where it is not the message's."""
    found, code = await _code(call, KeyId, Message, MacAlgorithm)
    if not hmac.compare_digest(code, Mac):
        raise aws_error("KMSInvalidMacException", "The MAC is not that of this message by this key.")
    if DryRun:
        raise dry_run()
    return {"KeyId": found.key.arn, "MacValid": True, "MacAlgorithm": MacAlgorithm}


async def _code(call: Call, key_id: str, message: bytes, algorithm: str) -> tuple[Usable, bytes]:
    found = await use(call, key_id, MAC)
    check_algorithm(found.key.spec, MAC, algorithm)
    return found, hmac.digest(found.secret, message, _DIGESTS[algorithm])
