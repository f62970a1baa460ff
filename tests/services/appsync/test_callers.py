"""Callers of every kind, and functions behind fields."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

Post = Callable[..., tuple[int, dict[str, Any]]]
PASSWORD = "Correct-horse-1"
FUNCTION = """
def handler(event, context):
    if "authorizationToken" in event:
        token = event["authorizationToken"]
        return {"isAuthorized": token.startswith("yes"), "resolverContext": {"who": token},
                "deniedFields": ["Query.denied"], "ttlOverride": 0}
    if event["arguments"].get("fail"):
        raise ValueError("no such thing")
    return event
"""
SDL = b"""
type Query {
  echo(fail: Boolean, a: Int): AWSJSON
  denied: String
  admins: String @aws_cognito_user_pools(cognito_groups: ["admins"])
  people: String @aws_cognito_user_pools
  signed: String @aws_iam
}
"""


@pytest.fixture
def function(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> str:
    functions = kumoi.client("lambda")
    made = functions.create_function(
        FunctionName="f",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/lambda",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": FUNCTION})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="f")
    return str(made["FunctionArn"])


@pytest.fixture
def pool(kumoi: Any) -> tuple[str, Callable[[str], str]]:
    """A pool of users, and how one signs in."""
    cognito = kumoi.client("cognito-idp")
    id = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]
    flows = {"ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]}
    app = cognito.create_user_pool_client(UserPoolId=id, ClientName="app", **flows)["UserPoolClient"]["ClientId"]
    cognito.create_group(UserPoolId=id, GroupName="admins")
    for name in ("ann", "bob"):
        cognito.admin_create_user(UserPoolId=id, Username=name, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=id, Username=name, Password=PASSWORD, Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=id, Username="ann", GroupName="admins")

    def sign_in(name: str) -> str:
        given = {"USERNAME": name, "PASSWORD": PASSWORD}
        answer = cognito.initiate_auth(ClientId=app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
        return str(answer["AuthenticationResult"]["AccessToken"])

    return id, sign_in


@pytest.fixture
def api(client: Any, function: str, pool: tuple[str, Any]) -> str:
    made = client.create_graphql_api(
        name="a",
        authenticationType="AWS_LAMBDA",
        lambdaAuthorizerConfig={"authorizerUri": function, "identityValidationExpression": "(yes|no).*"},
        additionalAuthenticationProviders=[
            {"authenticationType": "AWS_IAM"},
            {
                "authenticationType": "AMAZON_COGNITO_USER_POOLS",
                "userPoolConfig": {"userPoolId": pool[0], "awsRegion": "us-east-1"},
            },
        ],
    )
    found = str(made["graphqlApi"]["apiId"])
    client.start_schema_creation(apiId=found, definition=SDL)
    config = {"lambdaFunctionArn": function}
    client.create_data_source(apiId=found, name="f", type="AWS_LAMBDA", lambdaConfig=config)
    client.create_data_source(apiId=found, name="none", type="NONE")
    client.create_resolver(apiId=found, typeName="Query", fieldName="echo", dataSourceName="f")
    for field in ("denied", "admins", "people", "signed"):
        identity = '{"version":"2018-05-29","payload":"$!ctx.identity.username"}'
        client.create_resolver(
            apiId=found,
            typeName="Query",
            fieldName=field,
            dataSourceName="none",
            requestMappingTemplate=identity,
            responseMappingTemplate="$util.toJson($ctx.result)",
        )
    return found


def query(text: str) -> bytes:
    return json.dumps({"query": text}).encode()


def test_each_way_of_authorization(api: str, post: Post, kumoi: Any, pool: tuple[str, Callable[[str], str]]) -> None:
    status, answer = post(api, query("query Q { e: echo(a: 1) denied people }"), authorization="yes-me")
    assert status == 200
    assert [error["path"] for error in answer["errors"]] == [["denied"], ["people"]]
    event = json.loads(answer["data"]["e"])
    assert event["arguments"] == {"a": 1}
    assert event["identity"] == {"resolverContext": {"who": "yes-me"}}
    assert event["info"]["parentTypeName"] == "Query" and event["info"]["fieldName"] == "echo"
    assert (event["source"], event["prev"], event["stash"]) == (None, None, {})
    assert event["request"]["headers"]["authorization"] == "yes-me"
    (error,) = post(api, query("{ echo(fail: true) }"), authorization="yes")[1]["errors"]
    assert (error["message"], error["errorType"]) == ("no such thing", "ValueError")
    assert post(api, query("{ echo }"), authorization="no")[0] == 401
    assert post(api, query("{ echo }"), authorization="other")[0] == 401
    assert post(api, query("{ echo }"))[1]["errors"][0]["message"] == "Missing authorization header"

    _, sign_in = pool
    token = sign_in("ann")
    assert post(api, query("{ people admins }"), authorization=f"Bearer {token}") == (
        200,
        {"data": {"people": "ann", "admins": "ann"}},
    )
    answer = post(api, query("{ people admins }"), authorization=sign_in("bob"))[1]
    assert (answer["data"], answer["errors"][0]["path"]) == ({"people": "bob", "admins": None}, ["admins"])
    assert post(api, query("{ people }"), authorization=token[:-8] + "AAAAAAAA")[0] == 401

    url = f"{kumoi.url}/_kumoi/appsync-api/{api}/graphql"
    request = AWSRequest("POST", url, data=query("{ signed people }"), headers={"content-type": "application/json"})
    SigV4Auth(Credentials(kumoi.account, "test"), "appsync", "us-east-1").add_auth(request)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "content-type"}
    status, answer = post(api, query("{ signed people }"), **{k.replace("-", "_"): v for k, v in headers.items()})
    assert (status, answer["data"]) == (200, {"signed": kumoi.account, "people": None})


def test_a_pattern_that_never_ends_holds_nobody_up(client: Any, function: str, post: Post) -> None:
    made = client.create_graphql_api(
        name="slow",
        authenticationType="AWS_LAMBDA",
        lambdaAuthorizerConfig={"authorizerUri": function, "identityValidationExpression": "(a+)+$"},
    )
    client.start_schema_creation(apiId=made["graphqlApi"]["apiId"], definition=SDL)
    begun = time.monotonic()
    assert post(made["graphqlApi"]["apiId"], query("{ people }"), authorization="a" * 40 + "!")[0] == 401
    assert time.monotonic() - begun < 120
