"""Signing up: whoever wants to be a user, and the code that confirms them."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cognito_idp import changes, cognito_idp
from kumoi.services.cognito_idp.errors import expired_code, invalid, no_user, not_authorized
from kumoi.services.cognito_idp.lookup import Scene, hides_users, key_of, maybe_user, proved
from kumoi.services.cognito_idp.messages import check_code, pretended, send_code
from kumoi.services.cognito_idp.policies import (
    NEEDS_VERIFYING,
    check_password,
    check_required,
    first_factors,
    own_attributes,
    to_verify,
)
from kumoi.services.cognito_idp.records import User
from kumoi.services.cognito_idp.sessions import CONFIRMED, SIGNED_UP, challenge, client_in, opened
from kumoi.services.cognito_idp.triggers import attributes_for, trigger


@cognito_idp.operation
async def sign_up(
    call: Call,
    ClientId: str,
    Username: str,
    Password: str | None = None,
    SecretHash: str | None = None,
    UserAttributes: list[dict[str, str]] | None = None,
    ValidationData: list[dict[str, str]] | None = None,
    AnalyticsMetadata: dict[str, Any] | None = None,
    UserContextData: dict[str, Any] | None = None,
    ClientMetadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Become a user; a code goes to the address that the pool verifies, unless a function confirms at once."""
    scene = await proved(call, ClientId, Username, SecretHash)
    pool = scene.pool
    if (pool.definition.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
        raise not_authorized("SignUp is not permitted for this user pool")
    if Password is not None:
        check_password(pool, Password)
    elif not {"EMAIL_OTP", "SMS_OTP"} & set(first_factors(pool)):
        raise invalid("Missing required parameter Password")
    attributes = own_attributes(pool, client_in(scene), UserAttributes)
    user = await new_user(call, scene, Username, attributes, status="UNCONFIRMED", password=Password)
    check_required(pool, user.attributes)
    answer = await trigger(
        call,
        scene,
        "PreSignUp",
        "PreSignUp_SignUp",
        user.name,
        {
            "userAttributes": user.attributes,
            "validationData": {one["Name"]: one.get("Value", "") for one in ValidationData or ()},
            "clientMetadata": ClientMetadata or {},
        },
        {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    )
    user = approved(user, answer or {})
    await changes.add(scene.state, pool, user)
    result: dict[str, Any] = {"UserConfirmed": user.status == "CONFIRMED", "UserSub": user.sub}
    if user.status == "CONFIRMED":
        await confirmed(call, scene, user)
    elif (attribute := to_verify(pool, user)) is not None:
        result["CodeDeliveryDetails"] = await send_code(call, scene, user, "sign-up", attribute, "CustomMessage_SignUp")
    if "ALLOW_USER_AUTH" in (client_in(scene).definition.get("ExplicitAuthFlows") or ()):
        kind = CONFIRMED if user.status == "CONFIRMED" else SIGNED_UP
        result["Session"] = challenge(call, scene, kind, user, {}, {})["Session"]
    return result


@cognito_idp.operation
async def confirm_sign_up(
    call: Call,
    ClientId: str,
    Username: str,
    ConfirmationCode: str,
    SecretHash: str | None = None,
    ForceAliasCreation: bool = False,
    AnalyticsMetadata: dict[str, Any] | None = None,
    UserContextData: dict[str, Any] | None = None,
    ClientMetadata: dict[str, str] | None = None,
    Session: str | None = None,
) -> dict[str, Any]:
    """Confirm a user by the code that they were sent."""
    scene = await proved(call, ClientId, Username, SecretHash)
    user = await maybe_user(scene.state, scene.pool, Username)
    if user is None:
        raise expired_code() if hides_users(client_in(scene)) else no_user()
    if user.status != "UNCONFIRMED":
        raise not_authorized(f"User cannot be confirmed. Current status is {user.status}")
    if Session is not None and opened(call, scene, Session, SIGNED_UP)["sub"] != user.sub:
        raise not_authorized("Invalid session for the user.")
    await check_code(scene, user, "sign-up", ConfirmationCode)
    attribute = to_verify(scene.pool, user)
    verified = {} if attribute is None else {NEEDS_VERIFYING[attribute]: "true"}
    wanted = {"status": "CONFIRMED", "attributes": {**user.attributes, **verified}}
    user = await changes.change(scene.state, scene.pool, user.key, wanted, take_over=ForceAliasCreation)
    await confirmed(call, scene, user)
    return {} if Session is None else {"Session": challenge(call, scene, CONFIRMED, user, {}, {})["Session"]}


@cognito_idp.operation
async def resend_confirmation_code(
    call: Call,
    ClientId: str,
    Username: str,
    SecretHash: str | None = None,
    UserContextData: dict[str, Any] | None = None,
    AnalyticsMetadata: dict[str, Any] | None = None,
    ClientMetadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Send another code; the one before counts no more."""
    scene = await proved(call, ClientId, Username, SecretHash)
    user = await maybe_user(scene.state, scene.pool, Username)
    if user is None:
        if hides_users(client_in(scene)):
            return {"CodeDeliveryDetails": pretended(Username)}
        raise no_user()
    if user.status != "UNCONFIRMED":
        raise invalid("User is already confirmed.")
    attribute = to_verify(scene.pool, user)
    if attribute is None:
        raise invalid("Cannot resend codes. Auto verification not turned on.")
    return {"CodeDeliveryDetails": await send_code(call, scene, user, "sign-up", attribute, "CustomMessage_ResendCode")}


async def new_user(
    call: Call, scene: Scene, username: str, attributes: dict[str, str], *, status: Any, password: str | None
) -> User:
    """A user who is not stored yet; one without a password signs in by codes.

    Where e-mail addresses stand in for names, the name is the sub.
    """
    pool, sub = scene.pool, uuid()
    name = username if pool.case_sensitive else username.lower()
    stand_ins = pool.definition.get("UsernameAttributes") or ()
    if stand_ins:
        attribute = "email" if "@" in username else "phone_number"
        if attribute not in stand_ins:
            raise invalid(f"Username should be {'an email' if 'email' in stand_ins else 'a phone number'}.")
        attributes = {**attributes, attribute: username}
        name = sub
    elif "email" in (pool.definition.get("AliasAttributes") or ()) and "@" in username:
        raise invalid("Username cannot be of email format, since user pool is configured for email alias.")
    secret = {} if password is None else await changes.verifier_of(pool, name, password)
    return User(
        pool=pool.id,
        key=key_of(pool, name),
        name=name,
        sub=sub,
        created=call.now,
        modified=call.now,
        status=status,
        attributes=attributes,
        **secret,
    )


def approved(user: User, answer: dict[str, Any]) -> User:
    """A user as the pool's function has it: confirmed, addresses verified."""
    attributes = dict(user.attributes)
    for member, name in (("autoVerifyEmail", "email"), ("autoVerifyPhone", "phone_number")):
        if answer.get(member) and attributes.get(name):
            attributes[NEEDS_VERIFYING[name]] = "true"
    status = "CONFIRMED" if answer.get("autoConfirmUser") else user.status
    return msgspec.structs.replace(user, attributes=attributes, status=status)


async def confirmed(call: Call, scene: Scene, user: User) -> None:
    """Tell the pool's function of a user who was confirmed."""
    request = {"userAttributes": attributes_for(user), "clientMetadata": {}}
    await trigger(call, scene, "PostConfirmation", "PostConfirmation_ConfirmSignUp", user.name, request, {})
