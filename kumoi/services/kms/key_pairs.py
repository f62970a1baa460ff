"""Pairs of keys: made, encrypted to, and agreed with; pure.

RSA takes milliseconds, and seconds to make a pair: to be called on a thread. Private keys are PKCS #8, public keys
SubjectPublicKeyInfo, both DER, as KMS hands them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from kumoi.services.kms.errors import bad_ciphertext, invalid
from kumoi.services.kms.specs import ED25519, SPECS
from kumoi.wire.errors import aws_error

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

CURVES: Mapping[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
_OAEP: Mapping[str, hashes.HashAlgorithm] = {"RSAES_OAEP_SHA_1": hashes.SHA1(), "RSAES_OAEP_SHA_256": hashes.SHA256()}  # noqa: S303


class KeyPair(NamedTuple):
    """A pair, DER."""

    private: bytes
    public: bytes


def new_pair(spec: str) -> KeyPair:
    """A new pair of a spec."""
    if spec in CURVES:
        return _pair(ec.generate_private_key(CURVES[spec]))
    if spec == ED25519:
        return _pair(ed25519.Ed25519PrivateKey.generate())
    return _pair(rsa.generate_private_key(public_exponent=65537, key_size=SPECS[spec].size))


def read_pair(private: bytes, spec: str) -> KeyPair:
    """A pair from a private key (PKCS #8, DER) that somebody gives; ValueError where it is none of the spec."""
    try:
        key = load_der_private_key(private, None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("not a private key that can be read") from error
    if isinstance(key, rsa.RSAPrivateKey) and spec.startswith("RSA_") and key.key_size == SPECS[spec].size:
        return _pair(key)
    if isinstance(key, ec.EllipticCurvePrivateKey) and spec in CURVES and key.curve.name == CURVES[spec].name:
        return _pair(key)
    if isinstance(key, ed25519.Ed25519PrivateKey) and spec == ED25519:
        return _pair(key)
    raise ValueError(f"not a private key of the spec {spec}")


def _pair(key: PrivateKey) -> KeyPair:
    return KeyPair(
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )


def private_key(der: bytes) -> PrivateKey:
    """A private key that was made or checked here."""
    key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, PrivateKey)
    return key


def public_key(der: bytes) -> PublicKey:
    """A public key that was made here."""
    key = load_der_public_key(der)
    assert isinstance(key, PublicKey)
    return key


def oaep(algorithm: str) -> padding.OAEP:
    """The padding of an encryption algorithm."""
    digest = _OAEP[algorithm]
    return padding.OAEP(padding.MGF1(digest), digest, None)


def encrypt(public: bytes, spec: str, algorithm: str, plaintext: bytes) -> bytes:
    """Encrypt to an RSA public key; ValidationException for more than fits."""
    most = SPECS[spec].size // 8 - 2 * _OAEP[algorithm].digest_size - 2
    if len(plaintext) > most:
        raise invalid(f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {most} bytes.")
    key = public_key(public)
    assert isinstance(key, rsa.RSAPublicKey)
    return key.encrypt(plaintext, oaep(algorithm))


def decrypt(private: bytes, algorithm: str, ciphertext: bytes) -> bytes:
    """Decrypt with an RSA private key; InvalidCiphertextException for what was not encrypted to it."""
    key = private_key(private)
    assert isinstance(key, rsa.RSAPrivateKey)
    try:
        return key.decrypt(ciphertext, oaep(algorithm))
    except ValueError:
        raise bad_ciphertext() from None


def agree(private: bytes, other: bytes) -> bytes:
    """The raw secret (ECDH) that a private key shares with another's public key (DER), which has to be of its curve."""
    key = private_key(private)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    try:
        theirs = load_der_public_key(other)
    except (ValueError, UnsupportedAlgorithm):
        theirs = None
    if not isinstance(theirs, ec.EllipticCurvePublicKey) or theirs.curve.name != key.curve.name:
        raise aws_error("ValidationException", f"The public key is not one of the curve {key.curve.name}.")
    return key.exchange(ec.ECDH(), theirs)
