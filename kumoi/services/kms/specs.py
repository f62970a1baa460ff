"""Key specs: what each kind of key may be used for, and with which algorithms; pure.

Source: "Key spec reference" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kumoi.services.kms.errors import invalid, unsupported, wrong_algorithm

SYMMETRIC, ED25519 = "SYMMETRIC_DEFAULT", "ECC_NIST_EDWARDS25519"
ENCRYPT, SIGN, MAC, AGREE = "ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"

_OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
_RSA_SIGNING = (
    *("RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512"),
    *("RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"),
)


class Spec(NamedTuple):
    """What keys of a spec do, by usage: the algorithms; `size` is in bits (RSA) or bytes (symmetric, HMAC)."""

    algorithms: Mapping[str, tuple[str, ...]]
    size: int = 0


_RSA = {ENCRYPT: _OAEP, SIGN: _RSA_SIGNING}
SPECS: Mapping[str, Spec] = {
    SYMMETRIC: Spec({ENCRYPT: (SYMMETRIC,)}, 32),
    "RSA_2048": Spec(_RSA, 2048),
    "RSA_3072": Spec(_RSA, 3072),
    "RSA_4096": Spec(_RSA, 4096),
    "ECC_NIST_P256": Spec({SIGN: ("ECDSA_SHA_256",), AGREE: ("ECDH",)}),
    "ECC_NIST_P384": Spec({SIGN: ("ECDSA_SHA_384",), AGREE: ("ECDH",)}),
    "ECC_NIST_P521": Spec({SIGN: ("ECDSA_SHA_512",), AGREE: ("ECDH",)}),
    "ECC_SECG_P256K1": Spec({SIGN: ("ECDSA_SHA_256",)}),
    ED25519: Spec({SIGN: ("ED25519_SHA_512",)}),
    "HMAC_224": Spec({MAC: ("HMAC_SHA_224",)}, 28),
    "HMAC_256": Spec({MAC: ("HMAC_SHA_256",)}, 32),
    "HMAC_384": Spec({MAC: ("HMAC_SHA_384",)}, 48),
    "HMAC_512": Spec({MAC: ("HMAC_SHA_512",)}, 64),
}
HMAC_IMPORTS = {"HMAC_224": (28, 64), "HMAC_256": (32, 64), "HMAC_384": (48, 128), "HMAC_512": (64, 128)}
"""Bytes, at least and at most, of imported HMAC key material."""


def is_pair(spec: str) -> bool:
    """Whether keys of a spec are pairs of a private and a public key."""
    return spec.startswith(("RSA_", "ECC_"))


def usage_of(spec: str, usage: str | None) -> str:
    """What a new key is for; ValidationException where the spec is not made for it."""
    if spec not in SPECS:
        raise unsupported(f"Kumoi has no keys of the spec {spec}; it has {', '.join(SPECS)}.")
    if usage is None:
        if spec != SYMMETRIC:
            raise invalid("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
        return ENCRYPT
    if usage not in SPECS[spec].algorithms:
        raise invalid(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    return usage


def check_algorithm(spec: str, usage: str, algorithm: str) -> None:
    """Raise InvalidKeyUsageException for an algorithm that keys of this spec and usage do not have."""
    if algorithm not in SPECS[spec].algorithms[usage]:
        raise wrong_algorithm(algorithm, spec)
