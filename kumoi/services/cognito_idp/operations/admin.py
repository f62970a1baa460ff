"""What administrators do with users: create, see, list, change, disable, reset, delete."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, cognito_idp
from kumoi.services.cognito_idp.errors import invalid, no_user, not_authorized
from kumoi.services.cognito_idp.factors import told
from kumoi.services.cognito_idp.lookup import Scene, find_user, pool_of, user_named
from kumoi.services.cognito_idp.messages import send_code, tell
from kumoi.services.cognito_idp.operations.self_service import described
from kumoi.services.cognito_idp.operations.sign_up import approved, confirmed, new_user
from kumoi.services.cognito_idp.paging import page_of_users
from kumoi.services.cognito_idp.policies import (
    attributes_of,
    check_password,
    password_policy,
    temporary_password,
    verified_address,
)
from kumoi.services.cognito_idp.records import Pool, User
from kumoi.services.cognito_idp.triggers import trigger
from kumoi.state import Transaction, transactional

_FILTER = re.compile(r'\s*"?([\w:]+)"?\s*(\^=|=)\s*"((?:[^"\\]|\\.)*)"\s*')


@cognito_idp.operation
async def admin_create_user(
    call: Call,
    UserPoolId: str,
    Username: str,
    UserAttributes: list[dict[str, str]] | None = None,
    ValidationData: list[dict[str, str]] | None = None,
    TemporaryPassword: str | None = None,
    ForceAliasCreation: bool = False,
    MessageAction: str | None = None,
    DesiredDeliveryMediums: list[str] | None = None,
    ClientMetadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Create a user with a password that they have to change; the invitation goes to the log."""
    scene = await pool_of(call, UserPoolId)
    pool = scene.pool
    if MessageAction == "RESEND":
        user = await user_named(scene.state, pool, Username)
        if user.status != "FORCE_CHANGE_PASSWORD":
            raise invalid("Resend not possible. User is not in the FORCE_CHANGE_PASSWORD state.")
        password = TemporaryPassword or temporary_password(pool)
        wanted = {**await changes.verifier_of(pool, user.name, password), "password_expires": _expiry(call, pool)}
        user = await changes.change(scene.state, pool, user.key, wanted)
    else:
        password = TemporaryPassword or temporary_password(pool)
        check_password(pool, password)
        attributes = attributes_of(pool, UserAttributes)
        made = await new_user(call, scene, Username, attributes, status="FORCE_CHANGE_PASSWORD", password=password)
        answer = await trigger(
            call,
            scene,
            "PreSignUp",
            "PreSignUp_AdminCreateUser",
            made.name,
            {"userAttributes": made.attributes, "validationData": {}, "clientMetadata": ClientMetadata or {}},
            {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
        )
        verified = {**(answer or {}), "autoConfirmUser": False}
        user = msgspec.structs.replace(approved(made, verified), password_expires=_expiry(call, pool))
        await changes.add(scene.state, pool, user, take_over=ForceAliasCreation)
    if MessageAction != "SUPPRESS":
        await tell(call, scene, user, "CustomMessage_AdminCreateUser", password=password)
    return {"User": described(user)}


@cognito_idp.operation
async def admin_get_user(call: Call, UserPoolId: str, Username: str) -> dict[str, Any]:
    """A user."""
    _, user = await _found(call, UserPoolId, Username)
    found = described(user)
    attributes = found.pop("Attributes")
    return {**found, "UserAttributes": attributes, **told(user)}


@cognito_idp.operation
async def list_users(
    call: Call,
    UserPoolId: str,
    AttributesToGet: list[str] | None = None,
    Limit: int = 60,
    PaginationToken: str | None = None,
    Filter: str | None = None,
) -> dict[str, Any]:
    """Users by name; `email ^= "a"` and the like choose among them."""
    await pool_of(call, UserPoolId)
    shown, more = await page_of_users(
        call.state, UserPoolId, lambda user: _passes(user, Filter), PaginationToken, Limit, "PaginationToken"
    )
    listed = [described(user) for user in shown]
    if AttributesToGet is not None:
        for one in listed:
            one["Attributes"] = [name for name in one["Attributes"] if name["Name"] in AttributesToGet]
    return {"Users": listed, **more}


@cognito_idp.operation
async def admin_set_user_password(
    call: Call, UserPoolId: str, Username: str, Password: str, Permanent: bool = False
) -> dict[str, Any]:
    """Give a user a password: for good, or one to be changed."""
    scene, user = await _found(call, UserPoolId, Username)
    check_password(scene.pool, Password)
    wanted: dict[str, Any] = await changes.verifier_of(scene.pool, user.name, Password)
    wanted |= {
        "status": "CONFIRMED" if Permanent else "FORCE_CHANGE_PASSWORD",
        "password_expires": None if Permanent else _expiry(call, scene.pool),
        "failures": 0,
        "locked": 0.0,
    }
    await changes.change(scene.state, scene.pool, user.key, wanted)
    return {}


@cognito_idp.operation
async def admin_update_user_attributes(
    call: Call,
    UserPoolId: str,
    Username: str,
    UserAttributes: list[dict[str, str]],
    ClientMetadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Change a user's attributes."""
    scene, user = await _found(call, UserPoolId, Username)
    after = {**user.attributes, **attributes_of(scene.pool, UserAttributes)}
    await changes.change(scene.state, scene.pool, user.key, {"attributes": after})
    return {}


@cognito_idp.operation
async def admin_delete_user_attributes(
    call: Call, UserPoolId: str, Username: str, UserAttributeNames: list[str]
) -> dict[str, Any]:
    """Forget attributes of a user."""
    scene, user = await _found(call, UserPoolId, Username)
    kept = {name: value for name, value in user.attributes.items() if name not in UserAttributeNames}
    await changes.change(scene.state, scene.pool, user.key, {"attributes": kept})
    return {}


@cognito_idp.operation
async def admin_confirm_sign_up(
    call: Call, UserPoolId: str, Username: str, ClientMetadata: dict[str, str] | None = None
) -> dict[str, Any]:
    """Confirm a user without a code."""
    scene, user = await _found(call, UserPoolId, Username)
    if user.status != "UNCONFIRMED":
        raise not_authorized(f"User cannot be confirmed. Current status is {user.status}")
    user = await changes.change(scene.state, scene.pool, user.key, {"status": "CONFIRMED"})
    await confirmed(call, scene, user)
    return {}


@cognito_idp.operation
async def admin_disable_user(call: Call, UserPoolId: str, Username: str) -> dict[str, Any]:
    """Keep a user from signing in; their tokens count no more."""
    scene, user = await _found(call, UserPoolId, Username)
    await changes.change(scene.state, scene.pool, user.key, {"enabled": False, "signed_out": call.now})
    return {}


@cognito_idp.operation
async def admin_enable_user(call: Call, UserPoolId: str, Username: str) -> dict[str, Any]:
    """Let a user sign in again."""
    scene, user = await _found(call, UserPoolId, Username)
    await changes.change(scene.state, scene.pool, user.key, {"enabled": True})
    return {}


@cognito_idp.operation
async def admin_reset_user_password(
    call: Call, UserPoolId: str, Username: str, ClientMetadata: dict[str, str] | None = None
) -> dict[str, Any]:
    """Have a user choose another password by a code."""
    scene, user = await _found(call, UserPoolId, Username)
    if user.status == "EXTERNAL_PROVIDER":
        raise not_authorized("User password cannot be reset in the current state.")
    attribute = verified_address(user)
    if attribute is None:
        raise invalid("User does not have any verified email or phone number, cannot reset password.")
    user = await changes.change(scene.state, scene.pool, user.key, {"status": "RESET_REQUIRED"})
    await send_code(call, scene, user, "password", attribute, "CustomMessage_ForgotPassword")
    return {}


@cognito_idp.operation
async def admin_user_global_sign_out(call: Call, UserPoolId: str, Username: str) -> dict[str, Any]:
    """Have all tokens of a user count no more."""
    scene, user = await _found(call, UserPoolId, Username)
    await changes.change(scene.state, scene.pool, user.key, {"signed_out": call.now})
    return {}


@cognito_idp.operation
async def admin_delete_user(call: Call, UserPoolId: str, Username: str) -> None:
    """Delete a user."""
    scene, user = await _found(call, UserPoolId, Username)
    await changes.remove(scene.state, scene.pool, user)


async def _found(call: Call, pool_id: str, username: str) -> tuple[Scene, User]:
    scene = await pool_of(call, pool_id)
    user = await _find(scene.state, scene.pool, username)
    if user is None:
        raise no_user()
    return scene, user


def _expiry(call: Call, pool: Pool) -> float:
    days = password_policy(pool).get("TemporaryPasswordValidityDays", 7)
    return float(call.now + days * 86_400.0)


def _passes(user: User, wanted: str | None) -> bool:
    if not wanted or not wanted.strip():
        return True
    found = _FILTER.fullmatch(wanted)
    if found is None:
        raise invalid("Error while parsing filter.")
    name, operator, value = found[1], found[2], found[3].replace('\\"', '"')
    known = {
        **user.attributes,
        "sub": user.sub,
        "username": user.name,
        "cognito:user_status": user.status,
        "status": "Enabled" if user.enabled else "Disabled",
    }
    held = known.get(name)
    if held is None:
        return False
    held, value = held.lower(), value.lower()
    return held.startswith(value) if operator == "^=" else held == value


@transactional
async def _find(tx: Transaction, pool: Pool, username: str) -> User | None:
    return await find_user(tx, pool, username)
