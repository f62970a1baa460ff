"""Keys with material of one's own."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

Refused = Callable[..., tuple[str, str]]
NewKey = Callable[..., str]
STAYS = "KEY_MATERIAL_DOES_NOT_EXPIRE"


def wrapped(public: bytes, algorithm: str, material: bytes) -> bytes:
    """Material as its owner wraps it."""
    key = load_der_public_key(public)
    assert isinstance(key, rsa.RSAPublicKey)
    digest = hashes.SHA256() if algorithm.endswith("256") else hashes.SHA1()
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    if algorithm.startswith("RSAES"):
        return key.encrypt(material, oaep)
    wrapping = os.urandom(32)
    return key.encrypt(wrapping, oaep) + aes_key_wrap_with_padding(wrapping, material)


def bring(kms: Any, key: str, material: bytes, algorithm: str = "RSAES_OAEP_SHA_256", **params: Any) -> Any:
    """Import material."""
    given = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048")
    if "ExpirationModel" not in params and "ValidTo" not in params:
        params["ExpirationModel"] = STAYS
    return kms.import_key_material(
        KeyId=key,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrapped(given["PublicKey"], algorithm, material),
        **params,
    )


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_256"])
def test_material_is_imported_deleted_and_imported_again(
    kms: Any, new_key: NewKey, refused: Refused, algorithm: str
) -> None:
    key, material = new_key(Origin="EXTERNAL"), os.urandom(32)
    told = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (told["KeyState"], told["Origin"], told["Enabled"]) == ("PendingImport", "EXTERNAL", False)
    pending = ("KMSInvalidStateException", f"{told['Arn']} is pending import.")
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"x") == pending
    name = bring(kms, key, material, algorithm)["KeyMaterialId"]
    told = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (told["KeyState"], told["ExpirationModel"], told["CurrentKeyMaterialId"]) == ("Enabled", STAYS, name)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.delete_imported_key_material(KeyId=key)
    assert refused(kms.decrypt, CiphertextBlob=blob) == pending
    with pytest.raises(kms.exceptions.IncorrectKeyMaterialException):
        bring(kms, key, os.urandom(32), algorithm)
    assert bring(kms, key, material, algorithm)["KeyMaterialId"] == name
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@pytest.mark.kumoi_clock
def test_material_expires(kumoi: Any, kms: Any, new_key: NewKey) -> None:
    key = new_key(Origin="EXTERNAL")
    until = kumoi.now() + timedelta(days=2)
    bring(kms, key, b"m" * 32, ValidTo=until)
    told = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (told["ExpirationModel"], abs(told["ValidTo"] - until) < timedelta(seconds=2)) == (
        "KEY_MATERIAL_EXPIRES",
        True,
    )
    kumoi.advance("1d")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    kumoi.advance("2d")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"


def test_what_is_imported_is_used(kms: Any, new_key: NewKey) -> None:
    key, secret = new_key(Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"), os.urandom(40)
    bring(kms, key, secret)
    code = kms.generate_mac(KeyId=key, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert code == hmac.digest(secret, b"m", hashlib.sha256)
    mine = ec.generate_private_key(ec.SECP256R1())
    private = mine.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    key = new_key(Origin="EXTERNAL", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    bring(kms, key, private, "RSAES_OAEP_SHA_256" if len(private) <= 190 else "RSA_AES_KEY_WRAP_SHA_256")
    public = mine.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert kms.get_public_key(KeyId=key)["PublicKey"] == public


@pytest.mark.kumoi_clock
def test_imports_that_go_wrong(kumoi: Any, kms: Any, new_key: NewKey, refused: Refused) -> None:
    key, other = new_key(Origin="EXTERNAL"), new_key(Origin="EXTERNAL")
    asked = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    assert refused(kms.get_parameters_for_import, KeyId=new_key(), **asked)[0] == "UnsupportedOperationException"
    given = kms.get_parameters_for_import(KeyId=key, **asked)
    material = wrapped(given["PublicKey"], "RSAES_OAEP_SHA_256", b"m" * 32)
    good = {"ImportToken": given["ImportToken"], "EncryptedKeyMaterial": material, "ExpirationModel": STAYS}
    for changed, code in (
        ({"KeyId": other}, "InvalidImportTokenException"),
        ({"ImportToken": b"garbage"}, "InvalidImportTokenException"),
        ({"EncryptedKeyMaterial": b"garbage"}, "InvalidCiphertextException"),
        ({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}, "ValidationException"),
        ({"ValidTo": kumoi.now()}, "ValidationException"),
        (
            {"EncryptedKeyMaterial": wrapped(given["PublicKey"], "RSAES_OAEP_SHA_256", b"m" * 31)},
            "ValidationException",
        ),
    ):
        assert refused(kms.import_key_material, **{"KeyId": key, **good, **changed})[0] == code
    kumoi.advance("2d")
    assert refused(kms.import_key_material, KeyId=key, **good)[0] == "ExpiredImportTokenException"


@pytest.mark.slow
def test_at_rest_no_material_is_in_the_clear(killable: Any, tmp_path: Path) -> None:
    killable.start()
    kms = killable.client("kms")
    key, material = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"], os.urandom(32)
    bring(kms, key, material)
    files = [file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file()]
    assert any(key.encode() in content for content in files)
    assert not any(material in content for content in files)
