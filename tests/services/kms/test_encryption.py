"""Encryption and data keys, through boto3."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Refused = Callable[..., tuple[str, str]]
NewKey = Callable[..., str]
DRY = ("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
contexts = st.dictionaries(st.text(min_size=1, max_size=9), st.text(max_size=9), max_size=4)


def test_a_ciphertext_names_its_key(kms: Any, new_key: NewKey, refused: Refused) -> None:
    key, other = new_key(), new_key()
    kms.create_alias(AliasName="alias/app", TargetKeyId=key)
    made = kms.encrypt(KeyId="alias/app", Plaintext=b"hello")
    assert (made["KeyId"].endswith(f":key/{key}"), made["EncryptionAlgorithm"]) == (True, "SYMMETRIC_DEFAULT")
    blob = made["CiphertextBlob"]
    assert blob != kms.encrypt(KeyId=key, Plaintext=b"hello")["CiphertextBlob"]
    for named in ({}, {"KeyId": key}, {"KeyId": "alias/app"}, {"KeyId": made["KeyId"]}):
        opened = kms.decrypt(CiphertextBlob=blob, **named)
        assert (opened["Plaintext"], opened["KeyId"]) == (b"hello", made["KeyId"])
    assert refused(kms.decrypt, CiphertextBlob=blob, KeyId=other) == (
        "IncorrectKeyException",
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )


def test_an_encryption_context_has_to_be_told_again(kms: Any, new_key: NewKey, refused: Refused) -> None:
    context = {"tenant": "a", "order": "1"}
    blob = kms.encrypt(KeyId=new_key(), Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    again = kms.decrypt(CiphertextBlob=blob, EncryptionContext=dict(reversed(context.items())))
    assert again["Plaintext"] == b"x"
    for wrong in ({}, {"tenant": "a"}, {**context, "order": "2"}, {**context, "more": ""}):
        assert refused(kms.decrypt, CiphertextBlob=blob, EncryptionContext=wrong)[0] == "InvalidCiphertextException"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plaintext=st.binary(min_size=1, max_size=300), context=contexts, other=contexts)
def test_what_is_encrypted_is_decrypted_with_the_same_context_alone(
    kms: Any, refused: Refused, plaintext: bytes, context: dict[str, str], other: dict[str, str]
) -> None:
    kms.describe_key(KeyId="alias/aws/s3")
    blob = kms.encrypt(KeyId="alias/aws/s3", Plaintext=plaintext, EncryptionContext=context)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == plaintext
    if other != context:
        assert refused(kms.decrypt, CiphertextBlob=blob, EncryptionContext=other)[0] == "InvalidCiphertextException"


def test_damaged_ciphertexts_are_refused(kms: Any, new_key: NewKey, refused: Refused) -> None:
    blob = kms.encrypt(KeyId=new_key(), Plaintext=b"hello")["CiphertextBlob"]
    for at in range(len(blob)):
        damaged = blob[:at] + bytes((blob[at] ^ 1,)) + blob[at + 1 :]
        code, _ = refused(kms.decrypt, CiphertextBlob=damaged)
        assert code in ("InvalidCiphertextException", "AccessDeniedException")
        assert refused(kms.decrypt, CiphertextBlob=blob[: at or 1])[0] == "InvalidCiphertextException"
    assert refused(kms.decrypt, CiphertextBlob=os.urandom(6144))[0] == "InvalidCiphertextException"
    assert refused(kms.decrypt)[0] == "ValidationException"


def test_at_most_4096_bytes_are_encrypted(kms: Any, new_key: NewKey, refused: Refused) -> None:
    key = new_key()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x" * 4096)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x" * 4096
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"x" * 4097)[0] == "ValidationException"


def test_a_ciphertext_is_encrypted_again_under_another_key(kms: Any, new_key: NewKey, refused: Refused) -> None:
    first, second = new_key(), new_key()
    blob = kms.encrypt(KeyId=first, Plaintext=b"x", EncryptionContext={"a": "1"})["CiphertextBlob"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=second,
        DestinationEncryptionContext={"b": "2"},
    )
    assert (moved["SourceKeyId"][-36:], moved["KeyId"][-36:]) == (first, second)
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"b": "2"})
    assert (opened["Plaintext"], opened["KeyId"][-36:]) == (b"x", second)
    assert refused(kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=second)[0] == "InvalidCiphertextException"


def test_data_keys(kms: Any, new_key: NewKey, refused: Refused) -> None:
    key, context = new_key(), {"a": "1"}
    for size, params in ((32, {"KeySpec": "AES_256"}), (16, {"KeySpec": "AES_128"}), (64, {"NumberOfBytes": 64})):
        made = kms.generate_data_key(KeyId=key, EncryptionContext=context, **params)
        assert len(made["Plaintext"]) == size
        opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
        assert opened["Plaintext"] == made["Plaintext"]
    hidden = kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")
    assert "Plaintext" not in hidden
    assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == 32
    text = "Please specify either number of bytes or key spec."
    assert refused(kms.generate_data_key, KeyId=key) == ("ValidationException", text)
    assert refused(kms.generate_data_key, KeyId=key, KeySpec="AES_256", NumberOfBytes=1) == (
        "ValidationException",
        text,
    )


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P256", "ECC_SECG_P256K1"])
def test_data_key_pairs(kms: Any, new_key: NewKey, spec: str) -> None:
    made = kms.generate_data_key_pair(KeyId=new_key(), KeyPairSpec=spec, EncryptionContext={"a": "1"})
    private = load_der_private_key(made["PrivateKeyPlaintext"], None)
    public = load_der_public_key(made["PublicKey"])
    assert private.public_key() == public
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext={"a": "1"})
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]
    hidden = kms.generate_data_key_pair_without_plaintext(KeyId=made["KeyId"], KeyPairSpec="ECC_NIST_P256")
    assert "PrivateKeyPlaintext" not in hidden


def test_random_bytes(kms: Any, refused: Refused) -> None:
    assert len(kms.generate_random(NumberOfBytes=1024)["Plaintext"]) == 1024
    assert refused(kms.generate_random, NumberOfBytes=1025)[0] == "ValidationException"


@pytest.mark.parametrize(("algorithm", "most"), [("RSAES_OAEP_SHA_1", 214), ("RSAES_OAEP_SHA_256", 190)])
def test_rsa_keys_encrypt_what_others_encrypt_to_them(
    kms: Any, new_key: NewKey, refused: Refused, algorithm: str, most: int
) -> None:
    key = new_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x" * most, EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    opened = kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)
    assert (opened["Plaintext"], "KeyMaterialId" in opened) == (b"x" * most, False)
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, rsa.RSAPublicKey)
    digest = hashes.SHA1() if algorithm.endswith("_1") else hashes.SHA256()
    outside = public.encrypt(b"from outside", padding.OAEP(padding.MGF1(digest), digest, None))
    opened = kms.decrypt(KeyId=key, CiphertextBlob=outside, EncryptionAlgorithm=algorithm)
    assert opened["Plaintext"] == b"from outside"
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"x" * (most + 1), EncryptionAlgorithm=algorithm) == (
        "ValidationException",
        f"Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {most} bytes.",
    )
    damaged = refused(kms.decrypt, KeyId=key, CiphertextBlob=blob[::-1], EncryptionAlgorithm=algorithm)
    assert damaged[0] == "InvalidCiphertextException"
    assert refused(kms.decrypt, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)[0] == "ValidationException"
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"x")[0] == "InvalidKeyUsageException"


def test_keys_are_used_for_what_they_are(kms: Any, new_key: NewKey, refused: Refused) -> None:
    signer = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    wrong = f"{signer['Arn']} key usage is SIGN_VERIFY which is not valid for Encrypt."
    assert refused(kms.encrypt, KeyId=signer["KeyId"], Plaintext=b"x") == ("InvalidKeyUsageException", wrong)
    key = new_key()
    sign = {"KeyId": key, "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
    assert refused(kms.sign, **sign)[0] == "InvalidKeyUsageException"
    assert refused(kms.get_public_key, KeyId=key)[0] == "UnsupportedOperationException"
    rsa_key = new_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    assert refused(kms.generate_data_key, KeyId=rsa_key, KeySpec="AES_256")[0] == "InvalidKeyUsageException"


def test_a_dry_run_says_that_it_would_have_succeeded(kms: Any, new_key: NewKey, refused: Refused) -> None:
    key = new_key()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"x", DryRun=True) == DRY
    assert refused(kms.decrypt, CiphertextBlob=blob, DryRun=True) == DRY
    assert refused(kms.generate_data_key, KeyId=key, KeySpec="AES_256", DryRun=True) == DRY
    kms.disable_key(KeyId=key)
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"x", DryRun=True)[0] == "DisabledException"
