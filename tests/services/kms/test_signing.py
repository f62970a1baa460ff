"""Signatures, message authentication codes and shared secrets, through boto3 and checked outside."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

Refused = Callable[..., tuple[str, str]]
NewKey = Callable[..., str]
RSA = [f"RSASSA_{kind}_SHA_{size}" for kind in ("PSS", "PKCS1_V1_5") for size in (256, 384, 512)]


def digest(algorithm: str, message: bytes) -> bytes:
    return hashlib.new(f"sha{algorithm[-3:]}", message).digest()


def check(public: Any, algorithm: str, signature: bytes, message: bytes) -> None:
    """Verify as anybody could who has the public key."""
    hashing = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[-3:]]
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, message, ec.ECDSA(hashing))
        return
    assert isinstance(public, rsa.RSAPublicKey)
    pss = padding.PSS(padding.MGF1(hashing), hashing.digest_size)
    public.verify(signature, message, pss if "PSS" in algorithm else padding.PKCS1v15(), hashing)


@pytest.mark.parametrize(
    ("spec", "algorithms"),
    [
        ("RSA_2048", RSA),
        ("RSA_3072", RSA[:1]),
        ("ECC_NIST_P256", ["ECDSA_SHA_256"]),
        ("ECC_NIST_P384", ["ECDSA_SHA_384"]),
        ("ECC_NIST_P521", ["ECDSA_SHA_512"]),
        ("ECC_SECG_P256K1", ["ECDSA_SHA_256"]),
    ],
)
def test_signatures_are_verified_here_and_elsewhere(
    kms: Any, new_key: NewKey, refused: Refused, spec: str, algorithms: list[str]
) -> None:
    key = new_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    told = kms.get_public_key(KeyId=key)
    assert (told["KeySpec"], told["KeyUsage"]) == (spec, "SIGN_VERIFY")
    public = load_der_public_key(told["PublicKey"])
    for algorithm in algorithms:
        assert algorithm in told["SigningAlgorithms"]
        asked = {"KeyId": key, "SigningAlgorithm": algorithm}
        signature = kms.sign(Message=b"m", **asked)["Signature"]
        check(public, algorithm, signature, b"m")
        assert kms.verify(Message=b"m", Signature=signature, **asked)["SignatureValid"] is True
        short = {"Message": digest(algorithm, b"m"), "MessageType": "DIGEST"}
        check(public, algorithm, kms.sign(**short, **asked)["Signature"], b"m")
        assert kms.verify(Signature=signature, **short, **asked)["SignatureValid"] is True
        wrong = refused(kms.verify, Message=b"n", Signature=signature, **asked)
        assert wrong[0] == "KMSInvalidSignatureException"
        assert refused(kms.verify, Message=b"m", Signature=b"garbage", **asked)[0] == "KMSInvalidSignatureException"
        assert refused(kms.sign, Message=b"m", MessageType="DIGEST", **asked) == (
            "ValidationException",
            f"Digest is invalid length for algorithm {algorithm}.",
        )


def test_an_algorithm_has_to_fit_the_key(kms: Any, new_key: NewKey, refused: Refused) -> None:
    key = new_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    for algorithm in ("ECDSA_SHA_384", "RSASSA_PSS_SHA_256", "ED25519_SHA_512"):
        wrong = refused(kms.sign, KeyId=key, Message=b"m", SigningAlgorithm=algorithm)
        assert wrong[0] == "InvalidKeyUsageException"
    mu = refused(kms.sign, KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256", MessageType="EXTERNAL_MU")
    assert mu[0] == "ValidationException"


def test_ed25519_signs_messages_themselves(kms: Any, new_key: NewKey, refused: Refused) -> None:
    key = new_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, ed25519.Ed25519PublicKey)
    asked = {"KeyId": key, "SigningAlgorithm": "ED25519_SHA_512"}
    signature = kms.sign(Message=b"m", **asked)["Signature"]
    public.verify(signature, b"m")
    assert kms.verify(Message=b"m", Signature=signature, **asked)["SignatureValid"] is True
    assert refused(kms.verify, Message=b"n", Signature=signature, **asked)[0] == "KMSInvalidSignatureException"
    digest_alone = refused(kms.sign, Message=b"m" * 64, MessageType="DIGEST", **asked)
    assert digest_alone[0] == "ValidationException"
    pair = kms.generate_data_key_pair(KeyId="alias/aws/s3", KeyPairSpec="ECC_NIST_EDWARDS25519")
    private = load_der_private_key(pair["PrivateKeyPlaintext"], None)
    assert private.public_key() == load_der_public_key(pair["PublicKey"])


@pytest.mark.parametrize("size", [224, 256, 384, 512])
def test_message_authentication_codes(kms: Any, new_key: NewKey, refused: Refused, size: int) -> None:
    key, algorithm = new_key(KeySpec=f"HMAC_{size}", KeyUsage="GENERATE_VERIFY_MAC"), f"HMAC_SHA_{size}"
    asked = {"KeyId": key, "MacAlgorithm": algorithm}
    code = kms.generate_mac(Message=b"m", **asked)["Mac"]
    assert len(code) == size // 8
    assert kms.generate_mac(Message=b"m", **asked)["Mac"] == code
    assert kms.verify_mac(Message=b"m", Mac=code, **asked)["MacValid"] is True
    assert refused(kms.verify_mac, Message=b"n", Mac=code, **asked)[0] == "KMSInvalidMacException"
    assert refused(kms.verify_mac, Message=b"m", Mac=b"garbage", **asked)[0] == "KMSInvalidMacException"
    other = "HMAC_SHA_224" if size != 224 else "HMAC_SHA_512"
    assert refused(kms.generate_mac, KeyId=key, Message=b"m", MacAlgorithm=other)[0] == "InvalidKeyUsageException"


@pytest.mark.parametrize(("spec", "curve"), [("ECC_NIST_P256", ec.SECP256R1()), ("ECC_NIST_P521", ec.SECP521R1())])
def test_a_secret_is_shared_with_whoever_has_the_other_key(
    kms: Any, new_key: NewKey, refused: Refused, spec: str, curve: ec.EllipticCurve
) -> None:
    key = new_key(KeySpec=spec, KeyUsage="KEY_AGREEMENT")
    mine = ec.generate_private_key(curve)
    public = mine.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    asked = {"KeyId": key, "KeyAgreementAlgorithm": "ECDH"}
    theirs = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(theirs, ec.EllipticCurvePublicKey)
    shared = kms.derive_shared_secret(PublicKey=public, **asked)
    assert (shared["SharedSecret"], shared["KeyOrigin"]) == (mine.exchange(ec.ECDH(), theirs), "AWS_KMS")
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    foreign = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for bad in (b"garbage", foreign):
        assert refused(kms.derive_shared_secret, PublicKey=bad, **asked)[0] == "ValidationException"
