"""Grants, through boto3. What they allow is tested where policies are enforced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., tuple[str, str]]
NewKey = Callable[..., str]
ROLE = "arn:aws:iam::000000000000:role/app"


def test_grants_are_given_listed_and_taken_back(kumoi: Any, kms: Any, new_key: NewKey, refused: Refused) -> None:
    key = new_key()
    asked: dict[str, Any] = {
        "KeyId": key,
        "GranteePrincipal": ROLE,
        "RetiringPrincipal": f"{ROLE}-admin",
        "Operations": ["Decrypt", "GenerateDataKey"],
        "Constraints": {"EncryptionContextSubset": {"tenant": "a"}},
        "Name": "app",
    }
    made = kms.create_grant(**asked)
    assert kms.create_grant(**asked)["GrantId"] == made["GrantId"]
    other = kms.create_grant(KeyId=key, GranteePrincipal=ROLE, Operations=["Encrypt"])
    grants = {one["GrantId"]: one for one in kms.list_grants(KeyId=key)["Grants"]}
    assert grants.keys() == {made["GrantId"], other["GrantId"]}
    grant = grants[made["GrantId"]]
    assert (grant["Name"], grant["GranteePrincipal"], grant["RetiringPrincipal"]) == ("app", ROLE, f"{ROLE}-admin")
    assert grant["Constraints"] == {"EncryptionContextSubset": {"tenant": "a"}}
    assert (grant["KeyId"][-36:], grant["IssuingAccount"]) == (key, f"arn:aws:iam::{kumoi.account}:root")
    [retirable] = kms.list_retirable_grants(RetiringPrincipal=f"{ROLE}-admin")["Grants"]
    assert retirable == grant
    [found] = kms.list_grants(KeyId=key, GrantId=other["GrantId"])["Grants"]
    assert found["GrantId"] == other["GrantId"]
    kms.revoke_grant(KeyId=key, GrantId=other["GrantId"])
    assert refused(kms.revoke_grant, KeyId=key, GrantId=other["GrantId"])[0] == "NotFoundException"
    kms.retire_grant(GrantToken=made["GrantToken"])
    assert kms.list_grants(KeyId=key)["Grants"] == []
    assert refused(kms.retire_grant, GrantToken="bm8=")[0] == "InvalidGrantTokenException"
    assert refused(kms.retire_grant, KeyId=key)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("spec", "usage", "operation"),
    [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Sign"),
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "GetPublicKey"),
        ("ECC_NIST_P256", "SIGN_VERIFY", "Decrypt"),
        ("RSA_2048", "ENCRYPT_DECRYPT", "GenerateDataKey"),
    ],
)
def test_a_grant_is_about_what_its_key_does(
    kms: Any, new_key: NewKey, refused: Refused, spec: str, usage: str, operation: str
) -> None:
    key = new_key(KeySpec=spec, KeyUsage=usage)
    wrong = refused(kms.create_grant, KeyId=key, GranteePrincipal=ROLE, Operations=["DescribeKey", operation])
    assert wrong[0] == "ValidationException"


@pytest.mark.kumoi_clock
def test_grants_go_with_their_key(kumoi: Any, kms: Any, new_key: NewKey) -> None:
    key = new_key()
    kms.create_grant(KeyId=key, GranteePrincipal=ROLE, RetiringPrincipal=ROLE, Operations=["Encrypt"])
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    kumoi.advance("7d")
    assert kms.list_retirable_grants(RetiringPrincipal=ROLE)["Grants"] == []
