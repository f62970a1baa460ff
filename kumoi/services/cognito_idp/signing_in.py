"""Signing in: the flows and challenges, the same for users and administrators.

Whoever proved who they are goes through `proceed`: a password to be changed first, or tokens. A client with
PreventUserExistenceErrors does not tell whether a user exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cognito_idp import changes, choice_flow, device_flow, devices, factors, passkeys
from kumoi.services.cognito_idp.custom_flow import custom, custom_answer
from kumoi.services.cognito_idp.errors import invalid, not_authorized
from kumoi.services.cognito_idp.issuing import issue
from kumoi.services.cognito_idp.lookup import Scene, check_secret, maybe_user
from kumoi.services.cognito_idp.password_flow import with_password
from kumoi.services.cognito_idp.policies import attributes_of, check_password, own_attributes
from kumoi.services.cognito_idp.records import User
from kumoi.services.cognito_idp.refreshing import by_refresh_token
from kumoi.services.cognito_idp.sessions import (
    CONFIRMED,
    Answer,
    challenge,
    check_open,
    client_in,
    opened,
    use_up,
    user_of,
)
from kumoi.services.cognito_idp.srp_flow import offered, verified
from kumoi.services.cognito_idp.triggers import attributes_for, trigger
from kumoi.wire.errors import AwsError, aws_error

_FLOWS = {
    "USER_PASSWORD_AUTH": "ALLOW_USER_PASSWORD_AUTH",
    "USER_SRP_AUTH": "ALLOW_USER_SRP_AUTH",
    "REFRESH_TOKEN_AUTH": "ALLOW_REFRESH_TOKEN_AUTH",
    "REFRESH_TOKEN": "ALLOW_REFRESH_TOKEN_AUTH",
    "CUSTOM_AUTH": "ALLOW_CUSTOM_AUTH",
    "USER_AUTH": "ALLOW_USER_AUTH",
    "ADMIN_NO_SRP_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ADMIN_USER_PASSWORD_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
}
_USUAL_FLOWS = ("ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")


async def initiate(
    call: Call,
    scene: Scene,
    flow: str,
    given: Mapping[str, str],
    metadata: Mapping[str, str],
    session: str | None = None,
) -> Answer:
    """Begin a flow: tokens, or a challenge. A `session` of ConfirmSignUp is as good as a first factor, once."""
    client = client_in(scene)
    allowed = client.definition.get("ExplicitAuthFlows") or _USUAL_FLOWS
    wanted = _FLOWS[flow]
    if wanted not in allowed and flow not in allowed:
        raise invalid(f"{flow} flow not enabled for this client")
    if wanted == "ALLOW_REFRESH_TOKEN_AUTH":
        return await by_refresh_token(call, scene, given)
    name = given.get("USERNAME")
    if not name:
        raise invalid("Missing required parameter USERNAME")
    check_secret(client, name, given.get("SECRET_HASH"))
    scene = replace(scene, device=given.get("DEVICE_KEY", ""))
    user = await maybe_user(scene.state, scene.pool, name)
    if user is None and flow in ("USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"):
        user = await _migrated(call, scene, name, given.get("PASSWORD", ""))
    await before_sign_in(call, scene, user, name, metadata)
    if flow == "USER_SRP_AUTH":
        return await offered(call, scene, user, name, given)
    if flow == "USER_AUTH" and session is not None:
        state = opened(call, scene, session, CONFIRMED)
        if user is None or state["sub"] != user.sub:
            raise not_authorized("Invalid session for the user.")
        return await proceed(call, scene, await use_up(scene.state, client_in(scene), state), metadata)
    if flow == "USER_AUTH":
        return await _or_tokens(call, scene, await choice_flow.begin(call, scene, user, name, given), metadata)
    if flow == "CUSTOM_AUTH":
        return await _or_tokens(call, scene, await custom(call, scene, user, name, [], metadata), metadata)
    password = given.get("PASSWORD")
    if not password:
        raise invalid("Missing required parameter PASSWORD")
    found = await with_password(call, scene, user, password)
    return await proceed(call, scene, found, metadata)


async def authenticated(call: Call, scene: Scene, name: str, password: str) -> User:
    """The user of a name and a password, as the sign-in page asks for them; NotAuthorizedException."""
    user = await maybe_user(scene.state, scene.pool, name)
    if user is None:
        user = await _migrated(call, scene, name, password)
    await before_sign_in(call, scene, user, name, {})
    return await with_password(call, scene, user, password)


async def respond(
    call: Call,
    scene: Scene,
    challenge: str,
    session: str | None,
    given: Mapping[str, str],
    metadata: Mapping[str, str],
) -> Answer:
    """Take the answer to a challenge: tokens, or another challenge."""
    name = given.get("USERNAME", "")
    if not name:
        raise invalid("Missing required parameter USERNAME")
    check_secret(client_in(scene), name, given.get("SECRET_HASH"))
    scene = replace(scene, device=given.get("DEVICE_KEY") or _device_of(call, scene, session, challenge))
    if challenge == "PASSWORD_VERIFIER":
        user = await verified(call, scene, given)
        return await proceed(call, scene, user, metadata)
    if challenge == "NEW_PASSWORD_REQUIRED":
        return await proceed(call, scene, await new_password(call, scene, session, given), metadata)
    if challenge == device_flow.FIRST:
        return await device_flow.offered(call, scene, session, given)
    if challenge == device_flow.SECOND:
        user, device = await device_flow.verified(call, scene, given)
        return await tokens(call, replace(scene, device=device), user, metadata)
    if challenge == choice_flow.SELECT:
        return await _or_tokens(call, scene, await choice_flow.chosen(call, scene, session, given), metadata)
    if challenge == "SMS_OTP" or (challenge == "EMAIL_OTP" and choice_flow.is_first(call, scene, challenge, session)):
        return await proceed(call, scene, await choice_flow.answered(call, scene, challenge, session, given), metadata)
    if challenge == passkeys.KIND:
        return await proceed(call, scene, await passkeys.answered(call, scene, session, given), metadata)
    if challenge in factors.CODES:
        return await tokens(call, scene, await factors.answered(call, scene, challenge, session, given), metadata)
    if challenge == "SELECT_MFA_TYPE":
        return await factors.chosen(call, scene, session, given)
    if challenge == "MFA_SETUP":
        state = opened(call, scene, session, challenge)
        if not state.get("done"):
            raise not_authorized("Invalid session for the user.")
        return await tokens(call, scene, await use_up(scene.state, client_in(scene), state), metadata)
    if challenge == "CUSTOM_CHALLENGE":
        return await _or_tokens(call, scene, await custom_answer(call, scene, session, given, metadata), metadata)
    raise aws_error(
        "NotImplemented", f"Kumoi's user pools have no challenge {challenge}: see docs/cognito.md.", status=501
    )


async def new_password(call: Call, scene: Scene, session: str | None, given: Mapping[str, str]) -> User:
    """Give a user who answers NEW_PASSWORD_REQUIRED the password and attributes that they chose."""
    state = opened(call, scene, session, "NEW_PASSWORD_REQUIRED")
    user = await user_of(scene, state)
    await check_open(call, user)
    if user.status != "FORCE_CHANGE_PASSWORD":
        raise not_authorized("Invalid session for the user.")
    password = given.get("NEW_PASSWORD")
    if not password:
        raise invalid("Missing required parameter NEW_PASSWORD")
    check_password(scene.pool, password)
    extra = [
        {"Name": key.removeprefix("userAttributes."), "Value": value}
        for key, value in given.items()
        if key.startswith("userAttributes.")
    ]
    wanted: dict[str, Any] = {"status": "CONFIRMED", "password_expires": None}
    if extra:
        wanted["attributes"] = {**user.attributes, **own_attributes(scene.pool, scene.client, extra)}
    wanted |= await changes.verifier_of(scene.pool, user.name, password)
    return await changes.change(scene.state, scene.pool, user.key, wanted)


async def proceed(call: Call, scene: Scene, user: User, metadata: Mapping[str, str]) -> Answer:
    """Go on with somebody who is who they say: a password to be changed first, a second factor, or tokens."""
    first = await before_tokens(call, scene, user)
    return first or await tokens(call, scene, user, metadata)


async def tokens(call: Call, scene: Scene, user: User, metadata: Mapping[str, str]) -> Answer:
    """Tokens for somebody who has done all that was asked."""
    await check_open(call, user)
    known = await devices.of(scene, user)
    fresh = devices.fresh(scene) if known is None and devices.tracked(scene.pool) else ""
    key = known.key if known is not None else fresh
    result = await issue(
        call, scene, user, call.now, uuid(), with_refresh=True, source="TokenGeneration_Authentication", device=key
    )
    if fresh:
        result["NewDeviceMetadata"] = {
            "DeviceKey": fresh,
            "DeviceGroupKey": devices.group_key(call, scene, user),
        }
    elif known is not None:
        await devices.change(scene.state, known, {"authenticated": call.now})
    await after_sign_in(call, scene, user, metadata, new_device=bool(fresh))
    return {"ChallengeParameters": {}, "AuthenticationResult": result}


async def before_tokens(call: Call, scene: Scene, user: User) -> Answer | None:
    """What somebody who is who they say has to do before they get tokens; None where there is nothing.

    UserNotConfirmedException, PasswordResetRequiredException, NotAuthorizedException (an old temporary password).
    """
    if user.status == "UNCONFIRMED":
        raise aws_error("UserNotConfirmedException", "User is not confirmed.")
    if user.status == "RESET_REQUIRED":
        raise aws_error("PasswordResetRequiredException", "Password reset required for the user")
    if user.status == "FORCE_CHANGE_PASSWORD":
        if user.password_expires is not None and user.password_expires <= call.now:
            raise not_authorized("Temporary password has expired and must be reset by an administrator.")
        shown = {name: value for name, value in user.attributes.items() if name != "sub"}
        parameters = {
            "USER_ID_FOR_SRP": user.name,
            "requiredAttributes": "[]",
            "userAttributes": orjson.dumps(shown).decode(),
        }
        return challenge(call, scene, "NEW_PASSWORD_REQUIRED", user, parameters, {})
    return await device_flow.asked(call, scene, user) or await factors.asked(call, scene, user)


async def after_sign_in(
    call: Call, scene: Scene, user: User, metadata: Mapping[str, str], *, new_device: bool = False
) -> None:
    """Forget the wrong guesses of somebody who has done all that was asked, and tell the pool's function of them.

    A right password alone forgives none: whoever has it would guess at the code that follows as often as they like.
    """
    await changes.succeeded(scene.state, user)
    request = {"userAttributes": attributes_for(user), "newDeviceUsed": new_device, "clientMetadata": dict(metadata)}
    await trigger(call, scene, "PostAuthentication", "PostAuthentication_Authentication", user.name, request, {})


def _device_of(call: Call, scene: Scene, session: str | None, challenge: str) -> str:
    """The device that a session is of, if it is one of this challenge."""
    try:
        return str(opened(call, scene, session, challenge).get("device", ""))
    except AwsError:
        return ""  # what comes of it, whoever takes the answer says


async def _or_tokens(call: Call, scene: Scene, found: Answer | User, metadata: Mapping[str, str]) -> Answer:
    return await proceed(call, scene, found, metadata) if isinstance(found, User) else found


async def before_sign_in(call: Call, scene: Scene, user: User | None, name: str, metadata: Mapping[str, str]) -> None:
    """Ask the pool's function whether somebody may sign in: UserLambdaValidationException."""
    request = {
        "userAttributes": {} if user is None else attributes_for(user),
        "validationData": dict(metadata),
        "userNotFound": user is None,
    }
    shown = name if user is None else user.name
    await trigger(call, scene, "PreAuthentication", "PreAuthentication_Authentication", shown, request, {})


