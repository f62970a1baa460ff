"""Keys, their aliases, tags and policies, through boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., tuple[str, str]]
NewKey = Callable[..., str]
NOBODY = "00000000-0000-4000-8000-000000000000"


def test_a_key_is_made_and_described(kumoi: Any, kms: Any) -> None:
    made = kms.create_key(Description="d", Tags=[{"TagKey": "team", "TagValue": "red"}])["KeyMetadata"]
    arn = f"arn:aws:kms:us-east-1:{kumoi.account}:key/{made['KeyId']}"
    assert (made["Arn"], made["AWSAccountId"], made["Description"]) == (arn, kumoi.account, "d")
    assert (made["KeyState"], made["Enabled"], made["KeyManager"]) == ("Enabled", True, "CUSTOMER")
    assert (made["KeySpec"], made["KeyUsage"], made["Origin"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "AWS_KMS")
    assert made["EncryptionAlgorithms"] == ["SYMMETRIC_DEFAULT"]
    for key_id in (made["KeyId"], arn):
        assert kms.describe_key(KeyId=key_id)["KeyMetadata"] == made
    assert kms.list_resource_tags(KeyId=arn)["Tags"] == [{"TagKey": "team", "TagValue": "red"}]
    assert kms.list_keys()["Keys"] == [{"KeyId": made["KeyId"], "KeyArn": arn}]
    kms.update_key_description(KeyId=arn, Description="e")
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["Description"] == "e"


@pytest.mark.parametrize(
    ("spec", "usage", "member", "algorithms"),
    [
        ("RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
        ("ECC_NIST_P384", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_384"]),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_256"]),
        ("ECC_NIST_P256", "KEY_AGREEMENT", "KeyAgreementAlgorithms", ["ECDH"]),
        ("HMAC_224", "GENERATE_VERIFY_MAC", "MacAlgorithms", ["HMAC_SHA_224"]),
    ],
)
def test_what_a_key_can_do_follows_from_its_spec(
    kms: Any, spec: str, usage: str, member: str, algorithms: list[str]
) -> None:
    made = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
    assert (made["KeySpec"], made["CustomerMasterKeySpec"], made["KeyUsage"]) == (spec, spec, usage)
    assert made[member] == algorithms
    assert "CurrentKeyMaterialId" not in made


def test_keys_that_cannot_be(kms: Any, refused: Refused) -> None:
    text = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
    assert refused(kms.create_key, KeySpec="RSA_2048") == ("ValidationException", text)
    assert refused(kms.create_key, KeySpec="HMAC_256", KeyUsage="SIGN_VERIFY")[0] == "ValidationException"
    assert refused(kms.create_key, KeySpec="SM2", KeyUsage="SIGN_VERIFY")[0] == "UnsupportedOperationException"
    assert refused(kms.create_key, Origin="AWS_CLOUDHSM")[0] == "UnsupportedOperationException"
    twice = [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}]
    assert refused(kms.create_key, Tags=twice)[0] == "TagException"


def test_what_names_no_key(kumoi: Any, kms: Any, refused: Refused) -> None:
    arn = f"arn:aws:kms:us-east-1:{kumoi.account}"
    unknown = ("NotFoundException", f"Key '{arn}:key/{NOBODY}' does not exist")
    assert refused(kms.describe_key, KeyId=NOBODY) == unknown
    assert refused(kms.encrypt, KeyId=f"{arn}:key/{NOBODY}", Plaintext=b"x") == unknown
    assert refused(kms.describe_key, KeyId="alias/no") == ("NotFoundException", f"Alias {arn}:alias/no is not found.")
    assert refused(kms.describe_key, KeyId="abc") == ("NotFoundException", "Invalid keyId 'abc'")
    elsewhere = refused(kms.describe_key, KeyId=f"arn:aws:kms:eu-west-1:{kumoi.account}:key/{NOBODY}")
    assert elsewhere == ("NotFoundException", "Invalid arn eu-west-1")
    assert refused(kms.describe_key, KeyId="arn:aws:sqs:us-east-1:1:q")[0] == "InvalidArnException"


def test_aliases_name_keys_and_are_moved(kumoi: Any, kms: Any, new_key: NewKey, refused: Refused) -> None:
    first, second, signer = new_key(), new_key(), new_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    kms.create_alias(AliasName="alias/app", TargetKeyId=first)
    arn = f"arn:aws:kms:us-east-1:{kumoi.account}:alias/app"
    for key_id in ("alias/app", arn):
        assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyId"] == first
    assert refused(kms.create_alias, AliasName="alias/app", TargetKeyId=second) == (
        "AlreadyExistsException",
        f"An alias with the name {arn} already exists",
    )
    kms.update_alias(AliasName="alias/app", TargetKeyId=second)
    [listed] = kms.list_aliases(KeyId=second)["Aliases"]
    assert (listed["AliasName"], listed["AliasArn"], listed["TargetKeyId"]) == ("alias/app", arn, second)
    assert kms.list_aliases(KeyId=first)["Aliases"] == []
    assert refused(kms.update_alias, AliasName="alias/app", TargetKeyId=signer)[0] == "ValidationException"
    assert refused(kms.update_alias, AliasName="alias/no", TargetKeyId=first)[0] == "NotFoundException"
    kms.delete_alias(AliasName="alias/app")
    assert refused(kms.delete_alias, AliasName="alias/app") == ("NotFoundException", f"Alias {arn} is not found.")
    assert refused(kms.create_alias, AliasName="app", TargetKeyId=first) == (
        "ValidationException",
        "Invalid identifier",
    )
    assert refused(kms.create_alias, AliasName="alias/aws/mine", TargetKeyId=first)[0] == "NotAuthorizedException"
    assert refused(kms.create_alias, AliasName="alias/a:b", TargetKeyId=first)[0] == "InvalidAliasNameException"


def test_lists_come_in_pages(kms: Any, new_key: NewKey, refused: Refused) -> None:
    made = sorted(new_key() for _ in range(5))
    for at, key in enumerate(made):
        kms.create_alias(AliasName=f"alias/{at}", TargetKeyId=key)
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    assert [[one["KeyId"] for one in page["Keys"]] for page in pages] == [made[:2], made[2:4], made[4:]]
    assert [page["Truncated"] for page in pages] == [True, True, False]
    listed = kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 2}).build_full_result()
    assert [one["AliasName"] for one in listed["Aliases"] if "TargetKeyId" in one] == [f"alias/{at}" for at in range(5)]
    assert refused(kms.list_keys, Marker="!")[0] == "InvalidMarkerException"


def test_tags_are_added_and_removed(kms: Any, new_key: NewKey) -> None:
    key = new_key()
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": ""}])
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "2"}])
    kms.untag_resource(KeyId=key, TagKeys=["b", "never"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "a", "TagValue": "2"}]


def test_a_key_has_the_policy_that_aws_gives_it_until_it_gets_another(
    kumoi: Any, kms: Any, new_key: NewKey, refused: Refused
) -> None:
    key = new_key()
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    [statement] = policy["Statement"]
    assert (policy["Id"], statement["Action"], statement["Resource"]) == ("key-default-1", "kms:*", "*")
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{kumoi.account}:root"}
    other = json.dumps({**policy, "Id": "mine"})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=other)
    assert kms.get_key_policy(KeyId=key)["Policy"] == other
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]
    bad = refused(kms.put_key_policy, KeyId=key, Policy='{"Statement": []')
    assert bad[0] == "MalformedPolicyDocumentException"
    assert refused(kms.get_key_policy, KeyId=key, PolicyName="other")[0] == "NotFoundException"
    assert refused(kms.create_key, Policy="{}")[0] == "MalformedPolicyDocumentException"


def test_a_disabled_key_is_not_used(kms: Any, new_key: NewKey, refused: Refused) -> None:
    key = new_key()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    told = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (told["KeyState"], told["Enabled"]) == ("Disabled", False)
    for call, params in (
        (kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
        (kms.enable_key_rotation, {"KeyId": key}),
    ):
        assert refused(call, **params) == ("DisabledException", f"{told['Arn']} is disabled.")
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_aws_managed_keys_are_there_when_they_are_asked_for(
    kms: Any, refused: Refused, used_aliases: Callable[[], dict[str, str]]
) -> None:
    assert used_aliases() == {}
    assert {"alias/aws/s3", "alias/aws/sqs"} < {one["AliasName"] for one in kms.list_aliases()["Aliases"]}
    told = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (told["KeyManager"], told["KeyState"]) == ("AWS", "Enabled")
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyId"] == told["KeyId"]
    blob = kms.encrypt(KeyId="alias/aws/sqs", Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert list(used_aliases()) == ["alias/aws/s3", "alias/aws/sqs"]
    assert kms.get_key_rotation_status(KeyId=told["KeyId"])["KeyRotationEnabled"] is True
    assert refused(kms.describe_key, KeyId="alias/aws/nothing")[0] == "NotFoundException"
    another = "arn:aws:kms:us-east-1:210987654321:alias/aws/s3"
    assert refused(kms.describe_key, KeyId=another)[0] == "NotFoundException"
    for call, params in (
        (kms.schedule_key_deletion, {}),
        (kms.disable_key, {}),
        (kms.update_key_description, {"Description": "mine"}),
    ):
        assert refused(call, KeyId=told["KeyId"], **params)[0] == "AccessDeniedException"


def test_keys_are_kept_apart_by_region(kms: Any, abroad: Any, new_key: NewKey, refused: Refused) -> None:
    key = new_key()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert abroad.list_keys()["Keys"] == []
    code, text = refused(abroad.decrypt, CiphertextBlob=blob)
    assert code == "AccessDeniedException"
    assert text.startswith("The ciphertext refers to a customer master key that does not exist")
