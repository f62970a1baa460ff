"""DeriveSharedSecret: what a key shares with somebody else's public key."""

from __future__ import annotations

import asyncio
from typing import Any

from kumoi.doorway import Call
from kumoi.services.kms import key_pairs, kms
from kumoi.services.kms.errors import dry_run
from kumoi.services.kms.specs import AGREE, check_algorithm
from kumoi.services.kms.store import use


@kms.operation
async def derive_shared_secret(
    call: Call,
    KeyId: str,
    KeyAgreementAlgorithm: str,
    PublicKey: bytes,
    GrantTokens: list[str] | None = None,
    DryRun: bool = False,
) -> dict[str, Any]:
    """The raw shared secret (ECDH)."""
    found = await use(call, KeyId, AGREE)
    check_algorithm(found.key.spec, AGREE, KeyAgreementAlgorithm)
    secret = await asyncio.to_thread(key_pairs.agree, found.secret, PublicKey)
    if DryRun:
        raise dry_run()
    return {
        "KeyId": found.key.arn,
        "SharedSecret": secret,
        "KeyAgreementAlgorithm": KeyAgreementAlgorithm,
        "KeyOrigin": found.key.origin,
    }
