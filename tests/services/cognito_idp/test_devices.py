"""Devices: tracked, confirmed, remembered, in place of a second factor. pycognito is the device's half of SRP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP, generate_hash_device

PASSWORD = "Correct-horse-1"
ALWAYS = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}


def code(action: Callable[..., Any], **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action(**given)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


class Telephone:
    """A device of Ann's, and what it keeps."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.key = self.group = self.secret = ""

    def confirm(self, result: dict[str, Any]) -> Any:
        made = result["NewDeviceMetadata"]
        self.key, self.group = made["DeviceKey"], made["DeviceGroupKey"]
        self.secret, config = generate_hash_device(self.group, self.key)
        return self.pool.public.confirm_device(
            AccessToken=result["AccessToken"],
            DeviceKey=self.key,
            DeviceSecretVerifierConfig=config,
            DeviceName="telephone",
        )

    def sign_in(self, secret: str | None = None) -> Any:
        """By SRP, with its password and its device's secret."""
        return AWSSRP(
            username="ann",
            password=PASSWORD,
            pool_id=self.pool.id,
            client_id=self.pool.app,
            client=self.pool.public,
            device_key=self.key,
            device_group_key=self.group,
            device_password=self.secret if secret is None else secret,
        ).authenticate_user()

    def begin(self) -> Any:
        return self.pool.public.initiate_auth(
            ClientId=self.pool.app,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ann", "PASSWORD": PASSWORD, "DEVICE_KEY": self.key},
        )


@pytest.fixture
def make_telephone(kumoi: Any, make_pool: Any) -> Callable[[dict[str, bool] | None], Telephone]:
    def make(config: dict[str, bool] | None) -> Telephone:
        pool = make_pool(kumoi, {}, **({} if config is None else {"DeviceConfiguration": config}))
        pool.user(email="ann@example.com")
        return Telephone(pool)

    return make


def test_a_remembered_device_signs_in_by_its_secret(make_telephone: Any) -> None:
    telephone = make_telephone(ALWAYS)
    public = telephone.pool.public
    result = telephone.pool.sign_in()
    assert telephone.confirm(result)["UserConfirmationNecessary"] is False
    access = result["AccessToken"]
    assert code(public.confirm_device, AccessToken=access, DeviceKey=telephone.key)[0] == "DeviceKeyExistsException"
    (device,) = public.list_devices(AccessToken=access)["Devices"]
    attributes = {one["Name"]: one["Value"] for one in device["DeviceAttributes"]}
    assert device["DeviceKey"] == telephone.key
    assert (attributes["device_name"], attributes["dev:device_remembered_status"]) == ("telephone", "remembered")

    signed_in = telephone.sign_in()["AuthenticationResult"]
    assert "NewDeviceMetadata" not in signed_in
    assert code(telephone.sign_in, secret="another") == ("NotAuthorizedException", "Incorrect device.")
    refreshed = {"REFRESH_TOKEN": signed_in["RefreshToken"], "DEVICE_KEY": telephone.key}
    again = public.initiate_auth(ClientId=telephone.pool.app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=refreshed)
    assert public.get_device(AccessToken=again["AuthenticationResult"]["AccessToken"], DeviceKey=telephone.key)
    for wrong in ({"DEVICE_KEY": "us-east-1_0"}, {}):
        given = {"REFRESH_TOKEN": signed_in["RefreshToken"], **wrong}
        assert code(
            public.initiate_auth, ClientId=telephone.pool.app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=given
        ) == ("NotAuthorizedException", "Invalid Refresh Token")
    client = {"ClientId": telephone.pool.app, "RefreshToken": signed_in["RefreshToken"]}
    assert public.get_tokens_from_refresh_token(**client, DeviceKey=telephone.key)
    assert code(public.get_tokens_from_refresh_token, **client)[1] == "Invalid Refresh Token"

    public.forget_device(AccessToken=access, DeviceKey=telephone.key)
    assert code(public.get_tokens_from_refresh_token, **client, DeviceKey=telephone.key)[1] == "Invalid Refresh Token"
    assert code(telephone.begin) == ("ResourceNotFoundException", "Device does not exist.")
    assert code(public.get_device, AccessToken=access, DeviceKey=telephone.key)[0] == "ResourceNotFoundException"
    assert code(public.get_device, DeviceKey=telephone.key)[0] == "InvalidParameterException"


