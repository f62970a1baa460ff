"""Roles, policies, users and keys, driven by boto3 against a real platform."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@pytest.fixture
def iam(kumoi: Any) -> Any:
    return kumoi.client("iam")


def test_a_role_from_creation_to_deletion(iam: Any, kumoi: Any) -> None:
    tags = [{"Key": "team", "Value": "edge"}]
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST), Path="/app/", Tags=tags)["Role"]
    assert role["Arn"] == f"arn:aws:iam::{kumoi.account}:role/app/r"
    assert role["RoleId"].startswith("AROA")
    assert len(role["RoleId"]) == 21
    assert role["AssumeRolePolicyDocument"] == TRUST
    iam.get_waiter("role_exists").wait(RoleName="r", WaiterConfig={"MaxAttempts": 1})
    assert iam.get_role(RoleName="r")["Role"]["Tags"] == tags
    assert [found["RoleName"] for found in iam.list_roles(PathPrefix="/app/")["Roles"]] == ["r"]
    iam.delete_role(RoleName="r")
    with pytest.raises(iam.exceptions.NoSuchEntityException, match="The role with name r cannot be found"):
        iam.get_role(RoleName="r")


def test_policies_of_a_role(iam: Any) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName="r", PolicyName="inline", PolicyDocument=json.dumps(ALLOW))
    assert iam.get_role_policy(RoleName="r", PolicyName="inline")["PolicyDocument"] == ALLOW
    arn = iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(ALLOW))["Policy"]["Arn"]
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    iam.attach_role_policy(RoleName="r", PolicyArn=basic)
    attached = iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"]
    assert {policy["PolicyName"] for policy in attached} == {"p", "AWSLambdaBasicExecutionRole"}
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_role(RoleName="r")
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy(PolicyArn=arn)
    iam.detach_role_policy(RoleName="r", PolicyArn=arn)
    iam.detach_role_policy(RoleName="r", PolicyArn=basic)
    iam.delete_role_policy(RoleName="r", PolicyName="inline")
    iam.delete_role(RoleName="r")
    iam.delete_policy(PolicyArn=arn)
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_lists_come_in_pages(iam: Any) -> None:
    for number in range(5):
        iam.create_role(RoleName=f"r{number}", AssumeRolePolicyDocument=json.dumps(TRUST))
    pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Roles"]) for page in pages] == [2, 2, 1]


def test_a_users_keys_are_recognised(iam: Any, kumoi: Any) -> None:
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    import boto3

    sts = boto3.client(
        "sts",
        endpoint_url=kumoi.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{kumoi.account}:user/u"
    sts.close()
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_user(UserName="u")
    iam.delete_access_key(UserName="u", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="u")


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("create_role", {"RoleName": "r", "AssumeRolePolicyDocument": "{"}, "MalformedPolicyDocument"),
        ("create_role", {"RoleName": "a b", "AssumeRolePolicyDocument": json.dumps(TRUST)}, "ValidationError"),
        ("put_role_policy", {"RoleName": "x", "PolicyName": "p", "PolicyDocument": json.dumps(ALLOW)}, "NoSuchEntity"),
        ("attach_role_policy", {"RoleName": "x", "PolicyArn": "arn:aws:iam::aws:policy/p"}, "NoSuchEntity"),
        ("get_policy", {"PolicyArn": "arn:aws:iam::000000000000:policy/none"}, "NoSuchEntity"),
    ],
)
def test_refusals_have_iams_codes(iam: Any, operation: str, parameters: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(iam, operation)(**parameters)
    assert refused.value.response["Error"]["Code"] == code
