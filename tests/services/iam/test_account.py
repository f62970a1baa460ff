"""Managed policies, instance profiles, providers, service-linked roles and the account, driven by boto3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.policy import compile_policy
from kumoi.services.iam import aws_managed

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
METADATA = '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp">{}</EntityDescriptor>'


def document(*actions: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"} | more
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def iam(kumoi: Any) -> Any:
    return kumoi.client("iam")


def test_versions_of_a_policy(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document("s3:*"))["Policy"]["Arn"]
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("sqs:*"))
    with pytest.raises(iam.exceptions.LimitExceededException, match="up to 5 versions"):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("sqs:*"))
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v3")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    with pytest.raises(iam.exceptions.DeleteConflictException, match="Cannot delete the default version"):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v3")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("sns:*"), SetAsDefault=True)
    assert made["PolicyVersion"]["VersionId"] == "v6"
    with pytest.raises(iam.exceptions.DeleteConflictException, match="more than one version"):
        iam.delete_policy(PolicyArn=arn)
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    iam.untag_policy(PolicyArn=arn, TagKeys=["a"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "This policy contains invalid Json"),
        ("[]", "Syntax errors in policy."),
        ('{"Version": "2012-10-17"}', "Syntax errors in policy."),
        (document("s3"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        (document("s3:*", Resource="bucket"), 'Resource bucket must be in ARN format or "*".'),
        (document("s3:*", Principal="*"), "Policy document should not specify a principal."),
        (document("s3:*", Condition={"StringSame": {"a:b": "c"}}), "Invalid Condition type : StringSame."),
        (document("s3:*", Effect="allow"), "Syntax errors in policy."),
    ],
)
def test_documents_that_are_no_policies(iam: Any, text: str, message: str) -> None:
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException) as refused:
        iam.create_policy(PolicyName="p", PolicyDocument=text)
    assert refused.value.response["Error"]["Message"] == message


def test_a_trust_policy_names_no_resource(iam: Any) -> None:
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException, match="Has prohibited field Resource"):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=document("sts:AssumeRole", Principal="*"))


def test_sizes_have_limits(iam: Any) -> None:
    long = document("s3:*", Resource=[f"arn:aws:s3:::{number:0100}" for number in range(70)])
    with pytest.raises(iam.exceptions.LimitExceededException, match="Cannot exceed quota for PolicySize: 6144"):
        iam.create_policy(PolicyName="p", PolicyDocument=long)
    iam.create_user(UserName="u")
    with pytest.raises(iam.exceptions.LimitExceededException, match="2048 bytes exceeded for user u"):
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=long)
    for number in range(10):
        arn = iam.create_policy(PolicyName=f"p{number}", PolicyDocument=document("s3:*"))["Policy"]["Arn"]
        iam.attach_user_policy(UserName="u", PolicyArn=arn)
    with pytest.raises(iam.exceptions.LimitExceededException, match="PoliciesPerUser: 10"):
        iam.attach_user_policy(UserName="u", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")


def test_awss_policies(iam: Any) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (policy["PolicyName"], policy["Path"]) == ("AWSLambdaBasicExecutionRole", "/service-role/")
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert "logs:PutLogEvents" in version["Document"]["Statement"][0]["Action"]
    listed = [one for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for one in page["Policies"]]
    assert len(listed) == len(aws_managed.NAMES)
    assert arn in {one["Arn"] for one in listed}
    with pytest.raises(ClientError, match="no account may change it"):
        iam.delete_policy(PolicyArn=arn)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/NobodyKnowsThis")


@pytest.mark.parametrize("name", aws_managed.NAMES)
def test_awss_policies_are_policies(name: str) -> None:
    text = aws_managed.document(aws_managed.ARN + name)
    assert text is not None
    compile_policy(text)


def test_instance_profiles(iam: Any, kumoi: Any) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    made = iam.create_instance_profile(InstanceProfileName="p", Tags=[{"Key": "a", "Value": "b"}])["InstanceProfile"]
    assert made["Arn"] == f"arn:aws:iam::{kumoi.account}:instance-profile/p"
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_instance_profile(InstanceProfileName="p")
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    with pytest.raises(iam.exceptions.LimitExceededException):
        iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    found = iam.get_instance_profile(InstanceProfileName="p")["InstanceProfile"]
    assert [role["RoleName"] for role in found["Roles"]] == ["r"]
    assert len(iam.list_instance_profiles_for_role(RoleName="r")["InstanceProfiles"]) == 1
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_role(RoleName="r")
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_instance_profile(InstanceProfileName="p")
    iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="r")
    iam.delete_instance_profile(InstanceProfileName="p")
    assert iam.list_instance_profiles()["InstanceProfiles"] == []


def test_openid_connect_providers(iam: Any, kumoi: Any) -> None:
    arn = iam.create_open_id_connect_provider(
        Url="https://token.example.com/app", ClientIDList=["one"], ThumbprintList=["a" * 40]
    )["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{kumoi.account}:oidc-provider/token.example.com/app"
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_open_id_connect_provider(Url="https://token.example.com/app")
    with pytest.raises(ClientError, match="Invalid Open ID Connect Provider URL"):
        iam.create_open_id_connect_provider(Url="http://token.example.com")
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="one")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (found["ClientIDList"], found["ThumbprintList"]) == (["two"], ["b" * 40])
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_saml_providers(iam: Any, kumoi: Any) -> None:
    document = METADATA.format(" " * 1000)
    with pytest.raises(ClientError, match="Could not parse metadata"):
        iam.create_saml_provider(Name="idp", SAMLMetadataDocument="<x/>" + " " * 1000)
    arn = iam.create_saml_provider(Name="idp", SAMLMetadataDocument=document)["SAMLProviderArn"]
    assert iam.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"] == document
    assert [one["Arn"] for one in iam.list_saml_providers()["SAMLProviderList"]] == [arn]
    iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=METADATA.format("-" * 1000))
    iam.delete_saml_provider(SAMLProviderArn=arn)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.delete_saml_provider(SAMLProviderArn=arn)


def test_service_linked_roles(iam: Any, kumoi: Any) -> None:
    role = iam.create_service_linked_role(AWSServiceName="elasticloadbalancing.amazonaws.com")["Role"]
    assert role["RoleName"] == "AWSServiceRoleForElasticLoadBalancing"
    assert role["Path"] == "/aws-service-role/elasticloadbalancing.amazonaws.com/"
    with pytest.raises(iam.exceptions.UnmodifiableEntityException):
        iam.put_role_policy(RoleName=role["RoleName"], PolicyName="p", PolicyDocument=document("s3:*"))
    with pytest.raises(iam.exceptions.InvalidInputException, match="has been taken in this account"):
        iam.create_service_linked_role(AWSServiceName="elasticloadbalancing.amazonaws.com")
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_service_linked_role_deletion_status(DeletionTaskId="task/aws-service-role/x/y/" + "0" * 40)


def test_a_service_linked_role_has_a_description_and_tags_of_its_owner(iam: Any) -> None:
    name = iam.create_service_linked_role(AWSServiceName="lex.amazonaws.com")["Role"]["RoleName"]
    iam.update_role(RoleName=name, Description="for bots")
    iam.tag_role(RoleName=name, Tags=[{"Key": "team", "Value": "a"}])
    role = iam.get_role(RoleName=name)["Role"]
    assert (role["Description"], role["Tags"]) == ("for bots", [{"Key": "team", "Value": "a"}])
    with pytest.raises(iam.exceptions.UnmodifiableEntityException):
        iam.update_role(RoleName=name, MaxSessionDuration=7200)


def test_credentials_that_are_not_issued_are_listed_as_none(iam: Any) -> None:
    iam.create_user(UserName="u")
    assert iam.list_ssh_public_keys(UserName="u")["SSHPublicKeys"] == []
    assert iam.list_signing_certificates(UserName="u")["Certificates"] == []
    assert iam.list_service_specific_credentials(UserName="u")["ServiceSpecificCredentials"] == []
    assert iam.list_mfa_devices(UserName="u")["MFADevices"] == []
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"] == []
    for ask in (iam.list_ssh_public_keys, iam.list_mfa_devices):
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            ask(UserName="nobody")


def test_the_account(iam: Any) -> None:
    iam.create_account_alias(AccountAlias="my-team")
    assert iam.list_account_aliases()["AccountAliases"] == ["my-team"]
    iam.delete_account_alias(AccountAlias="my-team")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.delete_account_alias(AccountAlias="my-team")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.create_user(UserName="u")
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Roles"], summary["Users"], summary["Groups"], summary["VersionsPerPolicyQuota"]) == (1, 1, 0, 5)


def test_everything_at_once(iam: Any) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="r", PolicyName="inline", PolicyDocument=document("s3:*"))
    iam.create_group(GroupName="g")
    iam.create_user(UserName="u")
    iam.add_user_to_group(GroupName="g", UserName="u")
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document("s3:*"))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    whole = iam.get_account_authorization_details()
    assert whole["UserDetailList"][0]["GroupList"] == ["g"]
    assert whole["RoleDetailList"][0]["RolePolicyList"][0]["PolicyDocument"] == json.loads(document("s3:*"))
    assert {one["Arn"] for one in whole["Policies"]} == {arn, "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2})
    assert sum(len(page["UserDetailList"] + page["GroupDetailList"] + page["RoleDetailList"]) for page in pages) == 3
    assert iam.get_account_authorization_details(Filter=["Group"])["RoleDetailList"] == []


def test_boundary_of_a_role(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="bound", PolicyDocument=document("s3:*"))["Policy"]["Arn"]
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn + "x")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn)
    assert iam.get_role(RoleName="r")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    used = iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")
    assert [role["RoleName"] for role in used["PolicyRoles"]] == ["r"]
    iam.delete_role_permissions_boundary(RoleName="r")
    assert iam.update_role_description(RoleName="r", Description="new")["Role"]["Description"] == "new"
