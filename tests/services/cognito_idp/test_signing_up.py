"""boto3 and people who become users: codes, addresses, what of their account is theirs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.pytest_plugin import KumoiAccount

PASSWORD = "Correct-horse-1"
MakePool = Callable[..., Any]


def code(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = refused.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def test_somebody_signs_up_confirms_and_signs_in(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi, {})
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


def test_a_forgotten_password_is_found_again(pool: Any) -> None:
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


def test_users_sign_in_with_their_address(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi, {}, UsernameAttributes=["email"])
    made = pool.public.sign_up(ClientId=pool.app, Username="Ann@Example.com", Password=PASSWORD)
    pool.public.confirm_sign_up(ClientId=pool.app, Username="ann@example.com", ConfirmationCode=pool.code())
    tokens = pool.sign_in("ann@example.com")
    assert pool.public.get_user(AccessToken=tokens["AccessToken"])["Username"] == made["UserSub"]
    with pytest.raises(ClientError) as refused:
        pool.public.sign_up(ClientId=pool.app, Username="ann@example.com", Password=PASSWORD)
    assert code(refused)[0] == "UsernameExistsException"


def _sign_up(pool: Any, name: str, **attributes: str) -> None:
    given = [{"Name": key, "Value": value} for key, value in attributes.items()]
    pool.public.sign_up(ClientId=pool.app, Username=name, Password=PASSWORD, UserAttributes=given)


def test_an_address_is_nobodys_name_before_it_is_verified(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi, {}, AliasAttributes=["email"])
    _sign_up(pool, "eve", email="ann@example.com")
    eve = pool.code()
    _sign_up(pool, "ann", email="ann@example.com")
    pool.public.confirm_sign_up(ClientId=pool.app, Username="ann", ConfirmationCode=pool.code())
    me = pool.public.get_user(AccessToken=pool.sign_in("ann@example.com")["AccessToken"])
    assert me["Username"] == "ann"
    with pytest.raises(ClientError) as refused:
        pool.public.confirm_sign_up(ClientId=pool.app, Username="eve", ConfirmationCode=eve)
    assert code(refused)[0] == "AliasExistsException"


def test_an_alias_is_taken_over_where_that_is_wanted(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi, {}, AliasAttributes=["email"])
    pool.user("old", email="ann@example.com", email_verified="true")
    _sign_up(pool, "new", email="ann@example.com")
    pool.public.confirm_sign_up(
        ClientId=pool.app, Username="new", ConfirmationCode=pool.code(), ForceAliasCreation=True
    )
    me = pool.public.get_user(AccessToken=pool.sign_in("ann@example.com")["AccessToken"])
    assert me["Username"] == "new"


def test_nobody_says_of_themselves_that_an_address_is_verified(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi, {})
    with pytest.raises(ClientError) as refused:
        _sign_up(pool, "eve", email="ann@example.com", email_verified="true")
    unauthorized = ("NotAuthorizedException", "A client attempted to write unauthorized attribute email_verified")
    assert code(refused) == unauthorized
    pool.user(email="ann@example.com")
    token = pool.sign_in()["AccessToken"]
    given = [{"Name": "email_verified", "Value": "true"}]
    with pytest.raises(ClientError) as refused:
        pool.public.update_user_attributes(AccessToken=token, UserAttributes=given)
    assert code(refused) == unauthorized
    with pytest.raises(ClientError) as refused:
        pool.public.delete_user_attributes(AccessToken=token, UserAttributeNames=["email_verified"])
    assert code(refused) == unauthorized


def test_a_client_reads_and_writes_what_it_may(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi, {"ReadAttributes": ["email"], "WriteAttributes": ["email", "nickname"]})
    unauthorized = ("NotAuthorizedException", "A client attempted to write unauthorized attribute gender")
    with pytest.raises(ClientError) as refused:
        _sign_up(pool, "eve", email="eve@example.com", gender="x")
    assert code(refused) == unauthorized
    pool.user(email="ann@example.com", gender="x")
    tokens = pool.sign_in()
    given = [{"Name": "nickname", "Value": "Annie"}]
    pool.public.update_user_attributes(AccessToken=tokens["AccessToken"], UserAttributes=given)
    with pytest.raises(ClientError) as refused:
        pool.public.delete_user_attributes(AccessToken=tokens["AccessToken"], UserAttributeNames=["gender"])
    assert code(refused) == unauthorized
    told = pool.public.get_user(AccessToken=tokens["AccessToken"])["UserAttributes"]
    assert {one["Name"] for one in told} == {"email", "sub"}
    claims = json.loads(base64.urlsafe_b64decode(tokens["IdToken"].split(".")[1] + "=="))
    assert claims["email"] == "ann@example.com" and "gender" not in claims


def test_the_code_for_one_address_verifies_no_other(pool: Any) -> None:
    pool.user(phone_number="+15550001")
    token = pool.sign_in()["AccessToken"]
    pool.admin.get_user_attribute_verification_code(AccessToken=token, AttributeName="phone_number")
    sent = pool.code()
    other = [{"Name": "phone_number", "Value": "+15550002"}]
    pool.admin.update_user_attributes(AccessToken=token, UserAttributes=other)
    with pytest.raises(ClientError) as refused:
        pool.admin.verify_user_attribute(AccessToken=token, AttributeName="phone_number", Code=sent)
    assert code(refused)[0] == "ExpiredCodeException"


def test_guesses_of_a_code_are_counted_when_they_come_together(pool: Any) -> None:
    pool.user(email="ann@example.com", email_verified="true")
    pool.admin.forgot_password(ClientId=pool.app, Username="ann")

    def guess(_: int) -> str:
        with pytest.raises(ClientError) as refused:
            pool.admin.confirm_forgot_password(
                ClientId=pool.app, Username="ann", ConfirmationCode="nonsense", Password=PASSWORD
            )
        return code(refused)[0]

    with ThreadPoolExecutor(8) as together:
        said = list(together.map(guess, range(16)))
    assert said.count("CodeMismatchException") == 5
    assert said.count("LimitExceededException") == 11


@pytest.mark.kumoi_clock
def test_another_code_gives_no_other_guesses(kumoi: KumoiAccount, make_pool: MakePool) -> None:
    pool = make_pool(kumoi)
    pool.user(email="ann@example.com", email_verified="true")

    def guess(value: str) -> str:
        with pytest.raises(ClientError) as refused:
            pool.admin.confirm_forgot_password(
                ClientId=pool.app, Username="ann", ConfirmationCode=value, Password=PASSWORD
            )
        return code(refused)[0]

    for _ in range(5):
        pool.admin.forgot_password(ClientId=pool.app, Username="ann")
        assert guess("nonsense") == "CodeMismatchException"
    pool.admin.forgot_password(ClientId=pool.app, Username="ann")
    assert guess(pool.code()) == "LimitExceededException"
    kumoi.advance("61m")
    pool.admin.forgot_password(ClientId=pool.app, Username="ann")
    assert guess("nonsense") == "CodeMismatchException"
    pool.admin.confirm_forgot_password(
        ClientId=pool.app, Username="ann", ConfirmationCode=pool.code(), Password=PASSWORD
    )


def test_another_address_gives_no_other_guesses(pool: Any) -> None:
    pool.user(email="ann@example.com")
    token = pool.sign_in()["AccessToken"]
    said = []
    for number in range(6):
        given = [{"Name": "email", "Value": f"other{number}@example.com"}]
        pool.admin.update_user_attributes(AccessToken=token, UserAttributes=given)
        with pytest.raises(ClientError) as refused:
            pool.admin.verify_user_attribute(AccessToken=token, AttributeName="email", Code="nonsense")
        said.append(code(refused)[0])
    assert said == ["CodeMismatchException"] * 5 + ["LimitExceededException"]


def test_a_forgotten_password_is_told_to_a_verified_address_only(pool: Any) -> None:
    pool.user(email="new@example.com", phone_number="+15550001", phone_number_verified="true")
    details = pool.admin.forgot_password(ClientId=pool.app, Username="ann")["CodeDeliveryDetails"]
    assert details["AttributeName"] == "phone_number"


@pytest.mark.parametrize("name", ["nobody", "idle", "unreachable"])
def test_a_client_that_hides_users_tells_nobody_from_those_without_an_address(
    kumoi: KumoiAccount, make_pool: MakePool, name: str
) -> None:
    pool = make_pool(kumoi, {"PreventUserExistenceErrors": "ENABLED"})
    pool.user("idle", email="idle@example.com", email_verified="true")
    pool.admin.admin_disable_user(UserPoolId=pool.id, Username="idle")
    pool.user("unreachable")
    sent = pool.public.forgot_password(ClientId=pool.app, Username=name)["CodeDeliveryDetails"]
    assert sent == {"Destination": f"{name[0]}***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}


def test_a_client_that_hides_users_confirms_and_sends_as_if_everybody_was_one(
    kumoi: KumoiAccount, make_pool: MakePool
) -> None:
    pool = make_pool(kumoi, {"PreventUserExistenceErrors": "ENABLED"})
    nobody = {"ClientId": pool.app, "Username": "nobody"}
    assert pool.public.resend_confirmation_code(**nobody)["CodeDeliveryDetails"]["Destination"] == "n***@e***"
    with pytest.raises(ClientError) as refused:
        pool.public.confirm_sign_up(**nobody, ConfirmationCode="123456")
    assert code(refused)[0] == "ExpiredCodeException"
    with pytest.raises(ClientError) as refused:
        pool.public.confirm_forgot_password(**nobody, ConfirmationCode="123456", Password=PASSWORD)
    assert code(refused)[0] == "CodeMismatchException"


def test_a_code_gives_a_disabled_user_no_other_password(pool: Any) -> None:
    pool.user(email="ann@example.com", email_verified="true")
    pool.admin.forgot_password(ClientId=pool.app, Username="ann")
    pool.admin.admin_disable_user(UserPoolId=pool.id, Username="ann")
    with pytest.raises(ClientError) as refused:
        pool.admin.confirm_forgot_password(
            ClientId=pool.app, Username="ann", ConfirmationCode=pool.code(), Password=PASSWORD
        )
    assert code(refused)[0] == "ExpiredCodeException"
