"""The rules of keys, as tables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.policy import Caller, Request, compile_policy
from kumoi.services.kms.ciphertext import authenticated, decrypt, encrypt, parse
from kumoi.services.kms.grant_rules import allows, passes_on
from kumoi.services.kms.naming import Named, parse_key
from kumoi.services.kms.policies import check_policy, default_policy, managed_policy
from kumoi.services.kms.records import Grant, Key, Rotation
from kumoi.services.kms.specs import SPECS, usage_of
from kumoi.wire.errors import AwsError

ACCOUNT, REGION = "111122223333", "us-east-1"
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}"
MATERIAL = "ab" * 32
contexts = st.dictionaries(st.text(), st.text(), max_size=5)


@pytest.mark.parametrize(
    ("key_id", "named"),
    [
        (KEY, Named(ACCOUNT, REGION, KEY)),
        (f"{ARN}:key/{KEY}", Named(ACCOUNT, REGION, KEY)),
        (f"arn:aws:kms:{REGION}:444455556666:key/{KEY}", Named("444455556666", REGION, KEY)),
        (f"mrk-{'0' * 32}", Named(ACCOUNT, REGION, f"mrk-{'0' * 32}")),
        ("alias/app", Named(ACCOUNT, REGION, alias="alias/app")),
        (f"{ARN}:alias/a/b", Named(ACCOUNT, REGION, alias="alias/a/b")),
    ],
)
def test_keys_are_named_in_four_ways(key_id: str, named: Named) -> None:
    assert parse_key(key_id, ACCOUNT, REGION) == named


@pytest.mark.parametrize(
    ("key_id", "code"),
    [
        ("x", "NotFoundException"),
        (KEY.upper(), "NotFoundException"),
        (f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{KEY}", "NotFoundException"),
        (f"{ARN}:key/x", "NotFoundException"),
        (f"{ARN}:queue/{KEY}", "InvalidArnException"),
        (f"arn:aws:s3:{REGION}:{ACCOUNT}:key/{KEY}", "InvalidArnException"),
        ("arn:", "InvalidArnException"),
    ],
)
def test_what_names_no_key(key_id: str, code: str) -> None:
    with pytest.raises(AwsError) as error:
        parse_key(key_id, ACCOUNT, REGION)
    assert error.value.code == code


def test_some_operations_know_no_aliases() -> None:
    with pytest.raises(AwsError, match="Invalid keyId 'alias/app'"):
        parse_key("alias/app", ACCOUNT, REGION, aliases=False)


@pytest.mark.parametrize("spec", SPECS)
def test_every_spec_is_for_something(spec: str) -> None:
    for usage in SPECS[spec].algorithms:
        assert usage_of(spec, usage) == usage


def key(**changes: Any) -> Key:
    fresh = {"id": KEY, "account": ACCOUNT, "region": REGION, "created": 0.0, "policy": "", "material": MATERIAL}
    return Key(**{**fresh, "spec": "SYMMETRIC_DEFAULT", "usage": "ENCRYPT_DECRYPT", **changes})


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "Enabled"),
        ({"enabled": False}, "Disabled"),
        ({"material": ""}, "PendingImport"),
        ({"window": 7, "deletes": 9.0, "material": ""}, "PendingDeletion"),
        ({"window": 7, "rotation": Rotation(days=90, next=9.0)}, "PendingReplicaDeletion"),
    ],
)
def test_states_of_keys(changes: dict[str, Any], state: str) -> None:
    assert key(**changes).state == state


@given(plaintext=st.binary(max_size=4096), context=contexts)
def test_what_is_encrypted_is_decrypted(plaintext: bytes, context: dict[str, str]) -> None:
    blob = parse(encrypt(b"k" * 32, ACCOUNT, KEY, MATERIAL, plaintext, context))
    assert (blob.account, blob.key, blob.material) == (ACCOUNT, KEY, MATERIAL)
    assert decrypt(b"k" * 32, blob, dict(reversed(context.items()))) == plaintext


@given(one=contexts, other=contexts)
def test_different_contexts_are_different_bytes(one: dict[str, str], other: dict[str, str]) -> None:
    assert (authenticated(one) == authenticated(other)) is (one == other)


@given(st.binary(max_size=200))
def test_garbage_is_no_ciphertext(garbage: bytes) -> None:
    for content in (garbage, bytes((1, 2, 2, 0, 0x78)) + garbage):
        try:
            blob = parse(content)
        except AwsError as error:
            assert error.code == "InvalidCiphertextException"
        else:
            with pytest.raises(AwsError, match="InvalidCiphertextException"):
                decrypt(b"k" * 32, blob, {})


@pytest.mark.parametrize(
    ("limits", "context", "allowed"),
    [
        ({}, {}, True),
        ({}, {"a": "1"}, True),
        ({"subset": {"a": "1"}}, {"a": "1", "b": "2"}, True),
        ({"subset": {"a": "1"}}, {"a": "2", "b": "2"}, False),
        ({"subset": {"a": "1"}}, {}, False),
        ({"equals": {"a": "1"}}, {"a": "1"}, True),
        ({"equals": {"a": "1"}}, {"a": "1", "b": "2"}, False),
        ({"source_arn": "arn:aws:sqs:us-east-1:111122223333:q"}, {}, False),
    ],
)
def test_grants_keep_their_constraints(limits: dict[str, Any], context: dict[str, str], allowed: bool) -> None:
    grant = Grant(key=KEY, id="g", created=0.0, issuer=ACCOUNT, operations=("Decrypt", "DescribeKey"), **limits)
    assert allows(grant, "Decrypt", context) is allowed
    assert not allows(grant, "Encrypt", context)


@pytest.mark.parametrize(
    ("limits", "asked", "passes"),
    [
        ({}, {"Operations": ["Decrypt"]}, True),
        ({}, {"Operations": ["Decrypt", "Encrypt"]}, False),
        ({"subset": {"a": "1"}}, {"Operations": ["Decrypt"]}, False),
        (
            {"subset": {"a": "1"}},
            {"Operations": ["Decrypt"], "Constraints": {"EncryptionContextSubset": {"a": "1", "b": "2"}}},
            True,
        ),
        (
            {"subset": {"a": "1"}},
            {"Operations": ["Decrypt"], "Constraints": {"EncryptionContextEquals": {"b": "2"}}},
            False,
        ),
        (
            {"equals": {"a": "1"}},
            {"Operations": ["Decrypt"], "Constraints": {"EncryptionContextSubset": {"a": "1"}}},
            False,
        ),
        (
            {"equals": {"a": "1"}},
            {"Operations": ["Decrypt"], "Constraints": {"EncryptionContextEquals": {"a": "1"}}},
            True,
        ),
    ],
)
def test_a_grant_is_passed_on_with_nothing_more(limits: dict[str, Any], asked: dict[str, Any], passes: bool) -> None:
    grant = Grant(key=KEY, id="g", created=0.0, issuer=ACCOUNT, operations=("Decrypt", "CreateGrant"), **limits)
    assert passes_on(grant, asked) is passes


def caller(name: str) -> Caller:
    return Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:{name}")


def test_the_default_policy_leaves_it_to_the_account() -> None:
    policy = compile_policy(default_policy(ACCOUNT, REGION), "resource")
    for who, allowed in ((caller("root"), True), (caller("user/a"), True), (Caller("444455556666", "x"), False)):
        assert (policy.closest(Request(who, "kms:Decrypt", f"{ARN}:key/{KEY}")) is not None) is allowed
    assert default_policy(ACCOUNT, "cn-north-1").count(f"arn:aws-cn:iam::{ACCOUNT}:root") == 1


def test_aws_managed_keys_are_used_through_their_service() -> None:
    policy = compile_policy(managed_policy(ACCOUNT, REGION, "s3"), "resource")
    through = {"kms:calleraccount": (ACCOUNT,), "kms:viaservice": ("s3.us-east-1.amazonaws.com",)}
    for context, allowed in (({}, False), (through, True)):
        request = Request(caller("user/a"), "kms:Decrypt", f"{ARN}:key/{KEY}", context)
        assert (policy.closest(request) is not None) is allowed


def test_a_policy_must_not_lock_out_who_sets_it() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/a"}, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Action": "kms:*"}]})
    check_policy(policy, ARN, caller("user/a"))
    check_policy(policy, ARN, None)
    with pytest.raises(AwsError, match="will not allow you to update the key policy in the future"):
        check_policy(policy, ARN, caller("user/b"))
