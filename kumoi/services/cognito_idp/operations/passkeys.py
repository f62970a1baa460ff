"""Passkeys of one's own: registered in two steps, listed, deleted."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_idp import cognito_idp, passkeys
from kumoi.services.cognito_idp.operations.authentication import signed_in
from kumoi.services.cognito_idp.paging import page


@cognito_idp.operation
async def start_web_authn_registration(call: Call, AccessToken: str) -> dict[str, Any]:
    """What a browser makes a passkey by."""
    scene, user = await signed_in(call, AccessToken)
    return {"CredentialCreationOptions": await passkeys.begin(call, scene, user)}


@cognito_idp.operation
async def complete_web_authn_registration(call: Call, AccessToken: str, Credential: Any) -> dict[str, Any]:
    """Keep the passkey that a browser made."""
    scene, user = await signed_in(call, AccessToken)
    await passkeys.complete(call, scene, user, Credential)
    return {}


@cognito_idp.operation
async def list_web_authn_credentials(
    call: Call, AccessToken: str, NextToken: str | None = None, MaxResults: int = 20
) -> dict[str, Any]:
    """One's passkeys."""
    _, user = await signed_in(call, AccessToken)
    found = sorted(user.passkeys.values(), key=lambda one: one.id)
    shown, more = page(found, lambda one: one.id, NextToken, MaxResults, "NextToken")
    return {"Credentials": [passkeys.described(one) for one in shown], **more}


@cognito_idp.operation
async def delete_web_authn_credential(call: Call, AccessToken: str, CredentialId: str) -> dict[str, Any]:
    """Forget a passkey of one's own."""
    scene, user = await signed_in(call, AccessToken)
    await passkeys.forget(scene.state, scene.pool.id, user.key, CredentialId)
    return {}
