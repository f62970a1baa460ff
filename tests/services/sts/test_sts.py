"""Who am I, and temporary credentials, driven by boto3 against a real platform."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from kumoi.services.sts.operations.identity import account_in


def test_the_account_is_the_access_keys(kumoi: Any) -> None:
    found = kumoi.client("sts").get_caller_identity()
    assert (found["Account"], found["Arn"]) == (kumoi.account, f"arn:aws:iam::{kumoi.account}:root")


def test_assumed_credentials_are_the_role(kumoi: Any) -> None:
    sts = kumoi.client("sts")
    role = f"arn:aws:iam::{kumoi.account}:role/app/worker"
    answer = sts.assume_role(RoleArn=role, RoleSessionName="me", DurationSeconds=900)
    assumed = f"arn:aws:sts::{kumoi.account}:assumed-role/worker/me"
    assert answer["AssumedRoleUser"]["Arn"] == assumed
    given = answer["Credentials"]
    assert given["Expiration"] - datetime.now(UTC) > timedelta(minutes=14)
    as_role = boto3.client(
        "sts",
        endpoint_url=kumoi.url,
        region_name="us-east-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    found = as_role.get_caller_identity()
    as_role.close()
    assert (found["Arn"], found["Account"]) == (assumed, kumoi.account)
    assert found["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]


@pytest.mark.parametrize(
    "role", ["arn:aws:s3:::bucket-with-a-name", "arn:aws:iam::000000000000:user/not-a-role", "arn-of:role/nothing-else"]
)
def test_only_roles_can_be_assumed(kumoi: Any, role: str) -> None:
    with pytest.raises(ClientError, match="is invalid"):
        kumoi.client("sts").assume_role(RoleArn=role, RoleSessionName="me")


@pytest.mark.parametrize(
    ("key", "account"),
    [("ASIAQNZGKIQY56JQ7WML", "029608264753"), ("AKIAIOSFODNN7EXAMPLE", "581039954779"), ("test", None)],
)
def test_awss_own_keys_carry_their_account(key: str, account: str | None) -> None:
    assert account_in(key) == account


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def token(**claims: Any) -> str:
    """A token that nobody signed."""
    said = {"iss": "https://login.example.com", "sub": "ada", "aud": "shop", "exp": time.time() + 10_000_000, **claims}
    return f"{part({'alg': 'RS256'})}.{part(said)}.c2lnbmVk"


def test_a_web_identity_becomes_a_role(kumoi: Any) -> None:
    sts = kumoi.client("sts", signature_version=UNSIGNED)
    role = f"arn:aws:iam::{kumoi.account}:role/web"
    tags = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["blue"]}, "transitive_tag_keys": ["team"]}}
    answer = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="ada", WebIdentityToken=token(**tags))
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{kumoi.account}:assumed-role/web/ada"
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == ("ada", "shop")
    assert answer["Provider"] == f"arn:aws:iam::{kumoi.account}:oidc-provider/login.example.com"
    assert answer["PackedPolicySize"] == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [("nonsense-token", "InvalidIdentityToken"), ("a.b.c.d", "InvalidIdentityToken"), (None, "ExpiredTokenException")],
)
def test_a_token_that_proves_nothing(kumoi: Any, text: str | None, code: str) -> None:
    with pytest.raises(ClientError, match=code):
        kumoi.client("sts").assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{kumoi.account}:role/web",
            RoleSessionName="ada",
            WebIdentityToken=text or token(exp=1),
        )


def chained(kumoi: Any, given: dict[str, str]) -> Any:
    return boto3.client(
        "sts",
        endpoint_url=kumoi.url,
        region_name="us-east-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def test_chained_sessions_inherit_tags_and_keep_who_is_behind_them(kumoi: Any) -> None:
    role = f"arn:aws:iam::{kumoi.account}:role/one"
    first = kumoi.client("sts").assume_role(
        RoleArn=role,
        RoleSessionName="me",
        Tags=[{"Key": "team", "Value": "blue"}],
        TransitiveTagKeys=["team"],
        SourceIdentity="ada",
    )
    assert first["SourceIdentity"] == "ada"
    sts = chained(kumoi, first["Credentials"])
    asked = {"RoleArn": role, "RoleSessionName": "again"}
    assert sts.assume_role(**asked)["SourceIdentity"] == "ada"
    for wrong, said in (
        ({"DurationSeconds": 7200}, "1 hour session limit"),
        ({"Tags": [{"Key": "team", "Value": "red"}]}, "inherited from the session"),
        ({"SourceIdentity": "ben"}, "cannot be changed"),
    ):
        with pytest.raises(ClientError, match=said):
            sts.assume_role(**asked, **wrong)
    sts.close()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"RoleSessionName": "not a name"}, "ValidationError"),
        ({"DurationSeconds": 43_201}, "ValidationError"),
        ({"Policy": "{"}, "MalformedPolicyDocument"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:user/no-policy"}]}, "MalformedPolicyDocument"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "InvalidParameterValue"),
        ({"TransitiveTagKeys": ["team"]}, "InvalidParameterValue"),
        ({"Tags": [{"Key": f"k{n}", "Value": "v" * 250} for n in range(50)]}, "PackedPolicyTooLarge"),
    ],
)
def test_what_no_session_can_be(kumoi: Any, wrong: dict[str, Any], code: str) -> None:
    asked = {"RoleArn": f"arn:aws:iam::{kumoi.account}:role/one", "RoleSessionName": "me", **wrong}
    with pytest.raises(ClientError, match=code):
        kumoi.client("sts").assume_role(**asked)


def test_a_roles_own_limit_of_a_session_counts(kumoi: Any) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": kumoi.account}, "Action": "sts:AssumeRole"}
    role = kumoi.client("iam").create_role(
        RoleName="short", AssumeRolePolicyDocument=json.dumps({"Statement": [statement]})
    )["Role"]["Arn"]
    with pytest.raises(ClientError, match="exceeds the MaxSessionDuration set for this role"):
        kumoi.client("sts").assume_role(RoleArn=role, RoleSessionName="me", DurationSeconds=7200)
