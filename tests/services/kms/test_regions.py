"""Multi-region keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., tuple[str, str]]
NewKey = Callable[..., str]


def test_a_replica_decrypts_what_its_primary_key_encrypted(kms: Any, abroad: Any, new_key: NewKey) -> None:
    key = new_key(MultiRegion=True)
    assert key.startswith("mrk-")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1"})["CiphertextBlob"]
    made = kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1", Description="there")["ReplicaKeyMetadata"]
    assert (made["KeyId"], made["Description"]) == (key, "there")
    assert made["Arn"].startswith("arn:aws:kms:eu-west-1:")
    here, there = (one.describe_key(KeyId=key)["KeyMetadata"] for one in (kms, abroad))
    assert here["MultiRegionConfiguration"]["MultiRegionKeyType"] == "PRIMARY"
    assert there["MultiRegionConfiguration"]["MultiRegionKeyType"] == "REPLICA"
    for told in (here, there):
        family = told["MultiRegionConfiguration"]
        assert (family["PrimaryKey"]["Region"], family["ReplicaKeys"]) == (
            "us-east-1",
            [{"Arn": made["Arn"], "Region": "eu-west-1"}],
        )
    opened = abroad.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "1"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", made["Arn"])
    back = abroad.encrypt(KeyId=key, Plaintext=b"y")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=back)["Plaintext"] == b"y"


@pytest.mark.kumoi_clock
def test_rotation_is_shared(kumoi: Any, kms: Any, abroad: Any, new_key: NewKey, refused: Refused) -> None:
    key = new_key(MultiRegion=True)
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    assert refused(abroad.enable_key_rotation, KeyId=key)[0] == "UnsupportedOperationException"
    kms.enable_key_rotation(KeyId=key)
    assert abroad.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    kumoi.advance("366d")
    for one in (kms, abroad):
        assert len(one.list_key_rotations(KeyId=key)["Rotations"]) == 1
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert abroad.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@pytest.mark.kumoi_clock
def test_a_primary_key_waits_for_its_replicas(kumoi: Any, kms: Any, abroad: Any, new_key: NewKey) -> None:
    key = new_key(MultiRegion=True)
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyState"], "DeletionDate" in answer) == ("PendingReplicaDeletion", False)
    told = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (told["KeyState"], told["PendingDeletionWindowInDays"]) == ("PendingReplicaDeletion", 7)
    kumoi.advance("30d")
    abroad.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    kumoi.advance("7d")
    told = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (told["KeyState"], told["MultiRegionConfiguration"]["ReplicaKeys"]) == ("PendingDeletion", [])
    kumoi.advance("8d")
    assert kms.list_keys()["Keys"] == []


@pytest.mark.kumoi_clock
def test_another_region_becomes_the_primary_one(kumoi: Any, kms: Any, abroad: Any, new_key: NewKey) -> None:
    key = new_key(MultiRegion=True)
    kms.enable_key_rotation(KeyId=key)
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    kms.update_primary_region(KeyId=key, PrimaryRegion="eu-west-1")
    for one in (kms, abroad):
        family = one.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
        assert family["PrimaryKey"]["Region"] == "eu-west-1"
        assert [replica["Region"] for replica in family["ReplicaKeys"]] == ["us-east-1"]
    kumoi.advance("366d")
    for one in (kms, abroad):
        assert len(one.list_key_rotations(KeyId=key)["Rotations"]) == 1


def test_replicas_that_cannot_be(kms: Any, abroad: Any, new_key: NewKey, refused: Refused) -> None:
    plain, key = new_key(), new_key(MultiRegion=True)
    assert refused(kms.replicate_key, KeyId=plain, ReplicaRegion="eu-west-1")[0] == "UnsupportedOperationException"
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    for region in ("us-east-1", "eu-west-1"):
        assert refused(kms.replicate_key, KeyId=key, ReplicaRegion=region)[0] == "AlreadyExistsException"
    assert refused(kms.replicate_key, KeyId=key, ReplicaRegion="cn-north-1")[0] == "ValidationException"
    wrong = refused(abroad.replicate_key, KeyId=key, ReplicaRegion="eu-west-2")
    assert wrong[0] == "UnsupportedOperationException"
    assert refused(kms.update_primary_region, KeyId=key, PrimaryRegion="eu-west-2")[0] == "NotFoundException"
