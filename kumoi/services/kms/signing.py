"""Signatures: RSASSA-PSS, RSASSA-PKCS1-v1_5 and ECDSA over messages or their digests; pure.

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

_DIGESTS: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def digest_of(algorithm: str, message: bytes, message_type: str) -> bytes:
    """What is signed of a RAW message, or a DIGEST as it is; ValidationException for one of another length."""
    digest = _DIGESTS[algorithm.rpartition("_")[2]]
    if message_type == "DIGEST":
        if len(message) != digest.digest_size:
            raise invalid(f"Digest is invalid length for algorithm {algorithm}.")
        return message
    if message_type != "RAW":
        raise invalid(f"MessageType {message_type} is not compatible with algorithm {algorithm}.")
    hashing = hashes.Hash(digest)
    hashing.update(message)
    return hashing.finalize()


def sign(private: bytes, algorithm: str, digest: bytes) -> bytes:
    """The signature of a digest with a private key (DER)."""
    key, prehashed = private_key(private), _prehashed(algorithm)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(digest, _padding(algorithm), prehashed)
    return key.sign(digest, ec.ECDSA(prehashed))


def verifies(public: bytes, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Whether a signature is that of a digest, by the public key (DER) of its signer."""
    key, prehashed = public_key(public), _prehashed(algorithm)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, _padding(algorithm), prehashed)
        else:
            key.verify(signature, digest, ec.ECDSA(prehashed))
    except InvalidSignature:
        return False
    return True


def _prehashed(algorithm: str) -> Prehashed:
    return Prehashed(_DIGESTS[algorithm.rpartition("_")[2]])


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    if algorithm.startswith("RSASSA_PSS"):
        digest = _DIGESTS[algorithm.rpartition("_")[2]]
        return padding.PSS(padding.MGF1(digest), digest.digest_size)
    return padding.PKCS1v15()