async def _migrated(call: Call, scene: Scene, name: str, password: str) -> User | None:
    """Let the pool's function bring a user over from elsewhere."""
    request = {"password": password, "validationData": None, "clientMetadata": None}
    response = {
        "userAttributes": None,
        "forceAliasCreation": None,
        "finalUserStatus": None,
        "messageAction": None,
        "desiredDeliveryMediums": None,
    }
    try:
        answer = await trigger(call, scene, "UserMigration", "UserMigration_Authentication", name, request, response)
    except AwsError:
        raise not_authorized() from None
    if not answer or not isinstance(answer.get("userAttributes"), dict):
        return None
    given = [{"Name": key, "Value": str(value)} for key, value in answer["userAttributes"].items() if key != "username"]
    key = name if scene.pool.case_sensitive else name.lower()
    confirmed = answer.get("finalUserStatus") == "CONFIRMED"
    user = User(
        pool=scene.pool.id,
        key=key,
        name=key,
        sub=uuid(),
        created=call.now,
        modified=call.now,
        status="CONFIRMED" if confirmed else "RESET_REQUIRED",
        attributes=attributes_of(scene.pool, given),
        **await changes.verifier_of(scene.pool, key, password),
    )
    await changes.add(scene.state, scene.pool, user, take_over=bool(answer.get("forceAliasCreation")))
    return user
