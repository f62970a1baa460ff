"""Second factors: what a pool offers, what a user has switched on, an authenticator app of theirs."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, cognito_idp
from kumoi.services.cognito_idp.choice_flow import configured
from kumoi.services.cognito_idp.errors import invalid, no_pool, not_authorized
from kumoi.services.cognito_idp.factors import (
    APP,
    MAIL,
    TEXT,
    check_app_code,
    factors_of,
    matching,
    new_secret,
    preference,
    told,
)
from kumoi.services.cognito_idp.lookup import Scene, client_of, pool_of, user_named
from kumoi.services.cognito_idp.operations.authentication import signed_in
from kumoi.services.cognito_idp.records import User, pools
from kumoi.services.cognito_idp.sessions import challenge, client_of_session, opened, user_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_MEMBERS = (
    *("SmsMfaConfiguration", "SoftwareTokenMfaConfiguration", "EmailMfaConfiguration", "MfaConfiguration"),
    "WebAuthnConfiguration",
)
Setting = dict[str, bool] | None


@cognito_idp.operation
async def set_user_pool_mfa_config(call: Call, UserPoolId: str, **given: Any) -> dict[str, Any]:
    """Set what a pool offers, and whether a second factor is a must."""
    await pool_of(call, UserPoolId)
    wanted = {name: value for name, value in given.items() if value is not None}
    return _told(await _configure(call.state, UserPoolId, wanted))


@cognito_idp.operation
async def get_user_pool_mfa_config(call: Call, UserPoolId: str) -> dict[str, Any]:
    """What a pool offers."""
    return _told((await pool_of(call, UserPoolId)).pool.definition)


@cognito_idp.operation
async def associate_software_token(
    call: Call, AccessToken: str | None = None, Session: str | None = None
) -> dict[str, Any]:
    """A fresh secret for an authenticator app, for somebody signed in or on the way."""
    scene, user = await _whose(call, AccessToken, Session)
    secret = new_secret()
    sealed = call.doorway.identity.sealer.seal(secret.encode(), user.sub)
    await changes.change(scene.state, scene.pool, user.key, {"app_secret_offered": sealed})
    answer = {"SecretCode": secret}
    if Session is not None:
        answer["Session"] = challenge(call, scene, "MFA_SETUP", user, {}, {})["Session"]
    return answer


@cognito_idp.operation
async def verify_software_token(
    call: Call,
    UserCode: str,
    AccessToken: str | None = None,
    Session: str | None = None,
    FriendlyDeviceName: str = "",
) -> dict[str, Any]:
    """Take the app, once it shows the right code; EnableSoftwareTokenMFAException."""
    scene, user = await _whose(call, AccessToken, Session)
    if not user.app_secret_offered:
        raise not_authorized("No software token was associated.")
    secret = call.doorway.identity.sealer.open(user.app_secret_offered, user.sub).decode()
    if matching(secret, UserCode, call.now) is None:
        raise aws_error("EnableSoftwareTokenMFAException", "Code mismatch")
    await check_app_code(call, scene, user, UserCode, secret)
    taken = {"app_secret": user.app_secret_offered, "app_secret_offered": b"", "device": FriendlyDeviceName}
    if Session is not None:  # set up on the way to sign in: it is used from now on
        taken["factors"] = tuple(dict.fromkeys((*user.factors, APP)))
    user = await changes.change(scene.state, scene.pool, user.key, taken)
    answer = {"Status": "SUCCESS"}
    if Session is not None:
        answer["Session"] = challenge(call, scene, "MFA_SETUP", user, {}, {"done": True})["Session"]
    return answer


@cognito_idp.operation(name="SetUserMFAPreference")
async def set_user_mfa_preference(
    call: Call,
    AccessToken: str,
    SMSMfaSettings: Setting = None,
    SoftwareTokenMfaSettings: Setting = None,
    EmailMfaSettings: Setting = None,
    WebAuthnMfaSettings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Switch one's factors on and off."""
    scene, user = await signed_in(call, AccessToken)
    wanted = {TEXT: SMSMfaSettings, APP: SoftwareTokenMfaSettings, MAIL: EmailMfaSettings}
    await changes.change(scene.state, scene.pool, user.key, preference(user, wanted))
    return {}


