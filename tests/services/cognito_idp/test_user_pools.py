"""boto3 and user pools: sign-up, the flows, tokens, groups, administrators, triggers, what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from kumoi.http_api import jwt
from kumoi.pytest_plugin import KumoiAccount

PASSWORD = "Correct-horse-1"
FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
]
Zipped = Callable[[dict[str, str]], bytes]


class Pool:
    """A pool with one client, and short ways to use it. Public calls are not signed, as SDKs send them."""

    def __init__(self, source: Any, client: dict[str, Any] | None = None, **given: Any) -> None:
        self.source = source
        self.admin = source.client("cognito-idp")
        self.public = source.client("cognito-idp", signature_version=UNSIGNED) if client is not None else self.admin
        made = self.admin.create_user_pool(PoolName="pool", AutoVerifiedAttributes=["email"], **given)
        self.id = made["UserPool"]["Id"]
        options = {"ExplicitAuthFlows": FLOWS, **(client or {})}
        self.client = self.admin.create_user_pool_client(UserPoolId=self.id, ClientName="app", **options)[
            "UserPoolClient"
        ]
        self.app = self.client["ClientId"]

    def user(self, name: str = "ann", **attributes: str) -> None:
        """A confirmed user."""
        given = [{"Name": key, "Value": value} for key, value in attributes.items()]
        self.admin.admin_create_user(UserPoolId=self.id, Username=name, UserAttributes=given, MessageAction="SUPPRESS")
        self.admin.admin_set_user_password(UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True)

    def sign_in(self, name: str = "ann", password: str = PASSWORD) -> dict[str, Any]:
        parameters = {"USERNAME": name, "PASSWORD": password}
        answer = self.public.initiate_auth(ClientId=self.app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
        result: dict[str, Any] = answer["AuthenticationResult"]
        return result

    def code(self) -> str:
        """The code that a user was last sent."""
        logs = self.source.client("logs")
        events = logs.filter_log_events(logGroupName=f"/kumoi/cognito/{self.id}")["events"]
        return str(json.loads(events[-1]["message"])["code"])

    def public_keys(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.source.url}/{self.id}/.well-known/jwks.json") as answer:
            found: list[dict[str, Any]] = json.load(answer)["keys"]
        return found


def code(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = refused.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


@pytest.fixture
def pool(kumoi: KumoiAccount) -> Pool:
    return Pool(kumoi)


def test_somebody_signs_up_confirms_and_signs_in(kumoi: KumoiAccount) -> None:
    pool = Pool(kumoi, {})
    made = pool.public.sign_up(
        ClientId=pool.app,
        Username="Ann",
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "ann@example.com"}],
    )
    assert not made["UserConfirmed"]
    assert made["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    with pytest.raises(ClientError) as refused:
        pool.sign_in()
    assert code(refused)[0] == "UserNotConfirmedException"
    with pytest.raises(ClientError) as refused:
        pool.public.confirm_sign_up(ClientId=pool.app, Username="ann", ConfirmationCode="nonsense")
    assert code(refused)[0] == "CodeMismatchException"
    pool.public.confirm_sign_up(ClientId=pool.app, Username="ann", ConfirmationCode=pool.code())
    tokens = pool.sign_in("ANN")
    me = pool.public.get_user(AccessToken=tokens["AccessToken"])
    assert me["Username"] == "ann"
    attributes = {one["Name"]: one["Value"] for one in me["UserAttributes"]}
    assert (attributes["email"], attributes["email_verified"]) == ("ann@example.com", "true")
    assert attributes["sub"] == made["UserSub"]


def test_any_library_verifies_the_tokens(pool: Pool) -> None:
    pool.user(email="ann@example.com", email_verified="true")
    pool.admin.create_group(UserPoolId=pool.id, GroupName="admins")
    pool.admin.admin_add_user_to_group(UserPoolId=pool.id, Username="ann", GroupName="admins")
    tokens = pool.sign_in()
    keys = {key["kid"]: key for key in pool.public_keys()}
    assert len(keys) == 2
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool.id}"
    for name, use in (("IdToken", "id"), ("AccessToken", "access")):
        token = jwt.read(tokens[name])
        jwt.verify(token, keys[token.header["kid"]])
        claims = token.claims
        assert (claims["iss"], claims["token_use"], claims["cognito:groups"]) == (issuer, use, ["admins"])
        assert claims["exp"] - claims["iat"] == 3600
    identity = jwt.read(tokens["IdToken"]).claims
    assert (identity["aud"], identity["email"], identity["email_verified"]) == (pool.app, "ann@example.com", True)
    access = jwt.read(tokens["AccessToken"]).claims
    assert (access["client_id"], access["username"], access["scope"]) == (
        pool.app,
        "ann",
        "aws.cognito.signin.user.admin",
    )


def test_tokens_are_refreshed_revoked_and_signed_out(pool: Pool) -> None:
    pool.user()
    tokens = pool.sign_in()

    def refresh() -> dict[str, Any]:
        parameters = {"REFRESH_TOKEN": tokens["RefreshToken"]}
        answer = pool.admin.initiate_auth(ClientId=pool.app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=parameters)
        result: dict[str, Any] = answer["AuthenticationResult"]
        return result

    fresh = refresh()
    assert "RefreshToken" not in fresh
    assert pool.admin.get_user(AccessToken=fresh["AccessToken"])["Username"] == "ann"
    pool.admin.revoke_token(Token=tokens["RefreshToken"], ClientId=pool.app)
    with pytest.raises(ClientError) as refused:
        refresh()
    assert code(refused) == ("NotAuthorizedException", "Invalid Refresh Token")
    tokens = pool.sign_in()
    time.sleep(1.1)  # tokens tell whole seconds: those of the second of a sign-out still count
    pool.admin.global_sign_out(AccessToken=tokens["AccessToken"])
    with pytest.raises(ClientError) as refused:
        pool.admin.get_user(AccessToken=tokens["AccessToken"])
    assert code(refused) == ("NotAuthorizedException", "Access Token has been revoked")
    with pytest.raises(ClientError):
        refresh()


def test_a_secret_has_to_be_proved(kumoi: KumoiAccount) -> None:
    pool = Pool(kumoi, {"GenerateSecret": True})
    pool.user()
    with pytest.raises(ClientError) as refused:
        pool.sign_in()
    assert code(refused)[0] == "NotAuthorizedException"
    proof = hmac.digest(pool.client["ClientSecret"].encode(), f"ann{pool.app}".encode(), hashlib.sha256)
    parameters = {"USERNAME": "ann", "PASSWORD": PASSWORD, "SECRET_HASH": base64.b64encode(proof).decode()}
    answer = pool.public.initiate_auth(ClientId=pool.app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    assert answer["AuthenticationResult"]["TokenType"] == "Bearer"


def test_the_first_password_is_changed(pool: Pool) -> None:
    pool.admin.admin_create_user(UserPoolId=pool.id, Username="bob", TemporaryPassword="Temporary-1")
    answer = pool.admin.admin_initiate_auth(
        UserPoolId=pool.id,
        ClientId=pool.app,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "bob", "PASSWORD": "Temporary-1"},
    )
    assert answer["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    responses = {"USERNAME": "bob", "NEW_PASSWORD": "short"}
    given = {"ClientId": pool.app, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": answer["Session"]}
    with pytest.raises(ClientError) as refused:
        pool.admin.respond_to_auth_challenge(ChallengeResponses=responses, **given)
    assert code(refused) == (
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    )
    responses["NEW_PASSWORD"] = PASSWORD
    done = pool.admin.respond_to_auth_challenge(ChallengeResponses=responses, **given)
    assert "AccessToken" in done["AuthenticationResult"]
    assert pool.admin.admin_get_user(UserPoolId=pool.id, Username="bob")["UserStatus"] == "CONFIRMED"


def test_a_forgotten_password_is_found_again(pool: Pool) -> None:
    pool.user(email="ann@example.com", email_verified="true")
    details = pool.admin.forgot_password(ClientId=pool.app, Username="ann")["CodeDeliveryDetails"]
    assert details["DeliveryMedium"] == "EMAIL"
    pool.admin.confirm_forgot_password(
        ClientId=pool.app, Username="ann", ConfirmationCode=pool.code(), Password="Another-horse-2"
    )
    assert pool.sign_in(password="Another-horse-2")["AccessToken"]
    tokens = pool.sign_in(password="Another-horse-2")
    pool.admin.change_password(
        AccessToken=tokens["AccessToken"], PreviousPassword="Another-horse-2", ProposedPassword=PASSWORD
    )
    assert pool.sign_in()["AccessToken"]


def test_wrong_passwords_are_limited(pool: Pool) -> None:
    pool.user()
    said = set()
    for _ in range(8):
        with pytest.raises(ClientError) as refused:
            pool.sign_in(password="wrong")
        said.add(code(refused)[1])
    assert said == {"Incorrect username or password.", "Password attempts exceeded"}


def test_users_sign_in_with_their_address(kumoi: KumoiAccount) -> None:
    pool = Pool(kumoi, {}, UsernameAttributes=["email"])
    made = pool.public.sign_up(ClientId=pool.app, Username="Ann@Example.com", Password=PASSWORD)
    pool.public.confirm_sign_up(ClientId=pool.app, Username="ann@example.com", ConfirmationCode=pool.code())
    tokens = pool.sign_in("ann@example.com")
    assert pool.public.get_user(AccessToken=tokens["AccessToken"])["Username"] == made["UserSub"]
    with pytest.raises(ClientError) as refused:
        pool.public.sign_up(ClientId=pool.app, Username="ann@example.com", Password=PASSWORD)
    assert code(refused)[0] == "UsernameExistsException"


def test_administrators_see_and_change_users(pool: Pool) -> None:
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


TRIGGERS = """
def handler(event, context):
    source = event["triggerSource"]
    if source == "PreSignUp_SignUp":
        if event["userName"] == "eve":
            raise Exception("not you")
        event["response"]["autoConfirmUser"] = True
    if source.startswith("TokenGeneration"):
        event["response"]["claimsOverrideDetails"] = {
            "claimsToAddOrOverride": {"team": "blue", "sub": "nobody"}, "claimsToSuppress": ["email"]}
    if source.startswith("DefineAuthChallenge"):
        done = event["request"]["session"]
        event["response"]["issueTokens"] = bool(done) and done[-1]["challengeResult"]
        event["response"]["failAuthentication"] = len(done) > 1
        event["response"]["challengeName"] = "CUSTOM_CHALLENGE"
    if source.startswith("CreateAuthChallenge"):
        event["response"]["publicChallengeParameters"] = {"question": "1 + 1"}
        event["response"]["privateChallengeParameters"] = {"answer": "2"}
    if source.startswith("VerifyAuthChallenge"):
        right = event["request"]["privateChallengeParameters"]["answer"] == event["request"]["challengeAnswer"]
        event["response"]["answerCorrect"] = right
    return event
