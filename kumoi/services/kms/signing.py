"""Signatures: RSASSA-PSS, RSASSA-PKCS1-v1_5 and ECDSA over messages or their digests, Ed25519 over messages; pure.

A PSS salt is as long as the digest; ECDSA signatures are DER. Source: the API reference of Sign, and "Asymmetric key
specs" of the developer guide.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kumoi.services.kms.errors import invalid
from kumoi.services.kms.key_pairs import private_key, public_key

_ED25519 = "ED25519_SHA_512"
_DIGESTS: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def signed_part(algorithm: str, message: bytes, message_type: str) -> bytes:
    """What is signed: the digest of a RAW message, or a DIGEST as it is; of Ed25519 a RAW message itself.

    ValidationException for a digest of another length, and for message types that an algorithm does not have.
    """
    if algorithm == _ED25519 and message_type == "RAW":
        return message
    if algorithm == _ED25519 or message_type not in ("RAW", "DIGEST"):
        raise invalid(f"MessageType {message_type} is not compatible with algorithm {algorithm}.")
    digest = _digest(algorithm)
    if message_type == "RAW":
        hashing = hashes.Hash(digest)
        hashing.update(message)
        return hashing.finalize()
    if len(message) != digest.digest_size:
        raise invalid(f"Digest is invalid length for algorithm {algorithm}.")
    return message


def sign(private: bytes, algorithm: str, part: bytes) -> bytes:
    """The signature of what is signed with a private key (DER)."""
    key = private_key(private)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(part, _padding(algorithm), Prehashed(_digest(algorithm)))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(part, ec.ECDSA(Prehashed(_digest(algorithm))))
    return key.sign(part)


def verifies(public: bytes, algorithm: str, part: bytes, signature: bytes) -> bool:
    """Whether a signature is that of what was signed, by the public key (DER) of its signer."""
    key = public_key(public)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, part, _padding(algorithm), Prehashed(_digest(algorithm)))
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, part, ec.ECDSA(Prehashed(_digest(algorithm))))
        else:
            key.verify(signature, part)
    except InvalidSignature:
        return False
    return True


def _digest(algorithm: str) -> hashes.HashAlgorithm:
    return _DIGESTS[algorithm.rpartition("_")[2]]


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    if algorithm.startswith("RSASSA_PSS"):
        digest = _digest(algorithm)
        return padding.PSS(padding.MGF1(digest), digest.digest_size)
    return padding.PKCS1v15()
