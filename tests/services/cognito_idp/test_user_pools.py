"""boto3 and pools as administrators have them: users, groups, clients, templates, a crash."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.pytest_plugin import KumoiAccount

PASSWORD = "Correct-horse-1"
MakePool = Callable[..., Any]
FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
]
Zipped = Callable[[dict[str, str]], bytes]


def code(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = refused.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def test_administrators_see_and_change_users(pool: Any) -> None:
    for number in range(3):
        pool.user(f"user{number}", email=f"user{number}@example.com")
    pages = pool.admin.get_paginator("list_users").paginate(UserPoolId=pool.id, PaginationConfig={"PageSize": 2})
    assert [[one["Username"] for one in page["Users"]] for page in pages] == [["user0", "user1"], ["user2"]]
    found = pool.admin.list_users(UserPoolId=pool.id, Filter='email ^= "user1"')["Users"]
    assert [one["Username"] for one in found] == ["user1"]
    pool.admin.admin_disable_user(UserPoolId=pool.id, Username="user0")
    with pytest.raises(ClientError) as refused:
        pool.sign_in("user0")
    assert code(refused) == ("NotAuthorizedException", "User is disabled.")
    pool.admin.admin_enable_user(UserPoolId=pool.id, Username="user0")
    assert pool.sign_in("user0")
    pool.admin.create_group(UserPoolId=pool.id, GroupName="g", Precedence=1)
    pool.admin.admin_add_user_to_group(UserPoolId=pool.id, Username="user0", GroupName="g")
    assert [one["Username"] for one in pool.admin.list_users_in_group(UserPoolId=pool.id, GroupName="g")["Users"]] == [
        "user0"
    ]
    groups = pool.admin.admin_list_groups_for_user(UserPoolId=pool.id, Username="user0")["Groups"]
    assert [one["GroupName"] for one in groups] == ["g"]
    pool.admin.delete_group(UserPoolId=pool.id, GroupName="g")
    assert pool.admin.admin_list_groups_for_user(UserPoolId=pool.id, Username="user0")["Groups"] == []
    pool.admin.admin_delete_user(UserPoolId=pool.id, Username="user0")
    with pytest.raises(ClientError) as refused:
        pool.admin.admin_get_user(UserPoolId=pool.id, Username="user0")
    assert code(refused) == ("UserNotFoundException", "User does not exist.")


def test_a_pools_life(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    admin = kumoi.client("cognito-idp")
    pool = make_pool(kumoi, Schema=[{"Name": "team", "AttributeDataType": "String"}], UserPoolTags={"a": "1"})
    pool.user(**{"custom:team": "blue"})
    described = admin.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    assert (described["Name"], described["EstimatedNumberOfUsers"], described["UserPoolTags"]) == (
        "pool",
        1,
        {"a": "1"},
    )
    assert described["SchemaAttributes"][0]["Name"] == "custom:team"
    with pytest.raises(ClientError) as refused:
        pool.user("bob", **{"custom:other": "x"})
    assert code(refused)[0] == "InvalidParameterException"
    admin.update_user_pool(UserPoolId=pool.id, MfaConfiguration="OFF", DeletionProtection="ACTIVE")
    with pytest.raises(ClientError):
        admin.delete_user_pool(UserPoolId=pool.id)
    admin.update_user_pool(UserPoolId=pool.id, DeletionProtection="INACTIVE")
    assert [one["Id"] for one in admin.list_user_pools(MaxResults=10)["UserPools"]] == [pool.id]
    assert [one["ClientId"] for one in admin.list_user_pool_clients(UserPoolId=pool.id)["UserPoolClients"]] == [
        pool.app
    ]
    admin.update_user_pool_client(UserPoolId=pool.id, ClientId=pool.app, ClientName="other")
    assert (
        admin.describe_user_pool_client(UserPoolId=pool.id, ClientId=pool.app)["UserPoolClient"]["ClientName"]
        == "other"
    )
    admin.delete_user_pool(UserPoolId=pool.id)
    with pytest.raises(ClientError) as refused:
        admin.describe_user_pool(UserPoolId=pool.id)
    assert code(refused) == ("ResourceNotFoundException", f"User pool {pool.id} does not exist.")
    with pytest.raises(ClientError) as refused:
        pool.sign_in()
    assert code(refused)[0] == "ResourceNotFoundException"


def test_a_template_makes_a_pool_and_an_api_trusts_its_tokens(kumoi: KumoiAccount, zipped: Zipped) -> None:
    template = {
        "Resources": {
            "Pool": {
                "Type": "AWS::Cognito::UserPool",
                "Properties": {
                    "UserPoolName": "people",
                    "MfaConfiguration": "OPTIONAL",
                    "EnabledMfas": ["SOFTWARE_TOKEN_MFA", "EMAIL_OTP"],
                    "EmailAuthenticationMessage": "code {####}",
                    "WebAuthnRelyingPartyID": "localhost",
                },
            },
            "Client": {
                "Type": "AWS::Cognito::UserPoolClient",
                "Properties": {"UserPoolId": {"Ref": "Pool"}, "ExplicitAuthFlows": FLOWS},
            },
            "Group": {
                "Type": "AWS::Cognito::UserPoolGroup",
                "Properties": {"UserPoolId": {"Ref": "Pool"}, "GroupName": "g"},
            },
        },
        "Outputs": {
            "Pool": {"Value": {"Ref": "Pool"}},
            "Client": {"Value": {"Ref": "Client"}},
            "Url": {"Value": {"Fn::GetAtt": ["Pool", "ProviderURL"]}},
        },
    }
    cloudformation = kumoi.client("cloudformation")
    cloudformation.create_stack(StackName="people", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="people", WaiterConfig={"Delay": 1})
    (stack,) = cloudformation.describe_stacks(StackName="people")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    admin = kumoi.client("cognito-idp")
    factors = admin.get_user_pool_mfa_config(UserPoolId=outputs["Pool"])
    factors.pop("ResponseMetadata")
    assert factors == {
        "MfaConfiguration": "OPTIONAL",
        "SoftwareTokenMfaConfiguration": {"Enabled": True},
        "EmailMfaConfiguration": {"Message": "code {####}"},
        "WebAuthnConfiguration": {"RelyingPartyId": "localhost"},
    }
    admin.admin_create_user(UserPoolId=outputs["Pool"], Username="ann", MessageAction="SUPPRESS")
    admin.admin_set_user_password(UserPoolId=outputs["Pool"], Username="ann", Password=PASSWORD, Permanent=True)
    tokens = admin.initiate_auth(
        ClientId=outputs["Client"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    functions, apis = kumoi.client("lambda"), kumoi.client("apigatewayv2")
    claims = "event['requestContext']['authorizer']['jwt']['claims']"
    function = functions.create_function(
        FunctionName="who",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/lambda",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": f"def handler(event, context):\n    return {claims}['username']\n"})},
    )["FunctionArn"]
    api = apis.create_api(Name="who", ProtocolType="HTTP")["ApiId"]
    authorizer = apis.create_authorizer(
        ApiId=api,
        Name="people",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": outputs["Url"], "Audience": [outputs["Client"]]},
    )["AuthorizerId"]
    integration = apis.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    apis.create_route(
        ApiId=api,
        RouteKey="GET /who",
        Target=f"integrations/{integration}",
        AuthorizationType="JWT",
        AuthorizerId=authorizer,
    )
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    url = f"{kumoi.url}/_kumoi/execute-api/{api}/who"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {tokens['AccessToken']}"})
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"ann"
    wrong = urllib.request.Request(url, headers={"Authorization": "Bearer a.b.c"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(wrong)
    refused.value.close()
    assert refused.value.code == 401


def test_users_and_keys_survive_a_crash(killable: Any, make_pool: MakePool) -> None:
    killable.start()
    pool = make_pool(killable)
    pool.user()
    tokens = pool.sign_in()
    killable.kill()
    killable.start()
    assert pool.admin.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    answer = pool.admin.initiate_auth(
        ClientId=pool.app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]}
    )
    assert "AccessToken" in answer["AuthenticationResult"]


def test_a_user_of_the_same_name_is_another_user(pool: Any) -> None:
    pool.user()
    tokens = pool.sign_in()
    pool.admin.admin_delete_user(UserPoolId=pool.id, Username="ann")
    pool.user()
    parameters = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    with pytest.raises(ClientError) as refused:
        pool.admin.initiate_auth(ClientId=pool.app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=parameters)
    assert code(refused) == ("NotAuthorizedException", "Invalid Refresh Token")
    with pytest.raises(ClientError) as refused:
        pool.admin.get_user(AccessToken=tokens["AccessToken"])
    assert code(refused) == ("NotAuthorizedException", "Access Token has been revoked")
    described = pool.admin.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    assert described["EstimatedNumberOfUsers"] == 1
