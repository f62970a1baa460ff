"""Passwords: changed by those who know theirs, found again by those who do not."""

from __future__ import annotations

import asyncio
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, cognito_idp, srp
from kumoi.services.cognito_idp.errors import expired_code, invalid, locked_out, no_user, not_authorized, wrong_code
from kumoi.services.cognito_idp.lookup import hides_users, maybe_user, proved
from kumoi.services.cognito_idp.messages import check_code, pretended, send_code
from kumoi.services.cognito_idp.operations.authentication import signed_in
from kumoi.services.cognito_idp.policies import check_password, verified_address
from kumoi.services.cognito_idp.records import User
from kumoi.services.cognito_idp.sessions import client_in
from kumoi.services.cognito_idp.triggers import attributes_for, trigger
from kumoi.wire.errors import AwsError


@cognito_idp.operation
async def change_password(
    call: Call, AccessToken: str, ProposedPassword: str, PreviousPassword: str | None = None
) -> dict[str, Any]:
    """Change one's password, knowing the one before."""
    scene, user = await signed_in(call, AccessToken)
    pool = scene.pool
    if user.locked > call.now:
        raise locked_out()
    right = PreviousPassword is not None and await asyncio.to_thread(
        srp.is_password, pool.short_name, user.name, PreviousPassword, user.salt, user.verifier
    )
    await changes.judge(scene.state, user, right=right)
    if not right:
        raise not_authorized()
    check_password(pool, ProposedPassword)
    await changes.change(scene.state, pool, user.key, await changes.verifier_of(pool, user.name, ProposedPassword))
    return {}


@cognito_idp.operation
async def forgot_password(
    call: Call,
    ClientId: str,
    Username: str,
    SecretHash: str | None = None,
    UserContextData: dict[str, Any] | None = None,
    AnalyticsMetadata: dict[str, Any] | None = None,
    ClientMetadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Send a code that lets a user choose another password; whoever asks for nobody is told the same.

    So are those who could not get one, where the client tells nobody who is a user.
    """
    scene = await proved(call, ClientId, Username, SecretHash)
    user = await maybe_user(scene.state, scene.pool, Username)
    if user is not None and user.enabled and user.status in ("FORCE_CHANGE_PASSWORD", "EXTERNAL_PROVIDER"):
        raise not_authorized("User password cannot be reset in the current state.")
    try:
        found, attribute = _recoverable(user)
    except AwsError:
        if hides_users(client_in(scene)):
            return {"CodeDeliveryDetails": pretended(Username)}
        raise
    details = await send_code(call, scene, found, "password", attribute, "CustomMessage_ForgotPassword")
    return {"CodeDeliveryDetails": details}


@cognito_idp.operation
async def confirm_forgot_password(
    call: Call,
    ClientId: str,
    Username: str,
    ConfirmationCode: str,
    Password: str,
    SecretHash: str | None = None,
    AnalyticsMetadata: dict[str, Any] | None = None,
    UserContextData: dict[str, Any] | None = None,
    ClientMetadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Choose another password by the code."""
    scene = await proved(call, ClientId, Username, SecretHash)
    user = await maybe_user(scene.state, scene.pool, Username)
    if user is None or not user.enabled:
        raise wrong_code() if hides_users(client_in(scene)) else expired_code()
    check_password(scene.pool, Password)
    await check_code(scene, user, "password", ConfirmationCode)
    wanted: dict[str, Any] = {"status": "CONFIRMED", "failures": 0, "locked": 0.0}
    wanted |= await changes.verifier_of(scene.pool, user.name, Password)
    user = await changes.change(scene.state, scene.pool, user.key, wanted)
    request = {"userAttributes": attributes_for(user), "clientMetadata": ClientMetadata or {}}
    await trigger(call, scene, "PostConfirmation", "PostConfirmation_ConfirmForgotPassword", user.name, request, {})
    return {}


def _recoverable(user: User | None) -> tuple[User, str]:
    """A user who may choose another password, and the attribute where the code for it goes."""
    if user is None:
        raise no_user()
    if not user.enabled:
        raise not_authorized("User is disabled.")
    attribute = verified_address(user)
    if attribute is None:
        raise invalid("Cannot reset password for the user as there is no registered/verified email or phone_number")
    return user, attribute
