"""Second factors: an authenticator app's codes, codes by message, set up on the way, chosen, guessed."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.cognito_idp.factors import matching, totp

RFC_6238 = base64.b32encode(b"12345678901234567890").decode()
PASSWORD = "Correct-horse-1"


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    assert totp(RFC_6238, at) == code


@pytest.mark.parametrize(("late", "period"), [(0, 1), (30, 1), (-30, 1), (61, None), (-59, 1)])
def test_clocks_may_differ_by_a_period(late: int, period: int | None) -> None:
    assert matching(RFC_6238, "287082", 59 + late) == period


def code(action: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


class People:
    """A pool whose users have second factors; short ways through its challenges."""

    def __init__(self, source: Any, make_pool: Any, mode: str, **offered: Any) -> None:
        self.source = source
        self.pool = make_pool(source)
        self.pool.admin.set_user_pool_mfa_config(UserPoolId=self.pool.id, MfaConfiguration=mode, **offered)
        self.pool.user(email="ann@example.com", phone_number="+15550100", phone_number_verified="true")

    def begin(self) -> Any:
        parameters = {"USERNAME": "ann", "PASSWORD": PASSWORD}
        return self.pool.public.initiate_auth(
            ClientId=self.pool.app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )

    def respond(self, asked: Any, session: str | None = None, **given: str) -> Any:
        return self.pool.public.respond_to_auth_challenge(
            ClientId=self.pool.app,
            ChallengeName=asked["ChallengeName"],
            Session=session or asked["Session"],
            ChallengeResponses={"USERNAME": "ann", **given},
        )

    def shown(self, secret: str, later: float = 0) -> str:
        """What the app shows."""
        return totp(secret, self.source.now().timestamp() + later)


APP = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
TEXT = {"SmsMfaConfiguration": {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms"}}}
MAIL = {"EmailMfaConfiguration": {"Message": "{####}", "Subject": "code"}}


@pytest.mark.kumoi_clock
def test_an_app_is_set_up_and_asked_for(kumoi: Any, make_pool: Any) -> None:
    people = People(kumoi, make_pool, "OPTIONAL", **APP)
    access = people.begin()["AuthenticationResult"]["AccessToken"]
    public = people.pool.public
    setting = {"Enabled": True, "PreferredMfa": True}
    assert code(lambda: public.set_user_mfa_preference(AccessToken=access, SoftwareTokenMfaSettings=setting)) == (
        "InvalidParameterException", "User has not verified software token mfa"
    )  # fmt: skip
    secret = public.associate_software_token(AccessToken=access)["SecretCode"]
    assert code(lambda: public.verify_software_token(AccessToken=access, UserCode="000000"))[0] == (
        "EnableSoftwareTokenMFAException"
    )
    kumoi.advance(30 - kumoi.now().timestamp() % 30)  # a code is shown for half a minute: this is its beginning
    verified = public.verify_software_token(
        AccessToken=access, UserCode=people.shown(secret), FriendlyDeviceName="mine"
    )
    assert verified["Status"] == "SUCCESS"
    assert "AuthenticationResult" in people.begin()
    public.set_user_mfa_preference(AccessToken=access, SoftwareTokenMfaSettings=setting)
    told = public.get_user(AccessToken=access)
    assert (told["UserMFASettingList"], told["PreferredMfaSetting"]) == (["SOFTWARE_TOKEN_MFA"], "SOFTWARE_TOKEN_MFA")
    asked = people.begin()
    assert (asked["ChallengeName"], asked["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"]) == (
        "SOFTWARE_TOKEN_MFA", "mine"
    )  # fmt: skip
    assert (
        code(lambda: people.respond(asked, SOFTWARE_TOKEN_MFA_CODE=people.shown(secret)))[0] == "ExpiredCodeException"
    )
    assert code(lambda: people.respond(asked, SOFTWARE_TOKEN_MFA_CODE="000000")) == (
        "CodeMismatchException", "Code mismatch"
    )  # fmt: skip
    kumoi.advance(30)
    answer = people.respond(asked, SOFTWARE_TOKEN_MFA_CODE=people.shown(secret))
    assert "AccessToken" in answer["AuthenticationResult"]
    for pause in (0, 0, 0, 0, 0, 1.1, 2.1, 4.1, 8.1, 16.1):  # each wrong one after the fifth locks for twice as long
        kumoi.advance(pause)
        code(lambda: people.respond(asked, SOFTWARE_TOKEN_MFA_CODE="000000"))
    assert code(lambda: people.respond(asked, SOFTWARE_TOKEN_MFA_CODE=people.shown(secret)))[0] == (
        "NotAuthorizedException"
    )


def test_who_knows_the_password_does_not_guess_at_the_app_without_end(kumoi: Any, make_pool: Any) -> None:
    people = People(kumoi, make_pool, "OPTIONAL", **APP)
    public, access = people.pool.public, people.begin()["AuthenticationResult"]["AccessToken"]
    secret = public.associate_software_token(AccessToken=access)["SecretCode"]
    public.verify_software_token(AccessToken=access, UserCode=people.shown(secret))
    public.set_user_mfa_preference(AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True})

    def guess() -> str:
        return code(lambda: people.respond(people.begin(), SOFTWARE_TOKEN_MFA_CODE="000000"))[0]

    said = [guess() for _ in range(5)]
    assert said == ["CodeMismatchException"] * 5
    # Locked for a second now, then two, four: however slow this runs, a guess comes too early.
    assert any(guess() == "NotAuthorizedException" for _ in range(12))


@pytest.mark.kumoi_clock
def test_a_required_factor_is_set_up_on_the_way(kumoi: Any, make_pool: Any) -> None:
    people = People(kumoi, make_pool, "ON", **APP)
    asked = people.begin()
    assert (asked["ChallengeName"], asked["ChallengeParameters"]) == (
        "MFA_SETUP", {"MFAS_CAN_SETUP": '["SOFTWARE_TOKEN_MFA"]'}
    )  # fmt: skip
    assert code(lambda: people.respond(asked))[0] == "NotAuthorizedException"
    public = people.pool.public
    offered = public.associate_software_token(Session=asked["Session"])
    done = public.verify_software_token(Session=offered["Session"], UserCode=people.shown(offered["SecretCode"]))
    assert "AccessToken" in people.respond(asked, done["Session"])["AuthenticationResult"]
    assert code(lambda: people.respond(asked, done["Session"]))[0] == "NotAuthorizedException"
    assert people.begin()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert code(lambda: public.associate_software_token(Session="made.up." + "x" * 20))[0] == "NotAuthorizedException"
    for session in (asked["Session"], offered["Session"]):  # of before there was a factor: it does not bring another
        assert code(lambda given=session: public.associate_software_token(Session=given)) == (
            "NotAuthorizedException", "Invalid session for the user."
        )  # fmt: skip


def test_messages_bring_codes_and_users_choose(kumoi: Any, make_pool: Any) -> None:
    people = People(kumoi, make_pool, "OPTIONAL", **TEXT, **MAIL)
    on = {"Enabled": True}
    people.pool.admin.admin_set_user_mfa_preference(
        UserPoolId=people.pool.id, Username="ann", SMSMfaSettings=on, EmailMfaSettings=on
    )
    choice = people.begin()
    assert (choice["ChallengeName"], choice["ChallengeParameters"]["MFAS_CAN_CHOOSE"]) == (
        "SELECT_MFA_TYPE", '["SMS_MFA","EMAIL_OTP"]'
    )  # fmt: skip
    asked = people.respond(choice, ANSWER="EMAIL_OTP")
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DELIVERY_MEDIUM"] == "EMAIL"
    wrong = f"{(int(people.pool.code()) + 1) % 1_000_000:06}"
    assert code(lambda: people.respond(asked, EMAIL_OTP_CODE=wrong))[0] == "CodeMismatchException"
    right = people.pool.code()
    assert "AccessToken" in people.respond(asked, EMAIL_OTP_CODE=right)["AuthenticationResult"]
    assert code(lambda: people.respond(asked, EMAIL_OTP_CODE=right))[0] == "ExpiredCodeException"
    people.pool.admin.admin_set_user_mfa_preference(
        UserPoolId=people.pool.id, Username="ann", SMSMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    asked = people.begin()
    assert (asked["ChallengeName"], asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"]) == (
        "SMS_MFA", "+*******0100"
    )  # fmt: skip
    assert "AccessToken" in people.respond(asked, SMS_MFA_CODE=people.pool.code())["AuthenticationResult"]


def test_pools_say_what_they_offer(kumoi: Any, make_pool: Any) -> None:
    pool = make_pool(kumoi)
    assert pool.admin.get_user_pool_mfa_config(UserPoolId=pool.id)["MfaConfiguration"] == "OFF"
    assert code(lambda: pool.admin.set_user_pool_mfa_config(UserPoolId=pool.id, MfaConfiguration="ON"))[0] == (
        "InvalidParameterException"
    )
    pool.admin.set_user_pool_mfa_config(UserPoolId=pool.id, MfaConfiguration="OPTIONAL", **APP)
    found = pool.admin.get_user_pool_mfa_config(UserPoolId=pool.id)
    assert (found["MfaConfiguration"], found["SoftwareTokenMfaConfiguration"]) == ("OPTIONAL", {"Enabled": True})
    pool.admin.update_user_pool(UserPoolId=pool.id, MfaConfiguration="ON")
    found = pool.admin.get_user_pool_mfa_config(UserPoolId=pool.id)
    assert (found["MfaConfiguration"], found["SoftwareTokenMfaConfiguration"]) == ("ON", {"Enabled": True})