@cognito_idp.operation(name="AdminSetUserMFAPreference")
async def admin_set_user_mfa_preference(
    call: Call,
    Username: str,
    UserPoolId: str,
    SMSMfaSettings: Setting = None,
    SoftwareTokenMfaSettings: Setting = None,
    EmailMfaSettings: Setting = None,
    WebAuthnMfaSettings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Switch a user's factors on and off."""
    scene = await pool_of(call, UserPoolId)
    user = await user_named(scene.state, scene.pool, Username)
    wanted = {TEXT: SMSMfaSettings, APP: SoftwareTokenMfaSettings, MAIL: EmailMfaSettings}
    await changes.change(scene.state, scene.pool, user.key, preference(user, wanted))
    return {}


@cognito_idp.operation
async def get_user_auth_factors(call: Call, AccessToken: str) -> dict[str, Any]:
    """What one may sign in with, first and second."""
    scene, user = await signed_in(call, AccessToken)
    return _factors(scene, user)


@cognito_idp.operation
async def admin_get_user_auth_factors(call: Call, UserPoolId: str, Username: str) -> dict[str, Any]:
    """What a user may sign in with, first and second."""
    scene = await pool_of(call, UserPoolId)
    return _factors(scene, await user_named(scene.state, scene.pool, Username))


def _factors(scene: Scene, user: User) -> dict[str, Any]:
    return {"Username": user.name, **told(user), "ConfiguredUserAuthFactors": configured(scene.pool, user)}


@cognito_idp.operation
async def set_user_settings(call: Call, AccessToken: str, MFAOptions: list[dict[str, str]]) -> dict[str, Any]:
    """The older way to switch text messages on."""
    scene, user = await signed_in(call, AccessToken)
    await changes.change(scene.state, scene.pool, user.key, _by_options(user, MFAOptions))
    return {}


@cognito_idp.operation
async def admin_set_user_settings(
    call: Call, UserPoolId: str, Username: str, MFAOptions: list[dict[str, str]]
) -> dict[str, Any]:
    """The older way to switch a user's text messages on."""
    scene = await pool_of(call, UserPoolId)
    user = await user_named(scene.state, scene.pool, Username)
    await changes.change(scene.state, scene.pool, user.key, _by_options(user, MFAOptions))
    return {}


def _by_options(user: User, options: list[dict[str, str]]) -> dict[str, object]:
    if any(one.get("DeliveryMedium") == "EMAIL" for one in options):
        raise invalid("MFAOptions takes the medium SMS alone.")
    return preference(user, {TEXT: {"Enabled": bool(options)}})


async def _whose(call: Call, token: str | None, session: str | None) -> tuple[Scene, User]:
    """Whoever is signed in, or sets a factor up on the way; NotAuthorizedException."""
    if token is not None:
        return await signed_in(call, token)
    if session is None:
        raise invalid("Either AccessToken or Session is required.")
    pool_id, client_id = client_of_session(session)
    try:
        scene = await client_of(call, client_id, pool_id)
    except AwsError:
        raise not_authorized("Invalid session for the user.") from None
    user = await user_of(scene, opened(call, scene, session, "MFA_SETUP"))
    if factors_of(scene.pool, user):  # set up since then: whoever knows the password alone does not replace it
        raise not_authorized("Invalid session for the user.")
    return scene, user


def _told(definition: dict[str, Any]) -> dict[str, Any]:
    return {"MfaConfiguration": "OFF", **{name: definition[name] for name in _MEMBERS if name in definition}}


@transactional
async def _configure(tx: Transaction, pool_id: str, wanted: dict[str, Any]) -> dict[str, Any]:
    pool = await pools.get(tx, pool_id)
    if pool is None:
        raise no_pool(pool_id)
    definition = {**pool.definition, **wanted}
    if definition.get("MfaConfiguration", "OFF") != "OFF" and not any(definition.get(name) for name in _MEMBERS[:3]):
        raise invalid("Invalid MFA configuration given, can't turn on MFA without a factor to offer.")
    if wanted.get("MfaConfiguration") == "OFF":
        definition = {name: value for name, value in definition.items() if name not in _MEMBERS[:3]}
    await pools.put(tx, msgspec.structs.replace(pool, definition=definition, modified=tx.now))
    return definition
