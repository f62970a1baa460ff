"""Rotation and deletion, on the platform's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

Refused = Callable[..., tuple[str, str]]
NewKey = Callable[..., str]


@pytest.mark.kumoi_clock
def test_a_key_is_rotated_and_still_decrypts(kumoi: Any, kms: Any, new_key: NewKey) -> None:
    key = new_key()
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    assert timedelta(days=89) < status["NextRotationDate"] - kumoi.now() < timedelta(days=91)
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    kumoi.advance("89d")
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []
    kumoi.advance("100d")
    rotations = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert [(one["RotationType"], one["KeyMaterialState"]) for one in rotations] == [
        ("AUTOMATIC", "NON_CURRENT"),
        ("AUTOMATIC", "CURRENT"),
    ]
    every = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [one["KeyMaterialId"] for one in every[1:]] == [one["KeyMaterialId"] for one in rotations]
    assert (every[0]["KeyMaterialId"], "RotationDate" in every[0]) == (made["KeyMaterialId"], False)
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"])
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (made["Plaintext"], made["KeyMaterialId"])
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == rotations[1]["KeyMaterialId"]
    kms.disable_key_rotation(KeyId=key)
    kumoi.advance("400d")
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 2


def test_a_key_is_rotated_on_demand(kms: Any, new_key: NewKey, refused: Refused) -> None:
    key = new_key()
    blobs = [kms.encrypt(KeyId=key, Plaintext=b"0")["CiphertextBlob"]]
    for number in range(25):
        kms.rotate_key_on_demand(KeyId=key)
        blobs.append(kms.encrypt(KeyId=key, Plaintext=str(number + 1).encode())["CiphertextBlob"])
    assert refused(kms.rotate_key_on_demand, KeyId=key)[0] == "LimitExceededException"
    opened = [kms.decrypt(CiphertextBlob=blob)["Plaintext"] for blob in blobs]
    assert opened == [str(number).encode() for number in range(26)]
    pages = kms.get_paginator("list_key_rotations").paginate(KeyId=key, PaginationConfig={"PageSize": 10})
    rotations = pages.build_full_result()["Rotations"]
    assert [one["RotationType"] for one in rotations] == ["ON_DEMAND"] * 25


@pytest.mark.kumoi_clock
def test_a_disabled_key_is_rotated_when_it_is_enabled_again(kumoi: Any, kms: Any, new_key: NewKey) -> None:
    key = new_key()
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    kms.disable_key(KeyId=key)
    kumoi.advance("100d")
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []
    kms.enable_key(KeyId=key)
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 1
    kumoi.advance("81d")
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 2


def test_some_keys_are_not_rotated(kms: Any, new_key: NewKey, refused: Refused) -> None:
    pair = new_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    for call in (kms.enable_key_rotation, kms.disable_key_rotation, kms.rotate_key_on_demand):
        assert refused(call, KeyId=pair)[0] == "UnsupportedOperationException"
    assert kms.get_key_rotation_status(KeyId=pair)["KeyRotationEnabled"] is False
    assert refused(kms.enable_key_rotation, KeyId=new_key(), RotationPeriodInDays=2561)[0] == "ValidationException"


@pytest.mark.kumoi_clock
def test_a_key_is_gone_when_its_window_is_over(
    kumoi: Any, kms: Any, new_key: NewKey, refused: Refused, used_aliases: Any
) -> None:
    key = new_key()
    kms.create_alias(AliasName="alias/app", TargetKeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingDeletion", 7)
    assert timedelta(days=6) < answer["DeletionDate"] - kumoi.now() < timedelta(days=8)
    told = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (told["KeyState"], told["Enabled"], told["DeletionDate"]) == (
        "PendingDeletion",
        False,
        answer["DeletionDate"],
    )
    waiting = ("KMSInvalidStateException", f"{told['Arn']} is pending deletion.")
    for call, params in (
        (kms.encrypt, {"KeyId": "alias/app", "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.enable_key, {"KeyId": key}),
        (kms.schedule_key_deletion, {"KeyId": key}),
        (kms.tag_resource, {"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    ):
        assert refused(call, **params) == waiting
    kumoi.advance("6d")
    kms.describe_key(KeyId=key)
    kumoi.advance("1d")
    assert refused(kms.describe_key, KeyId=key)[0] == "NotFoundException"
    assert refused(kms.decrypt, CiphertextBlob=blob)[0] == "AccessDeniedException"
    assert (used_aliases(), kms.list_keys()["Keys"]) == ({}, [])


@pytest.mark.kumoi_clock
def test_a_deletion_is_cancelled(kumoi: Any, kms: Any, new_key: NewKey, refused: Refused) -> None:
    key = new_key()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert refused(kms.cancel_key_deletion, KeyId=key)[0] == "KMSInvalidStateException"
    kms.schedule_key_deletion(KeyId=key)
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    kumoi.advance("31d")
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    for days in (6, 31):
        wrong = refused(kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=days)
        assert wrong[0] == "ValidationException"
