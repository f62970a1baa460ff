"""`--auth enforce`: who may use which KMS key, by its policy, by grants and by what policies say of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

ACCOUNT, OTHER = "311111111111", "322222222222"
Helper = Callable[..., Any]
Connect = Callable[..., Any]


def key_policy(*statements: dict[str, Any]) -> str:
    """A key policy that leaves its administration to the account's root."""
    admin = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": ["kms:PutKeyPolicy", "kms:CreateGrant", "kms:RevokeGrant", "kms:DescribeKey", "kms:Encrypt"],
        "Resource": "*",
    }
    full = [{"Effect": "Allow", "Resource": "*", **one} for one in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": [admin, *full]})


def test_the_default_policy_lets_the_account_s_policies_decide(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    kms = connect("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/theirs", TargetKeyId=key["KeyId"])
    user = connect("kms", new_user(connect, "crypt", document(["kms:Encrypt", "kms:Decrypt"], key["Arn"])))
    blob = user.encrypt(KeyId="alias/theirs", Plaintext=b"x")["CiphertextBlob"]
    assert user.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    code, message = refusal(user.generate_data_key, KeyId="alias/theirs", KeySpec="AES_256")
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: kms:GenerateDataKey on resource: {key['Arn']}" in message
    assert "because no identity-based policy allows the kms:GenerateDataKey action" in message
    nobody = connect("kms", new_user(connect, "crypt-nobody"))
    refusal(nobody.decrypt, CiphertextBlob=blob)


def test_a_key_policy_has_to_allow_what_identities_may(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    kms = connect("kms")
    user = connect("kms", new_user(connect, "strong", document("kms:*")))
    named = {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/named"}, "Action": "kms:Decrypt"}
    key = kms.create_key(Policy=key_policy(named))["KeyMetadata"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    _, message = refusal(user.decrypt, CiphertextBlob=blob)
    assert "because no resource-based policy allows the kms:Decrypt action" in message
    refusal(kms.decrypt, CiphertextBlob=blob)  # not even the root
    friend = connect("kms", new_user(connect, "named"))
    assert friend.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_an_encryption_context_is_a_condition(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    kms = connect("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    condition = {"StringEquals": {"kms:EncryptionContext:tenant": "a"}}
    user = connect("kms", new_user(connect, "tenant-a", document("kms:*", Condition=condition)))
    blob = user.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"tenant": "a"})["CiphertextBlob"]
    assert user.decrypt(CiphertextBlob=blob, EncryptionContext={"tenant": "a"})["Plaintext"] == b"x"
    refusal(user.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext={"tenant": "b"})
    refusal(user.encrypt, KeyId=key, Plaintext=b"x")
    moved = user.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"tenant": "a"},
        DestinationKeyId=key,
        DestinationEncryptionContext={"tenant": "a", "more": "1"},
    )
    assert moved["KeyId"].endswith(key)
    _, message = refusal(
        user.re_encrypt, CiphertextBlob=blob, SourceEncryptionContext={"tenant": "a"}, DestinationKeyId=key
    )
    assert "kms:ReEncryptTo" in message


def test_a_grant_is_enough(connect: Connect, document: Helper, new_user: Helper, refusal: Helper) -> None:
    kms = connect("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    user = connect("kms", new_user(connect, "granted"))
    principal = f"arn:aws:iam::{ACCOUNT}:user/granted"
    grant = kms.create_grant(
        KeyId=key,
        GranteePrincipal=principal,
        Operations=["Encrypt", "Decrypt", "RetireGrant"],
        Constraints={"EncryptionContextSubset": {"tenant": "a"}},
    )
    context = {"tenant": "a", "more": "1"}
    blob = user.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    assert user.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x"
    refusal(user.encrypt, KeyId=key, Plaintext=b"x")
    refusal(user.describe_key, KeyId=key)
    refusal(connect("kms", new_user(connect, "granted-nothing")).retire_grant, GrantToken=grant["GrantToken"])
    user.retire_grant(GrantToken=grant["GrantToken"])
    refusal(user.decrypt, CiphertextBlob=blob, EncryptionContext=context)


def test_another_account_needs_both_sides(connect: Connect, refusal: Helper) -> None:
    kms, stranger = connect("kms"), connect("kms", account=OTHER)
    key = kms.create_key()["KeyMetadata"]
    refusal(stranger.encrypt, KeyId=key["Arn"], Plaintext=b"x")
    theirs = {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}, "Action": ["kms:Encrypt", "kms:Decrypt"]}
    kms.put_key_policy(KeyId=key["KeyId"], Policy=key_policy(theirs))
    made = stranger.encrypt(KeyId=key["Arn"], Plaintext=b"x")
    assert made["KeyId"] == key["Arn"]
    assert stranger.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == b"x"


def test_a_policy_that_locks_out_its_author_is_refused(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    user = connect("kms", new_user(connect, "careless", document("kms:*")))
    key = user.create_key()["KeyMetadata"]["KeyId"]
    nobody = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/else"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        }
    )
    try:
        user.put_key_policy(KeyId=key, Policy=nobody)
    except user.exceptions.MalformedPolicyDocumentException as error:
        assert "will not allow you to update the key policy in the future" in str(error)
    else:
        raise AssertionError("it was taken")
    user.put_key_policy(KeyId=key, Policy=nobody, BypassPolicyLockoutSafetyCheck=True)
    refusal(user.get_key_policy, KeyId=key)


def test_aliases_and_tags_are_permissions_of_their_own(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    kms = connect("kms")
    key = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "red"}])["KeyMetadata"]
    of_key = connect("kms", new_user(connect, "of-key", document("kms:CreateAlias", key["Arn"])))
    _, message = refusal(of_key.create_alias, AliasName="alias/mine", TargetKeyId=key["KeyId"])
    alias = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/mine"
    assert f"kms:CreateAlias on resource: {alias}" in message
    both = connect("kms", new_user(connect, "of-both", document("kms:*Alias", [alias, key["Arn"]])))
    both.create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    both.update_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    by_tag = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    tagged = connect("kms", new_user(connect, "red-team", document("kms:DescribeKey", Condition=by_tag)))
    tagged.describe_key(KeyId="alias/mine")
    refusal(tagged.describe_key, KeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    by_alias = {"StringEquals": {"kms:RequestAlias": "alias/mine"}}
    named = connect("kms", new_user(connect, "by-alias", document("kms:DescribeKey", Condition=by_alias)))
    named.describe_key(KeyId="alias/mine")
    refusal(named.describe_key, KeyId=key["KeyId"])
    refusal(tagged.delete_alias, AliasName="alias/mine")
    both.delete_alias(AliasName="alias/mine")


def test_an_aws_managed_key_is_used_through_its_service_alone(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    user = connect("kms", new_user(connect, "direct", document("kms:*")))
    refusal(user.encrypt, KeyId="alias/aws/sns", Plaintext=b"x")  # before it is there, and afterwards
    assert user.describe_key(KeyId="alias/aws/sns")["KeyMetadata"]["KeyManager"] == "AWS"
    refusal(user.encrypt, KeyId="alias/aws/sns", Plaintext=b"x")
