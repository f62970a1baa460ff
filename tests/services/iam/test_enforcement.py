"""`--auth enforce`, driven by boto3: what a caller's policies deny is refused in AWS's words, what they allow works."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT, OTHER, REGION = "311111111111", "322222222222", "us-east-1"
Helper = Callable[..., Any]
Connect = Callable[..., Any]


@pytest.mark.parametrize(
    ("service", "operation", "params", "code", "said"),
    [
        (
            "dynamodb",
            "get_item",
            {"TableName": "Tee", "Key": {}},
            "AccessDeniedException",
            "dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:311111111111:table/Tee",
        ),
        (
            "lambda",
            "invoke",
            {"FunctionName": "f"},
            "AccessDeniedException",
            "lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:311111111111:function:f",
        ),
        ("s3", "list_objects_v2", {"Bucket": "box"}, "AccessDenied", "s3:ListBucket on resource: arn:aws:s3:::box"),
        (
            "sns",
            "create_topic",
            {"Name": "n"},
            "AuthorizationError",
            "SNS:CreateTopic on resource: arn:aws:sns:us-east-1:311111111111:n",
        ),
        ("iam", "list_roles", {}, "AccessDenied", "iam:ListRoles on resource: *"),
        (
            "sqs",
            "create_queue",
            {"QueueName": "q"},
            "AccessDenied",
            "sqs:createqueue on resource: arn:aws:sqs:us-east-1:311111111111:q",
        ),
        (
            "logs",
            "describe_log_groups",
            {},
            "AccessDeniedException",
            "logs:DescribeLogGroups on resource: arn:aws:logs:us-east-1:311111111111:log-group:*",
        ),
        ("cloudformation", "list_stacks", {}, "AccessDenied", "cloudformation:ListStacks on resource: *"),
        (
            "apigatewayv2",
            "get_api",
            {"ApiId": "a1"},
            "AccessDeniedException",
            "apigateway:GET on resource: arn:aws:apigateway:us-east-1::/apis/a1",
        ),
    ],
)
def test_a_user_without_policies_is_refused_by_every_protocol(
    connect: Connect,
    service: str,
    operation: str,
    params: dict[str, Any],
    code: str,
    said: str,
    new_user: Helper,
    refusal: Helper,
) -> None:
    if service == "s3":
        connect("s3").create_bucket(Bucket=params["Bucket"])
    name = f"nobody-{service}"
    key = new_user(connect, name)
    action = said.partition(" ")[0]
    assert refusal(getattr(connect(service, key), operation), **params) == (
        code,
        f"User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: {said}"
        f" because no identity-based policy allows the {action} action",
    )


def test_policies_of_a_user_and_its_group_count_at_once(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    iam, s3 = connect("iam"), connect("s3")
    s3.create_bucket(Bucket="shelf")
    s3.put_object(Bucket="shelf", Key="ann/book", Body=b"x")
    key = new_user(connect, "ann", document("s3:GetObject", "arn:aws:s3:::shelf/${aws:username}/*"))
    reader = connect("s3", key)
    assert reader.get_object(Bucket="shelf", Key="ann/book")["Body"].read() == b"x"
    code, message = refusal(reader.get_object, Bucket="shelf", Key="ben/book")
    assert code == "AccessDenied"
    assert message.endswith("because no identity-based policy allows the s3:GetObject action")
    iam.create_group(GroupName="editors")
    iam.add_user_to_group(GroupName="editors", UserName="ann")
    iam.put_group_policy(GroupName="editors", PolicyName="g", PolicyDocument=document("s3:PutObject"))
    reader.put_object(Bucket="shelf", Key="ben/book", Body=b"y")
    iam.put_user_policy(UserName="ann", PolicyName="no", PolicyDocument=document("s3:*", effect="Deny"))
    _, message = refusal(reader.get_object, Bucket="shelf", Key="ann/book")
    assert message.endswith("with an explicit deny in an identity-based policy")


def test_a_boundary_is_the_most_there_is(connect: Connect, document: Helper, new_user: Helper, refusal: Helper) -> None:
    iam = connect("iam")
    arn = iam.create_policy(PolicyName="most", PolicyDocument=document("sqs:List*"))["Policy"]["Arn"]
    key = new_user(connect, "bounded", document("sqs:*"))
    iam.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=arn)
    sqs = connect("sqs", key)
    assert sqs.list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
    _, message = refusal(sqs.create_queue, QueueName="q")
    assert message.endswith("because no permissions boundary allows the sqs:createqueue action")


def test_a_role_is_assumed_by_whom_it_trusts_and_sessions_are_restricted(
    connect: Connect, document: Helper, trust: Helper, new_user: Helper, refusal: Helper
) -> None:
    iam = connect("iam")
    key = new_user(connect, "worker", document("sts:*"))
    worker = f"arn:aws:iam::{ACCOUNT}:user/worker"
    condition = {"StringEquals": {"sts:ExternalId": "42"}}
    role = iam.create_role(RoleName="tool", AssumeRolePolicyDocument=trust({"AWS": worker}, Condition=condition))
    iam.put_role_policy(RoleName="tool", PolicyName="p", PolicyDocument=document("sqs:*"))
    sts, arn = connect("sts", key), role["Role"]["Arn"]
    _, message = refusal(sts.assume_role, RoleArn=arn, RoleSessionName="me")
    assert message == (
        f"User: {worker} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        " because no role trust policy allows the sts:AssumeRole action"
    )
    given = sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="42")["Credentials"]
    connect("sqs", given).create_queue(QueueName="tools")
    less = sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="42", Policy=document("sqs:ListQueues"))[
        "Credentials"
    ]
    connect("sqs", less).list_queues()
    _, message = refusal(connect("sqs", less).create_queue, QueueName="more")
    assert message.endswith("because no session policy allows the sqs:createqueue action")
    code, _ = refusal(sts.assume_role, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/nowhere", RoleSessionName="me")
    assert code == "AccessDenied"


def test_session_tags_are_condition_keys(connect: Connect, document: Helper, refusal: Helper) -> None:
    iam, sts = connect("iam"), connect("sts")
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    statement = {"Effect": "Allow", "Principal": root, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    document_ = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=document_)["Role"]["Arn"]
    policy = document("sqs:*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}-*")
    iam.put_role_policy(RoleName="tagged", PolicyName="p", PolicyDocument=policy)
    given = sts.assume_role(RoleArn=arn, RoleSessionName="me", Tags=[{"Key": "team", "Value": "blue"}])["Credentials"]
    sqs = connect("sqs", given)
    sqs.create_queue(QueueName="blue-jobs")
    refusal(sqs.create_queue, QueueName="red-jobs")


def test_a_federated_user_may_what_its_maker_and_its_policy_allow(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    key = new_user(connect, "maker", document(["sts:*", "sqs:ListQueues"]))
    sts = connect("sts", key)
    with_policy = sts.get_federation_token(Name="guest", Policy=document("sqs:*"))
    assert with_policy["FederatedUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
    guest = connect("sqs", with_policy["Credentials"])
    guest.list_queues()
    refusal(guest.create_queue, QueueName="g")
    without = sts.get_federation_token(Name="guest")["Credentials"]
    _, message = refusal(connect("sqs", without).list_queues)
    assert "no session policy" in message
    code, message = refusal(connect("sts", without).get_session_token)
    assert (code, message) == ("AccessDenied", "Cannot call GetSessionToken with session credentials")
    assert connect("sts", sts.get_session_token()["Credentials"]).get_caller_identity()["Arn"].endswith(":user/maker")


def test_a_refusal_can_be_decoded(connect: Connect, document: Helper, new_user: Helper) -> None:
    key = new_user(connect, "curious", document("sqs:*", effect="Deny", Sid="NoQueues"))
    with pytest.raises(ClientError) as refused:
        connect("sqs", key).list_queues()
    encoded = refused.value.response["ResponseMetadata"]["HTTPHeaders"]["x-kumoi-authorization-message"]
    sts = connect("sts")
    decoded = json.loads(sts.decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["explicitDeny"] is True
    assert decoded["matchedStatements"]["items"] == [{"statementId": "NoQueues", "effect": "DENY"}]
    assert decoded["context"]["action"] == "sqs:ListQueues"
    with pytest.raises(ClientError, match="InvalidAuthorizationMessageException"):
        sts.decode_authorization_message(EncodedMessage=encoded[:-8] + "AAAAAAA=")


def test_a_token_opens_the_role_that_trusts_its_provider(
    connect: Connect, issuer: tuple[str, Callable[..., str]], document: Helper, trust: Helper, refusal: Helper
) -> None:
    url, token = issuer
    host = url.partition("//")[2]
    iam, sts = connect("iam"), connect("sts")
    condition = {"StringEquals": {f"{host}:aud": "shop"}}
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
    document_ = trust({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=condition)
    role = iam.create_role(RoleName="web", AssumeRolePolicyDocument=document_)["Role"]["Arn"]
    own = document("sqs:*", f"arn:aws:sqs:*:*:${{{host}:sub}}-*")
    iam.put_role_policy(RoleName="web", PolicyName="p", PolicyDocument=own)

    def assume(text: str) -> dict[str, str]:
        answer = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="ada", WebIdentityToken=text)
        given: dict[str, str] = answer["Credentials"]
        return given

    with pytest.raises(ClientError, match="No OpenIDConnect provider found in your account"):
        assume(token())
    iam.create_open_id_connect_provider(Url=url, ClientIDList=["shop", "blog"])
    sqs = connect("sqs", assume(token()))
    sqs.create_queue(QueueName="ada-jobs")
    refusal(sqs.create_queue, QueueName="ben-jobs")
    with pytest.raises(ClientError, match="AccessDenied.*Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume(token(aud="blog"))
    with pytest.raises(ClientError, match="InvalidIdentityToken"):
        assume(token(aud="others"))
    with pytest.raises(ClientError, match="InvalidIdentityToken"):
        assume(token()[:-8] + "AAAAAAAA")


def test_guests_of_an_identity_pool_may_what_their_role_may(
    connect: Connect, document: Helper, trust: Helper, refusal: Helper
) -> None:
    pools = connect("cognito-identity")
    pool = pools.create_identity_pool(IdentityPoolName="guests", AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
    own = "cognito-identity.amazonaws.com"
    roles = {}
    for name, audience in (("guest", pool), ("stranger", "us-east-1:another")):
        condition = {"StringEquals": {f"{own}:aud": audience}}
        trusted = trust({"Federated": own}, "sts:AssumeRoleWithWebIdentity", Condition=condition)
        made = connect("iam").create_role(RoleName=f"pool-{name}", AssumeRolePolicyDocument=trusted)
        roles[name] = made["Role"]["Arn"]
    connect("iam").put_role_policy(RoleName="pool-guest", PolicyName="p", PolicyDocument=document("sqs:ListQueues"))
    pools.set_identity_pool_roles(IdentityPoolId=pool, Roles={"unauthenticated": roles["guest"]})
    guest = pools.get_id(IdentityPoolId=pool)["IdentityId"]
    found = pools.get_credentials_for_identity(IdentityId=guest)["Credentials"]
    given = {**found, "SecretAccessKey": found["SecretKey"]}
    connect("sqs", given).list_queues()
    assert refusal(connect("sqs", given).create_queue, QueueName="q")[0] == "AccessDenied"
    pools.set_identity_pool_roles(IdentityPoolId=pool, Roles={"unauthenticated": roles["stranger"]})
    with pytest.raises(ClientError) as refused:
        pools.get_credentials_for_identity(IdentityId=guest)
    assert refused.value.response["Error"]["Code"] == "InvalidIdentityPoolConfigurationException"
