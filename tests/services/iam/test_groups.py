"""Groups, users in them, and passwords, driven by boto3 against a real platform."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})


@pytest.fixture
def iam(kumoi: Any) -> Any:
    return kumoi.client("iam")


def test_a_group_from_creation_to_deletion(iam: Any, kumoi: Any) -> None:
    group = iam.create_group(GroupName="dev", Path="/team/")["Group"]
    assert group["Arn"] == f"arn:aws:iam::{kumoi.account}:group/team/dev"
    assert group["GroupId"].startswith("AGPA")
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="dev", UserName="ann")
    assert [user["UserName"] for user in iam.get_group(GroupName="dev")["Users"]] == ["ann"]
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="ann")["Groups"]] == ["dev"]
    with pytest.raises(iam.exceptions.DeleteConflictException, match="must remove users from group first"):
        iam.delete_group(GroupName="dev")
    with pytest.raises(iam.exceptions.DeleteConflictException, match="must remove users from group first"):
        iam.delete_user(UserName="ann")
    iam.update_group(GroupName="dev", NewGroupName="ops", NewPath="/")
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="ann")["Groups"]] == ["ops"]
    iam.remove_user_from_group(GroupName="ops", UserName="ann")
    iam.delete_group(GroupName="ops")
    with pytest.raises(iam.exceptions.NoSuchEntityException, match="The group with name ops cannot be found"):
        iam.get_group(GroupName="ops")


def test_policies_of_a_group(iam: Any) -> None:
    iam.create_group(GroupName="dev")
    iam.put_group_policy(GroupName="dev", PolicyName="inline", PolicyDocument=ALLOW)
    assert iam.get_group_policy(GroupName="dev", PolicyName="inline")["PolicyDocument"] == json.loads(ALLOW)
    assert iam.list_group_policies(GroupName="dev")["PolicyNames"] == ["inline"]
    arn = iam.create_policy(PolicyName="p", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="dev", PolicyArn=arn)
    assert iam.list_attached_group_policies(GroupName="dev")["AttachedPolicies"] == [
        {"PolicyName": "p", "PolicyArn": arn}
    ]
    assert [one["GroupName"] for one in iam.list_entities_for_policy(PolicyArn=arn)["PolicyGroups"]] == ["dev"]
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_group(GroupName="dev")
    iam.detach_group_policy(GroupName="dev", PolicyArn=arn)
    iam.delete_group_policy(GroupName="dev", PolicyName="inline")
    iam.delete_group(GroupName="dev")


def test_a_renamed_user_keeps_its_key(iam: Any, kumoi: Any) -> None:
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    assert iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    iam.update_user(UserName="ann", NewUserName="anne", NewPath="/x/")
    sts = boto3.client(
        "sts",
        endpoint_url=kumoi.url,
        region_name="eu-west-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{kumoi.account}:user/x/anne"
    sts.close()
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert (used["UserName"], used["AccessKeyLastUsed"]["ServiceName"]) == ("anne", "sts")
    assert used["AccessKeyLastUsed"]["Region"] == "eu-west-1"


def test_tags_and_boundary_of_a_user(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="bound", PolicyDocument=ALLOW)["Policy"]["Arn"]
    user = iam.create_user(UserName="ann", PermissionsBoundary=arn, Tags=[{"Key": "a", "Value": "1"}])["User"]
    assert user["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    iam.tag_user(UserName="ann", Tags=[{"Key": "A", "Value": "2"}, {"Key": "b", "Value": "3"}])
    assert iam.list_user_tags(UserName="ann")["Tags"] == [{"Key": "A", "Value": "2"}, {"Key": "b", "Value": "3"}]
    iam.untag_user(UserName="ann", TagKeys=["A"])
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy(PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    iam.delete_user_permissions_boundary(UserName="ann")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.delete_user_permissions_boundary(UserName="ann")
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=arn)
    assert "PermissionsBoundary" in iam.get_user(UserName="ann")["User"]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([{"Key": "aws:x", "Value": "1"}], "System tags cannot be added"),
        ([{"Key": "x", "Value": "1"}, {"Key": "X", "Value": "2"}], "Duplicate tag keys found"),
        (
            [{"Key": str(number), "Value": "1"} for number in range(50)] + [{"Key": "x", "Value": "1"}],
            "less than or equal to 50",
        ),
    ],
)
def test_tags_that_are_refused(iam: Any, tags: Any, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        iam.create_user(UserName="ann", Tags=tags)


def test_passwords(iam: Any, kumoi: Any) -> None:
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_account_password_policy()
    iam.update_account_password_policy(MinimumPasswordLength=10, RequireNumbers=True, MaxPasswordAge=90)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["ExpirePasswords"], policy["MaxPasswordAge"]) == (10, True, 90)
    iam.create_user(UserName="ann")
    with pytest.raises(iam.exceptions.PasswordPolicyViolationException, match="minimum length of 10"):
        iam.create_login_profile(UserName="ann", Password="short1")
    with pytest.raises(iam.exceptions.PasswordPolicyViolationException, match="at least one number"):
        iam.create_login_profile(UserName="ann", Password="long enough")
    iam.create_login_profile(UserName="ann", Password="long enough 1", PasswordResetRequired=True)
    assert iam.get_login_profile(UserName="ann")["LoginProfile"]["PasswordResetRequired"]
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_login_profile(UserName="ann", Password="long enough 1")
    with pytest.raises(iam.exceptions.DeleteConflictException, match="must delete login profile first"):
        iam.delete_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    own = boto3.client(
        "iam",
        endpoint_url=kumoi.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(ClientError, match="old password was incorrect"):
        own.change_password(OldPassword="wrong", NewPassword="another long 1")
    own.change_password(OldPassword="long enough 1", NewPassword="another long 1")
    own.close()
    assert not iam.get_login_profile(UserName="ann")["LoginProfile"]["PasswordResetRequired"]
    iam.update_login_profile(UserName="ann", PasswordResetRequired=True)
    iam.delete_login_profile(UserName="ann")
    with pytest.raises(iam.exceptions.NoSuchEntityException, match="Login Profile for User ann cannot be found"):
        iam.get_login_profile(UserName="ann")
    iam.delete_account_password_policy()
