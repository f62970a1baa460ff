"""Nothing acknowledged is lost: a platform killed with -9 while keys are made, rotated and used."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = 2


@pytest.mark.slow
def test_what_was_encrypted_is_decrypted_after_a_crash(killable: Any, at_work: Any) -> None:
    rng = random.Random(6)
    encrypted: dict[bytes, bytes] = {}
    signed: list[tuple[str, bytes]] = []
    for _ in range(ROUNDS):
        killable.start()
        worker = threading.Thread(target=work, args=(killable.client("kms"), encrypted, signed))
        worker.start()
        at_work(worker, encrypted)
        time.sleep(rng.uniform(0.3, 0.8))  # the moment of the crash is the point of this test
        killable.kill()
        worker.join()
    killable.start()
    kms = killable.client("kms")
    assert len(encrypted) > ROUNDS
    for blob, plaintext in encrypted.items():
        opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext={"number": plaintext.decode()})
        assert opened["Plaintext"] == plaintext
    for key, signature in signed:
        asked = {"KeyId": key, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
        assert kms.verify(Signature=signature, **asked)["SignatureValid"] is True


def work(kms: Any, encrypted: dict[bytes, bytes], signed: list[tuple[str, bytes]]) -> None:
    """Make keys, rotate and use them until the platform is gone; note what was answered."""
    try:
        for number in range(10_000):
            key = kms.create_key()["KeyMetadata"]["KeyId"]
            for _ in range(2):
                plaintext = str(number).encode()
                context = {"number": str(number)}
                blob = kms.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext=context)["CiphertextBlob"]
                encrypted[blob] = plaintext
                kms.rotate_key_on_demand(KeyId=key)
            signer = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
            answer = kms.sign(KeyId=signer, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
            signed.append((signer, answer["Signature"]))
    except (BotoCoreError, ClientError):
        return