"""


def test_functions_have_their_say(kumoi: KumoiAccount, zipped: Zipped) -> None:
    functions = kumoi.client("lambda")
    function = functions.create_function(
        FunctionName="triggers",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/lambda",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": TRIGGERS})},
    )["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName="triggers")
    names = [
        "PreSignUp",
        "PreTokenGeneration",
        "DefineAuthChallenge",
        "CreateAuthChallenge",
        "VerifyAuthChallengeResponse",
    ]
    flows = [*FLOWS, "ALLOW_CUSTOM_AUTH"]
    pool = Pool(kumoi, {"ExplicitAuthFlows": flows}, LambdaConfig=dict.fromkeys(names, function))
    attributes = [{"Name": "email", "Value": "ann@example.com"}]
    made = pool.public.sign_up(ClientId=pool.app, Username="ann", Password=PASSWORD, UserAttributes=attributes)
    assert made["UserConfirmed"]
    with pytest.raises(ClientError) as refused:
        pool.public.sign_up(ClientId=pool.app, Username="eve", Password=PASSWORD)
    assert code(refused) == ("UserLambdaValidationException", "PreSignUp failed with error not you.")
    claims = jwt.read(pool.sign_in()["IdToken"]).claims
    assert (claims["team"], claims["sub"], "email" in claims) == ("blue", made["UserSub"], False)
    begun = pool.public.initiate_auth(ClientId=pool.app, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": "ann"})
    assert begun["ChallengeParameters"]["question"] == "1 + 1"

    def answer(session: str, text: str) -> dict[str, Any]:
        given: dict[str, Any] = pool.public.respond_to_auth_challenge(
            ClientId=pool.app,
            ChallengeName="CUSTOM_CHALLENGE",
            Session=session,
            ChallengeResponses={"USERNAME": "ann", "ANSWER": text},
        )
        return given

    again = answer(begun["Session"], "3")
    assert again["ChallengeName"] == "CUSTOM_CHALLENGE"
    with pytest.raises(ClientError):
        answer(again["Session"], "4")
    assert "AccessToken" in answer(begun["Session"], "2")["AuthenticationResult"]


@pytest.mark.parametrize(
    ("flow", "parameters", "error"),
    [
        ("USER_PASSWORD_AUTH", {"USERNAME": "none", "PASSWORD": PASSWORD}, "NotAuthorizedException"),
        ("USER_PASSWORD_AUTH", {"USERNAME": "ann"}, "InvalidParameterException"),
        ("USER_PASSWORD_AUTH", {}, "InvalidParameterException"),
        ("USER_SRP_AUTH", {"USERNAME": "ann", "SRP_A": "0"}, "InvalidParameterException"),
        ("REFRESH_TOKEN_AUTH", {"REFRESH_TOKEN": "nonsense"}, "NotAuthorizedException"),
        ("CUSTOM_AUTH", {"USERNAME": "ann"}, "InvalidParameterException"),
        ("ADMIN_NO_SRP_AUTH", {"USERNAME": "ann", "PASSWORD": PASSWORD}, "InvalidParameterException"),
        ("USER_AUTH", {"USERNAME": "ann"}, "NotImplemented"),
    ],
)
def test_what_does_not_sign_in(kumoi: KumoiAccount, flow: str, parameters: dict[str, str], error: str) -> None:
    pool = Pool(kumoi, {"PreventUserExistenceErrors": "ENABLED"})
    pool.user()
    with pytest.raises(ClientError) as refused:
        pool.public.initiate_auth(ClientId=pool.app, AuthFlow=flow, AuthParameters=parameters)
    assert code(refused)[0] == error


def test_a_pools_life(kumoi: KumoiAccount) -> None:
    admin = kumoi.client("cognito-idp")
    pool = Pool(kumoi, Schema=[{"Name": "team", "AttributeDataType": "String"}], UserPoolTags={"a": "1"})
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
            "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": "people"}},
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


def test_users_and_keys_survive_a_crash(killable: Any) -> None:
    killable.start()
    pool = Pool(killable)
    pool.user()
    tokens = pool.sign_in()
    killable.kill()
    killable.start()
    assert pool.admin.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    answer = pool.admin.initiate_auth(
        ClientId=pool.app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]}
    )
    assert "AccessToken" in answer["AuthenticationResult"]
