"""What users do with their own account, by an access token: see it, change it, verify addresses, delete it."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, cognito_idp
from kumoi.services.cognito_idp.errors import invalid
from kumoi.services.cognito_idp.factors import told
from kumoi.services.cognito_idp.identity_providers import identities_text
from kumoi.services.cognito_idp.messages import check_code, send_code
from kumoi.services.cognito_idp.operations.authentication import signed_in
from kumoi.services.cognito_idp.policies import NEEDS_VERIFYING, check_own, own_attributes, readable
from kumoi.services.cognito_idp.records import User


@cognito_idp.operation
async def get_user(call: Call, AccessToken: str) -> dict[str, Any]:
    """Who the token's user is."""
    scene, user = await signed_in(call, AccessToken)
    shown = _pairs({**readable(scene.client, user.attributes), "sub": user.sub, **identities_text(user.identities)})
    return {"Username": user.name, "UserAttributes": shown, **told(user)}


@cognito_idp.operation
async def update_user_attributes(
    call: Call, AccessToken: str, UserAttributes: list[dict[str, str]], ClientMetadata: dict[str, str] | None = None
) -> dict[str, Any]:
    """Change one's attributes; another address has to be verified anew."""
    scene, user = await signed_in(call, AccessToken)
    given = own_attributes(scene.pool, scene.client, UserAttributes)
    after = {**user.attributes, **given}
    changed = [name for name in NEEDS_VERIFYING if name in given and given[name] != user.attributes.get(name)]
    for name in changed:
        after[NEEDS_VERIFYING[name]] = "false"
    user = await changes.change(scene.state, scene.pool, user.key, {"attributes": after})
    details = [
        await send_code(call, scene, user, f"verify:{name}", name, "CustomMessage_UpdateUserAttribute")
        for name in changed
        if name in (scene.pool.definition.get("AutoVerifiedAttributes") or ())
    ]
    return {"CodeDeliveryDetailsList": details}


@cognito_idp.operation
async def delete_user_attributes(call: Call, AccessToken: str, UserAttributeNames: list[str]) -> dict[str, Any]:
    """Forget attributes of one's own."""
    scene, user = await signed_in(call, AccessToken)
    check_own(scene.client, UserAttributeNames)
    kept = {name: value for name, value in user.attributes.items() if name not in UserAttributeNames}
    await changes.change(scene.state, scene.pool, user.key, {"attributes": kept})
    return {}


@cognito_idp.operation
async def get_user_attribute_verification_code(
    call: Call, AccessToken: str, AttributeName: str, ClientMetadata: dict[str, str] | None = None
) -> dict[str, Any]:
    """Send a code to an address of one's own."""
    scene, user = await signed_in(call, AccessToken)
    if AttributeName not in NEEDS_VERIFYING or not user.attributes.get(AttributeName):
        raise invalid(f"User does not have delivery config set to turn on {AttributeName}")
    purpose, source = f"verify:{AttributeName}", "CustomMessage_VerifyUserAttribute"
    return {"CodeDeliveryDetails": await send_code(call, scene, user, purpose, AttributeName, source)}


@cognito_idp.operation
async def verify_user_attribute(call: Call, AccessToken: str, AttributeName: str, Code: str) -> dict[str, Any]:
    """Verify an address of one's own by the code that went there."""
    scene, user = await signed_in(call, AccessToken)
    if AttributeName not in NEEDS_VERIFYING:
        raise invalid(f"{AttributeName} cannot be verified")
    await check_code(scene, user, f"verify:{AttributeName}", Code)
    verified = {**user.attributes, NEEDS_VERIFYING[AttributeName]: "true"}
    await changes.change(scene.state, scene.pool, user.key, {"attributes": verified})
    return {}


@cognito_idp.operation
async def delete_user(call: Call, AccessToken: str) -> None:
    """Delete one's own account."""
    scene, user = await signed_in(call, AccessToken)
    await changes.remove(scene.state, scene.pool, user)


def _pairs(attributes: dict[str, str]) -> list[dict[str, str]]:
    """Attributes as answers have them."""
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def described(user: User) -> dict[str, Any]:
    """UserType."""
    return {
        "Username": user.name,
        "Attributes": _pairs({**user.attributes, "sub": user.sub, **identities_text(user.identities)}),
        "UserCreateDate": user.created,
        "UserLastModifiedDate": user.modified,
        "Enabled": user.enabled,
        "UserStatus": user.status,
    }