def test_a_secret_counts_only_behind_the_password(make_telephone: Any) -> None:
    telephone = make_telephone(ALWAYS)
    telephone.confirm(telephone.pool.sign_in())
    srp = AWSSRP(
        username="ann",
        password=PASSWORD,
        pool_id=telephone.pool.id,
        client_id=telephone.pool.app,
        client=telephone.pool.public,
        device_key=telephone.key,
        device_group_key=telephone.group,
        device_password=telephone.secret,
    )

    def first(session: str | None = None) -> Any:
        given = {"USERNAME": "ann", "DEVICE_KEY": telephone.key, "SRP_A": f"{srp.large_a_value:x}"}
        return telephone.pool.public.respond_to_auth_challenge(
            ClientId=telephone.pool.app,
            ChallengeName="DEVICE_SRP_AUTH",
            ChallengeResponses=given,
            **({} if session is None else {"Session": session}),
        )

    def second(asked: Any) -> Any:
        return telephone.pool.public.respond_to_auth_challenge(
            ClientId=telephone.pool.app,
            ChallengeName="DEVICE_PASSWORD_VERIFIER",
            ChallengeResponses=srp.process_device_challenge(asked["ChallengeParameters"]),
        )

    assert code(first) == ("NotAuthorizedException", "Invalid session for the user.")
    begun = telephone.begin()
    assert begun["ChallengeName"] == "DEVICE_SRP_AUTH"
    asked = first(begun["Session"])
    assert "AccessToken" in second(asked)["AuthenticationResult"]
    assert code(second, asked=asked) == ("NotAuthorizedException", "Invalid session for the user.")


@pytest.mark.parametrize("spared", [True, False])
def test_a_remembered_device_stands_in_for_a_second_factor(make_telephone: Any, spared: bool) -> None:
    config = {"ChallengeRequiredOnNewDevice": spared, "DeviceOnlyRememberedOnUserPrompt": True}
    telephone = make_telephone(config)
    pool = telephone.pool
    mail = {"Message": "{####}", "Subject": "code"}
    pool.admin.set_user_pool_mfa_config(UserPoolId=pool.id, MfaConfiguration="OPTIONAL", EmailMfaConfiguration=mail)
    result = pool.sign_in()
    access = result["AccessToken"]
    assert telephone.confirm(result)["UserConfirmationNecessary"] is True
    pool.public.set_user_mfa_preference(AccessToken=access, EmailMfaSettings={"Enabled": True})
    assert telephone.begin()["ChallengeName"] == "EMAIL_OTP"  # it is known, and not remembered
    pool.public.update_device_status(AccessToken=access, DeviceKey=telephone.key, DeviceRememberedStatus="remembered")
    asked = telephone.begin()
    assert asked["ChallengeName"] == ("DEVICE_SRP_AUTH" if spared else "EMAIL_OTP")
    if not spared:  # the session knows the device
        done = pool.public.respond_to_auth_challenge(
            ClientId=pool.app,
            ChallengeName="EMAIL_OTP",
            Session=asked["Session"],
            ChallengeResponses={"USERNAME": "ann", "EMAIL_OTP_CODE": pool.code()},
        )
        assert "NewDeviceMetadata" not in done["AuthenticationResult"]


def test_administrators_see_and_forget_devices(make_telephone: Any) -> None:
    telephone = make_telephone(ALWAYS)
    telephone.confirm(telephone.pool.sign_in())
    admin, given = telephone.pool.admin, {"UserPoolId": telephone.pool.id, "Username": "ann"}
    (device,) = admin.admin_list_devices(**given)["Devices"]
    one = {**given, "DeviceKey": device["DeviceKey"]}
    admin.admin_update_device_status(**one, DeviceRememberedStatus="not_remembered")
    told = admin.admin_get_device(**one)["Device"]["DeviceAttributes"]
    assert {"Name": "dev:device_remembered_status", "Value": "not_remembered"} in told
    assert "AccessToken" in telephone.begin()["AuthenticationResult"]
    admin.admin_forget_device(**one)
    assert admin.admin_list_devices(**given)["Devices"] == []
    assert code(admin.admin_forget_device, **one)[0] == "ResourceNotFoundException"


def test_what_is_not_confirmed(make_telephone: Any) -> None:
    untracked = make_telephone(None)
    result = untracked.pool.sign_in()
    assert "NewDeviceMetadata" not in result
    given = {"AccessToken": result["AccessToken"], "DeviceKey": "us-east-1_0"}
    assert code(untracked.pool.public.confirm_device, **given)[0] == "InvalidUserPoolConfigurationException"

    telephone = make_telephone(ALWAYS)
    result = telephone.pool.sign_in()
    given = {"AccessToken": result["AccessToken"], "DeviceKey": "us-east-1_0"}
    assert code(telephone.pool.public.confirm_device, **given) == (
        "InvalidParameterException", "Invalid device key given."
    )  # fmt: skip
    given["DeviceKey"] = result["NewDeviceMetadata"]["DeviceKey"]
    for config in ({"Salt": "%", "PasswordVerifier": "AQ=="}, {"Salt": "AQ==", "PasswordVerifier": "AA=="}, {}):
        refused = code(telephone.pool.public.confirm_device, DeviceSecretVerifierConfig=config, **given)
        assert refused[0] == "InvalidParameterException"
