"""USER_AUTH: users choose among passwords and codes; those who sign up sign in at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP

PASSWORD = "Correct-horse-1"
FLOWS = ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
ALL = ["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "SMS_OTP"]


def code(action: Callable[..., Any], *args: Any, **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action(*args, **given)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


class People:
    """A pool that lets its users choose, and short ways through its challenges."""

    def __init__(self, source: Any, make_pool: Any, *factors: str, **client: Any) -> None:
        policies = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", *factors]}}
        options = {"ExplicitAuthFlows": FLOWS, **client}
        self.pool = make_pool(source, options, Policies=policies)
        self.public = self.pool.public

    def ann(self, **more: str) -> None:
        self.pool.user(email="ann@example.com", email_verified="true", **more)

    def begin(self, name: str = "ann", session: str | None = None, **given: str) -> Any:
        return self.public.initiate_auth(
            ClientId=self.pool.app,
            AuthFlow="USER_AUTH",
            AuthParameters={"USERNAME": name, **given},
            **({} if session is None else {"Session": session}),
        )

    def respond(self, asked: Any, name: str = "ann", **given: str) -> Any:
        return self.public.respond_to_auth_challenge(
            ClientId=self.pool.app,
            ChallengeName=asked["ChallengeName"],
            Session=asked["Session"],
            ChallengeResponses={"USERNAME": name, **given},
        )


def test_a_user_chooses(kumoi: Any, make_pool: Any) -> None:
    people = People(kumoi, make_pool, "EMAIL_OTP", "SMS_OTP")
    people.ann(phone_number="+15550100", phone_number_verified="true")
    described = people.pool.admin.describe_user_pool(UserPoolId=people.pool.id)["UserPool"]["Policies"]
    assert described["SignInPolicy"]["AllowedFirstAuthFactors"] == ["PASSWORD", "EMAIL_OTP", "SMS_OTP"]
    asked = people.begin()
    assert (asked["ChallengeName"], asked["AvailableChallenges"]) == ("SELECT_CHALLENGE", ALL)
    assert "AccessToken" in people.respond(asked, ANSWER="PASSWORD", PASSWORD=PASSWORD)["AuthenticationResult"]
    assert code(people.respond, asked, ANSWER="PASSWORD", PASSWORD="wrong")[0] == "NotAuthorizedException"
    assert code(people.respond, asked, ANSWER="WEB_AUTHN")[0] == "InvalidParameterException"
    sent = people.respond(asked, ANSWER="EMAIL_OTP")
    assert (sent["ChallengeName"], sent["ChallengeParameters"]) == (
        "EMAIL_OTP",
        {"CODE_DELIVERY_DESTINATION": "a***@e***", "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL"},
    )
    assert code(people.respond, sent, EMAIL_OTP_CODE="nonsense")[0] == "CodeMismatchException"
    tokens = people.respond(sent, EMAIL_OTP_CODE=people.pool.code())["AuthenticationResult"]
    assert code(people.respond, sent, EMAIL_OTP_CODE=people.pool.code())[0] == "ExpiredCodeException"
    factors = people.public.get_user_auth_factors(AccessToken=tokens["AccessToken"])
    assert factors["ConfiguredUserAuthFactors"] == ["PASSWORD", "EMAIL_OTP", "SMS_OTP"]
    assert people.pool.admin.admin_get_user_auth_factors(UserPoolId=people.pool.id, Username="ann")["Username"] == "ann"


def test_a_client_prefers(kumoi: Any, make_pool: Any) -> None:
    people = People(kumoi, make_pool, "SMS_OTP")
    people.ann(phone_number="+15550100", phone_number_verified="true")
    assert "AuthenticationResult" in people.begin(PREFERRED_CHALLENGE="PASSWORD", PASSWORD=PASSWORD)
    assert code(people.begin, PREFERRED_CHALLENGE="PASSWORD")[0] == "InvalidParameterException"
    sent = people.begin(PREFERRED_CHALLENGE="SMS_OTP")
    assert sent["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "+*******0100"
    assert "AccessToken" in people.respond(sent, SMS_OTP_CODE=people.pool.code())["AuthenticationResult"]
    assert people.begin(PREFERRED_CHALLENGE="EMAIL_OTP")["ChallengeName"] == "SELECT_CHALLENGE"
    srp = AWSSRP(
        username="ann", password=PASSWORD, pool_id=people.pool.id, client_id=people.pool.app, client=people.public
    )
    given = {"USERNAME": "ann", "SRP_A": f"{srp.large_a_value:x}"}
    asked = people.begin(PREFERRED_CHALLENGE="PASSWORD_SRP", SRP_A=given["SRP_A"])
    done = people.public.respond_to_auth_challenge(
        ClientId=people.pool.app,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses=srp.process_challenge(asked["ChallengeParameters"], given),
    )
    assert "AccessToken" in done["AuthenticationResult"]


def test_who_has_a_second_factor_begins_with_the_password(kumoi: Any, make_pool: Any) -> None:
    people = People(kumoi, make_pool, "EMAIL_OTP")
    people.ann()
    sent = people.begin(PREFERRED_CHALLENGE="EMAIL_OTP")
    people.pool.admin.set_user_pool_mfa_config(
        UserPoolId=people.pool.id,
        MfaConfiguration="OPTIONAL",
        EmailMfaConfiguration={"Message": "{####}", "Subject": "code"},
    )
    people.pool.admin.admin_set_user_mfa_preference(
        UserPoolId=people.pool.id, Username="ann", EmailMfaSettings={"Enabled": True}
    )
    asked = people.begin(PREFERRED_CHALLENGE="EMAIL_OTP")
    assert (asked["ChallengeName"], asked["AvailableChallenges"]) == ("SELECT_CHALLENGE", ["PASSWORD", "PASSWORD_SRP"])
    first = people.pool.code()
    second = people.respond(asked, ANSWER="PASSWORD", PASSWORD=PASSWORD)
    assert second["ChallengeName"] == "EMAIL_OTP"
    third = people.respond(sent, EMAIL_OTP_CODE=first)  # one code was right, and the other one is asked for
    assert third["ChallengeName"] == "EMAIL_OTP"
    assert "AccessToken" in people.respond(third, EMAIL_OTP_CODE=people.pool.code())["AuthenticationResult"]


@pytest.mark.parametrize("hidden", [True, False])
def test_nobody_is_offered_what_there_is(kumoi: Any, make_pool: Any, hidden: bool) -> None:
    hides = "ENABLED" if hidden else "LEGACY"
    people = People(kumoi, make_pool, "EMAIL_OTP", "SMS_OTP", PreventUserExistenceErrors=hides)
    if not hidden:
        assert code(people.begin, "nobody")[0] == "UserNotFoundException"
        return
    asked = people.begin("nobody")
    assert asked["AvailableChallenges"] == ALL
    assert code(people.respond, asked, "nobody", ANSWER="PASSWORD", PASSWORD=PASSWORD) == (
        "NotAuthorizedException", "Incorrect username or password."
    )  # fmt: skip
    sent = people.respond(asked, "nobody", ANSWER="EMAIL_OTP")
    assert sent["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "n***@e***"
    assert code(people.respond, sent, "nobody", EMAIL_OTP_CODE="123456")[0] == "CodeMismatchException"
    texted = [people.respond(asked, "nobody", ANSWER="SMS_OTP")["ChallengeParameters"] for _ in range(2)]
    assert texted[0] == texted[1] and texted[0]["CODE_DELIVERY_DELIVERY_MEDIUM"] == "SMS"
    assert re.fullmatch(r"\+\*{7}\d{4}", texted[0]["CODE_DELIVERY_DESTINATION"])


def test_who_signs_up_without_a_password_signs_in_at_once(kumoi: Any, make_pool: Any) -> None:
    people = People(kumoi, make_pool, "EMAIL_OTP")
    attributes = [{"Name": "email", "Value": "new@example.com"}]
    made = people.public.sign_up(ClientId=people.pool.app, Username="new", UserAttributes=attributes)
    given = {"ClientId": people.pool.app, "Username": "new", "ConfirmationCode": people.pool.code()}
    assert code(people.begin, "new", made["Session"])[0] == "NotAuthorizedException"
    done = people.public.confirm_sign_up(**given, Session=made["Session"])
    assert "AccessToken" in people.begin("new", done["Session"])["AuthenticationResult"]
    assert code(people.begin, "new", done["Session"])[0] == "NotAuthorizedException"
    assert people.begin("new")["AvailableChallenges"] == ["EMAIL_OTP"]
    only_passwords = People(kumoi, make_pool)
    assert code(only_passwords.public.sign_up, ClientId=only_passwords.pool.app, Username="new")[0] == (
        "InvalidParameterException"
    )


def test_a_session_is_not_of_who_gets_the_name_later(kumoi: Any, make_pool: Any) -> None:
    people = People(kumoi, make_pool, "EMAIL_OTP")
    attributes = [{"Name": "email", "Value": "ann@example.com"}]
    made = people.public.sign_up(ClientId=people.pool.app, Username="ann", UserAttributes=attributes)
    given = {"ClientId": people.pool.app, "Username": "ann", "ConfirmationCode": people.pool.code()}
    done = people.public.confirm_sign_up(**given, Session=made["Session"])
    people.pool.admin.admin_delete_user(UserPoolId=people.pool.id, Username="ann")
    people.ann()
    assert code(people.begin, "ann", done["Session"]) == ("NotAuthorizedException", "Invalid session for the user.")
