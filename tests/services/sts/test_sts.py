"""Who am I, and temporary credentials, driven by boto3 against a real platform."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
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


@pytest.mark.parametrize("role", ["arn:aws:s3:::bucket-with-a-name", "arn:aws:iam::000000000000:user/not-a-role"])
def test_only_roles_can_be_assumed(kumoi: Any, role: str) -> None:
    with pytest.raises(ClientError, match="is invalid"):
        kumoi.client("sts").assume_role(RoleArn=role, RoleSessionName="me")


@pytest.mark.parametrize(
    ("key", "account"),
    [("ASIAQNZGKIQY56JQ7WML", "029608264753"), ("AKIAIOSFODNN7EXAMPLE", "581039954779"), ("test", None)],
)
def test_awss_own_keys_carry_their_account(key: str, account: str | None) -> None:
    assert account_in(key) == account
