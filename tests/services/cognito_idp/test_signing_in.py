"""boto3 and signing in: the flows, tokens, secrets, limits, the pool's functions."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP

from kumoi.http_api import jwt
from kumoi.pytest_plugin import KumoiAccount
from kumoi.services.cognito_idp.tokens import needed, signing

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


def test_any_library_verifies_the_tokens(pool: Any) -> None:
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


@pytest.mark.kumoi_clock
def test_tokens_are_refreshed_revoked_and_signed_out(kumoi: KumoiAccount, pool: Any) -> None:
    pool.user()
    other, tokens = pool.sign_in(), pool.sign_in()

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
    for revoked in (tokens, fresh):  # the tokens of one sign-in, and of no other
        with pytest.raises(ClientError) as refused:
            pool.admin.get_user(AccessToken=revoked["AccessToken"])
        assert code(refused) == ("NotAuthorizedException", "Access Token has been revoked")
    assert pool.admin.get_user(AccessToken=other["AccessToken"])["Username"] == "ann"
    tokens = pool.sign_in()
    kumoi.advance(1.1)  # tokens tell whole seconds: those of the second of a sign-out still count
    pool.admin.global_sign_out(AccessToken=tokens["AccessToken"])
    with pytest.raises(ClientError) as refused:
        pool.admin.get_user(AccessToken=tokens["AccessToken"])
    assert code(refused) == ("NotAuthorizedException", "Access Token has been revoked")
    with pytest.raises(ClientError):
        refresh()


@pytest.mark.kumoi_clock
def test_refresh_tokens_are_rotated(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10}
    flows = ["ALLOW_USER_PASSWORD_AUTH"]
    pool = make_pool(kumoi, {"RefreshTokenRotation": rotation, "ExplicitAuthFlows": flows})
    pool.user()

    def refresh(token: str) -> Any:
        answer = pool.public.get_tokens_from_refresh_token(ClientId=pool.app, RefreshToken=token)
        return answer["AuthenticationResult"]

    first = pool.sign_in()["RefreshToken"]
    second = refresh(first)["RefreshToken"]
    assert second != first and refresh(first)["RefreshToken"] not in (first, second)  # within the grace period
    kumoi.advance(11)
    with pytest.raises(ClientError) as refused:
        refresh(first)
    assert code(refused)[0] == "RefreshTokenReuseException"
    third = refresh(second)
    assert pool.public.get_user(AccessToken=third["AccessToken"])["Username"] == "ann"
    with pytest.raises(ClientError) as refused:
        refresh(first)
    assert code(refused) == ("NotAuthorizedException", "Invalid Refresh Token")
    with pytest.raises(ClientError) as refused:
        pool.admin.update_user_pool_client(
            UserPoolId=pool.id,
            ClientId=pool.app,
            RefreshTokenRotation=rotation,
            ExplicitAuthFlows=[*flows, "ALLOW_REFRESH_TOKEN_AUTH"],
        )
    assert code(refused)[0] == "InvalidParameterException"


def test_a_refresh_token_is_rotated_once(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(
        kumoi, {"RefreshTokenRotation": {"Feature": "ENABLED"}, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]}
    )
    pool.user()
    token = pool.sign_in()["RefreshToken"]

    def refresh(_: int) -> str:
        try:
            answer = pool.public.get_tokens_from_refresh_token(ClientId=pool.app, RefreshToken=token)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return str(answer["AuthenticationResult"]["RefreshToken"])

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(refresh, range(8)))
    assert answers.count("RefreshTokenReuseException") == 7


def test_what_was_rotated_is_revoked_with_what_it_became(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 60}
    pool = make_pool(kumoi, {"RefreshTokenRotation": rotation, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]})
    pool.user()
    other, first = pool.sign_in()["RefreshToken"], pool.sign_in()["RefreshToken"]

    def refresh(token: str) -> str:
        answer = pool.public.get_tokens_from_refresh_token(ClientId=pool.app, RefreshToken=token)
        return str(answer["AuthenticationResult"]["RefreshToken"])

    second = refresh(first)
    pool.public.revoke_token(Token=second, ClientId=pool.app)
    for token in (first, second):
        with pytest.raises(ClientError) as refused:
            refresh(token)
        assert code(refused) == ("NotAuthorizedException", "Invalid Refresh Token")
    assert refresh(other)


def test_a_client_may_have_revocation_switched_off(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi, {"EnableTokenRevocation": False})
    pool.user()
    tokens = pool.sign_in()
    with pytest.raises(ClientError) as refused:
        pool.public.revoke_token(Token=tokens["RefreshToken"], ClientId=pool.app)
    assert code(refused)[0] == "UnsupportedOperationException"
    assert pool.public.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"


def test_a_secret_has_to_be_proved(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi, {"GenerateSecret": True})
    pool.user()
    with pytest.raises(ClientError) as refused:
        pool.sign_in()
    assert code(refused)[0] == "NotAuthorizedException"
    proof = hmac.digest(pool.client["ClientSecret"].encode(), f"ann{pool.app}".encode(), hashlib.sha256)
    parameters = {"USERNAME": "ann", "PASSWORD": PASSWORD, "SECRET_HASH": base64.b64encode(proof).decode()}
    answer = pool.public.initiate_auth(ClientId=pool.app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    assert answer["AuthenticationResult"]["TokenType"] == "Bearer"


def test_the_first_password_is_changed(pool: Any) -> None:
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
    responses["NEW_PASSWORD"] = "Another-horse-2"
    with pytest.raises(ClientError) as refused:
        pool.admin.respond_to_auth_challenge(ChallengeResponses=responses, **given)
    assert code(refused) == ("NotAuthorizedException", "Invalid session for the user.")


def test_wrong_passwords_are_limited(pool: Any) -> None:
    pool.user()
    said = set()
    for _ in range(8):
        with pytest.raises(ClientError) as refused:
            pool.sign_in(password="wrong")
        said.add(code(refused)[1])
    assert said == {"Incorrect username or password.", "Password attempts exceeded"}


@pytest.mark.kumoi_clock
def test_passwords_tried_at_once_are_limited_as_one_by_one(kumoi: KumoiAccount, pool: Any) -> None:
    pool.user()

    def said(_: int) -> str:
        with pytest.raises(ClientError) as refused:
            pool.sign_in(password="wrong")
        return code(refused)[1]

    kumoi._connection.ask("POST", "clock", {"action": "hold"})  # after a second one more may be tried
    try:
        with ThreadPoolExecutor(10) as threads:
            answers = list(threads.map(said, range(10)))
    finally:
        kumoi._connection.ask("POST", "clock", {"action": "release"})
    assert answers.count("Incorrect username or password.") == 5


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


def test_functions_have_their_say(kumoi: KumoiAccount, make_pool: MakePool, zipped: Zipped) -> None:
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
    pool = make_pool(kumoi, {"ExplicitAuthFlows": flows}, LambdaConfig=dict.fromkeys(names, function))
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
    with pytest.raises(ClientError) as refused:
        answer(begun["Session"], "2")  # a challenge that was answered is not guessed at again
    assert code(refused) == ("NotAuthorizedException", "Invalid session for the user.")
    begun = pool.public.initiate_auth(ClientId=pool.app, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": "ann"})
    assert "AccessToken" in answer(begun["Session"], "2")["AuthenticationResult"]

    # Nobody is asked and judged as a user is, where the client hides who there is; and is no user in the end.
    with pytest.raises(ClientError) as refused:
        pool.public.initiate_auth(ClientId=pool.app, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": "bob"})
    assert code(refused) == ("UserNotFoundException", "User does not exist.")
    hiding = {"ExplicitAuthFlows": flows, "PreventUserExistenceErrors": "ENABLED"}
    pool.app = pool.admin.create_user_pool_client(UserPoolId=pool.id, ClientName="hiding", **hiding)["UserPoolClient"][
        "ClientId"
    ]

    def told(name: str, *answers: str) -> list[Any]:
        begun = pool.public.initiate_auth(ClientId=pool.app, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": name})
        found: list[Any] = [{**begun["ChallengeParameters"], "USERNAME": ""}]
        sessions = [begun["Session"]]
        for text in answers:
            try:
                again = answer(sessions[-1], text)
                found.append({**again["ChallengeParameters"], "USERNAME": ""})
                sessions.append(again["Session"])
            except ClientError as error:
                found.append((error.response["Error"]["Code"], error.response["Error"]["Message"]))
        with pytest.raises(ClientError) as refused:
            answer(sessions[0], "2")
        return [*found, code(refused)]

    assert told("bob", "3", "4") == told("ann", "3", "4")
    assert told("bob", "2")[1:] == [
        ("NotAuthorizedException", "Incorrect username or password."),
        ("NotAuthorizedException", "Invalid session for the user."),
    ]


@pytest.mark.parametrize(
    ("flow", "parameters", "error"),
    [
        ("USER_PASSWORD_AUTH", {"USERNAME": "none", "PASSWORD": PASSWORD}, "NotAuthorizedException"),
        ("USER_PASSWORD_AUTH", {"USERNAME": "ann"}, "InvalidParameterException"),
        ("USER_PASSWORD_AUTH", {}, "InvalidParameterException"),
        ("USER_SRP_AUTH", {"USERNAME": "ann", "SRP_A": "0"}, "InvalidParameterException"),
        ("USER_SRP_AUTH", {"USERNAME": "ann", "SRP_A": "-5"}, "InvalidParameterException"),
        ("REFRESH_TOKEN_AUTH", {"REFRESH_TOKEN": "nonsense"}, "NotAuthorizedException"),
        ("CUSTOM_AUTH", {"USERNAME": "ann"}, "InvalidParameterException"),
        ("ADMIN_NO_SRP_AUTH", {"USERNAME": "ann", "PASSWORD": PASSWORD}, "InvalidParameterException"),
        ("USER_AUTH", {"USERNAME": "ann"}, "InvalidParameterException"),
    ],
)
def test_what_does_not_sign_in(
    kumoi: KumoiAccount, make_pool: MakePool, flow: str, parameters: dict[str, str], error: str
) -> None:
    pool = make_pool(kumoi, {"PreventUserExistenceErrors": "ENABLED"})
    pool.user()
    with pytest.raises(ClientError) as refused:
        pool.public.initiate_auth(ClientId=pool.app, AuthFlow=flow, AuthParameters=parameters)
    assert code(refused)[0] == error


def test_what_is_no_token_of_this_client_and_kind_opens_nothing(pool: Any) -> None:
    pool.user()
    tokens = pool.sign_in()
    head, claims, signature = tokens["AccessToken"].split(".")
    forged = f"{head}.{claims}.{signature[:-8]}AAAAAAAA"
    for token in (tokens["IdToken"], forged):
        with pytest.raises(ClientError) as refused:
            pool.admin.get_user(AccessToken=token)
        assert code(refused) == ("NotAuthorizedException", "Invalid Access Token")
    other = pool.admin.create_user_pool_client(UserPoolId=pool.id, ClientName="other", ExplicitAuthFlows=FLOWS)
    with pytest.raises(ClientError) as refused:
        pool.admin.initiate_auth(
            ClientId=other["UserPoolClient"]["ClientId"],
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
        )
    assert code(refused) == ("NotAuthorizedException", "Invalid Refresh Token")


@pytest.mark.kumoi_clock
def test_tokens_and_sessions_end(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi)
    pool.user()
    token = pool.sign_in()["AccessToken"]
    pool.admin.admin_create_user(UserPoolId=pool.id, Username="bob", TemporaryPassword="Temporary-1")
    parameters = {"USERNAME": "bob", "PASSWORD": "Temporary-1"}
    begun = pool.admin.initiate_auth(ClientId=pool.app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    kumoi.advance("61m")
    with pytest.raises(ClientError) as refused:
        pool.admin.get_user(AccessToken=token)
    assert code(refused) == ("NotAuthorizedException", "Access Token has expired")
    with pytest.raises(ClientError) as refused:
        pool.admin.respond_to_auth_challenge(
            ClientId=pool.app,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=begun["Session"],
            ChallengeResponses={"USERNAME": "bob", "NEW_PASSWORD": PASSWORD},
        )
    assert code(refused) == ("NotAuthorizedException", "Invalid session for the user, session is expired.")


@pytest.mark.kumoi_clock
def test_keys_are_rotated_and_published_ahead(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi)
    pool.user()

    def key_of(token: str) -> str:
        return str(jwt.read(token).header["kid"])

    first = key_of(pool.sign_in()["IdToken"])
    before = {key["kid"] for key in pool.public_keys()}
    kumoi.advance("90d")
    token = pool.sign_in()["AccessToken"]
    published = {key["kid"] for key in pool.public_keys()}
    assert (len(before), len(published)) == (2, 4) and key_of(token) in before < published
    kumoi.advance("23h50m")
    late = pool.sign_in()["AccessToken"]
    kumoi.advance("20m")
    fresh = pool.sign_in()["IdToken"]
    assert key_of(late) in before and key_of(fresh) in published - before
    assert pool.admin.get_user(AccessToken=late)["Username"] == "ann"
    kumoi.advance("90d")
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: pool.sign_in(), range(3)))
    left = {key["kid"] for key in pool.public_keys()}
    assert len(left) == 4 and first not in left


@pytest.mark.parametrize(
    ("made", "days", "signs", "from_"),
    [((0,), 0, 0, 0), ((0, 90), 90, 0, 0), ((0, 90), 91, 1, 0), ((0, 90), 92, 1, 1), ((0, 90, 180), 180, 1, 1)],
)
def test_which_keys_sign(made: tuple[int, ...], days: int, signs: int, from_: int) -> None:
    moments = [day * 86_400.0 for day in made]
    assert (signing(moments, days * 86_400.0), needed(moments, days * 86_400.0)) == (signs, from_)


def test_the_salt_of_nobody_is_the_same_each_time_and_nobody_can_tell_it(
    kumoi: KumoiAccount, make_pool: MakePool
) -> None:
    pool = make_pool(kumoi, {"PreventUserExistenceErrors": "ENABLED"})
    given = {"SRP_A": "ab" * 384}
    salts = {
        pool.public.initiate_auth(
            ClientId=pool.app, AuthFlow="USER_SRP_AUTH", AuthParameters={**given, "USERNAME": name}
        )["ChallengeParameters"]["SALT"]
        for name in ("nobody", "nobody", "Nobody")
    }
    assert len(salts) == 1
    assert salts != {hmac.digest(pool.id.encode(), b"nobody", hashlib.sha256)[:16].hex()}


def test_nobody_is_called_as_users_are(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi, {"PreventUserExistenceErrors": "ENABLED"}, UsernameAttributes=["email"])
    pool.user("ann@example.com")

    def offered(name: str) -> tuple[str, str]:
        answer = pool.public.initiate_auth(
            ClientId=pool.app, AuthFlow="USER_SRP_AUTH", AuthParameters={"USERNAME": name, "SRP_A": "ab" * 384}
        )["ChallengeParameters"]
        assert answer["USERNAME"] == answer["USER_ID_FOR_SRP"]
        return answer["USERNAME"], answer["SALT"]

    found = [offered(f"{number}@example.com") for number in range(24)]
    for name, salt in [offered("ann@example.com"), *found]:
        assert str(UUID(name, version=4)) == name
        assert salt == f"{int(salt, 16):x}"  # no zeros before it
    assert offered("0@example.com") == found[0] and len(set(found)) == 24


def test_a_challenge_is_answered_at_its_client(pool: Any) -> None:
    pool.user()
    pool.admin.admin_create_user(UserPoolId=pool.id, Username="bob", TemporaryPassword="Temporary-1")
    other = pool.admin.create_user_pool_client(UserPoolId=pool.id, ClientName="other", ExplicitAuthFlows=FLOWS)
    given = {"USERNAME": "bob", "PASSWORD": "Temporary-1"}
    begun = pool.admin.initiate_auth(ClientId=pool.app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
    changed = {"USERNAME": "bob", "NEW_PASSWORD": PASSWORD}
    srp = AWSSRP(username="ann", password=PASSWORD, pool_id=pool.id, client_id=pool.app, client=pool.admin)
    offer = srp.get_auth_params()
    asked = pool.admin.initiate_auth(ClientId=pool.app, AuthFlow="USER_SRP_AUTH", AuthParameters=offer)
    proof = srp.process_challenge(asked["ChallengeParameters"], offer)
    for name, session, responses in (
        ("NEW_PASSWORD_REQUIRED", {"Session": begun["Session"]}, changed),
        ("PASSWORD_VERIFIER", {}, proof),
    ):
        answer = {"ChallengeName": name, "ChallengeResponses": responses, **session}
        with pytest.raises(ClientError) as refused:
            pool.admin.respond_to_auth_challenge(ClientId=other["UserPoolClient"]["ClientId"], **answer)
        assert code(refused)[0] == "NotAuthorizedException"
        done = pool.admin.respond_to_auth_challenge(ClientId=pool.app, **answer)
        assert "AccessToken" in done["AuthenticationResult"]
