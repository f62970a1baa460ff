"""SigV4a, the variant for several regions: ECDSA over P-256 with a key pair that follows from the secret.

In: access key and secret, a string to sign, a signature. Out: whether it is right. Source: "AWS Signature Version 4A"
and NIST SP 800-108 (KDF in counter mode with HMAC-SHA-256).
"""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from kumoi.wire.credential import SIGV4A

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256's group."""


def public_key(access_key: str, secret: str) -> EllipticCurvePublicKey:
    """The public key that signatures of this access key are verified with."""
    for counter in range(1, 255):
        context = SIGV4A.encode() + b"\0" + access_key.encode() + bytes([counter])
        content = (1).to_bytes(4) + context + (256).to_bytes(4)
        candidate = int.from_bytes(hmac.digest(f"AWS4A{secret}".encode(), content, "sha256"))
        if candidate <= _ORDER - 2:
            return derive_private_key(candidate + 1, SECP256R1()).public_key()
    raise ArithmeticError("no counter gives a key; this happens once in 2 to the power of 8,000")


def holds(key: EllipticCurvePublicKey, to_sign: str, signature: str) -> bool:
    """Whether `signature` (hexadecimal DER) is the key's for the text `to_sign`."""
    try:
        key.verify(bytes.fromhex(signature), to_sign.encode(), ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
