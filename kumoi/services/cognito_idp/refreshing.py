"""Fresh tokens for a refresh token: the flow REFRESH_TOKEN_AUTH, the grant of the same name, GetTokensFromRefreshToken.

Where a client has its refresh tokens rotated, each gives a fresh one, good for as long as the first would have been,
and counts itself for the grace period of the client only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_idp import devices
from kumoi.services.cognito_idp.errors import invalid, not_authorized, reused
from kumoi.services.cognito_idp.issuing import issue, rotated, token_of
from kumoi.services.cognito_idp.lookup import Scene, check_secret
from kumoi.services.cognito_idp.records import Client, RefreshToken, User
from kumoi.services.cognito_idp.sessions import Answer, by_key, client_in


async def by_refresh_token(call: Call, scene: Scene, given: Mapping[str, str]) -> Answer:
    """REFRESH_TOKEN_AUTH."""
    client, text = client_in(scene), given.get("REFRESH_TOKEN")
    if not text:
        raise invalid("Missing required parameter REFRESH_TOKEN")
    if rotates(client):
        raise invalid("REFRESH_TOKEN_AUTH flow not enabled for this client: its refresh tokens are rotated")
    token, user = await refreshable(call, scene, text, given.get("DEVICE_KEY"))
    check_secret(client, user.name, given.get("SECRET_HASH"))
    return {"ChallengeParameters": {}, "AuthenticationResult": await refreshed(call, scene, token, user)}


def rotates(client: Client) -> bool:
    """Whether a client's refresh tokens are rotated."""
    return (client.definition.get("RefreshTokenRotation") or {}).get("Feature") == "ENABLED"


async def refreshable(call: Call, scene: Scene, text: str, device: str | None = None) -> tuple[RefreshToken, User]:
    """A client's refresh token and whose it is, given by the device of that key; NotAuthorizedException."""
    token = await token_of(scene.state, scene.pool.id, text)
    if token is None or token.client != client_in(scene).id:
        raise not_authorized("Invalid Refresh Token")
    user = await by_key(scene.state, scene.pool.id, token.user)
    if token.expires <= call.now:
        raise not_authorized("Refresh Token has expired")
    if token.rotated is not None and token.rotated <= call.now:
        raise reused()
    if user is None or user.sub != token.sub or token.signed_in < user.signed_out:
        raise not_authorized("Refresh Token has been revoked")
    if not user.enabled:
        raise not_authorized("User is disabled.")
    if not await _is_of(scene, token, device):
        raise not_authorized("Invalid Refresh Token")
    return token, user


async def _is_of(scene: Scene, token: RefreshToken, device: str | None) -> bool:
    """Whether a device of that key may use a token: its own, once confirmed, as long as the pool tracks devices.

    Source: AWS's article about the error "Invalid Refresh Token".
    """
    if not token.device or not devices.tracked(scene.pool):
        return device is None or device == token.device
    return device == token.device and await devices.is_there(scene.state, scene.pool.id, token.sub, token.device)


async def refreshed(call: Call, scene: Scene, token: RefreshToken, user: User) -> dict[str, Any]:
    """Fresh tokens for a refresh token, another refresh token among them where the client rotates them."""
    result = await issue(
        call,
        scene,
        user,
        token.signed_in,
        token.origin,
        with_refresh=False,
        source="TokenGeneration_RefreshTokens",
        scopes=token.scopes,
        device=token.device,
    )
    client = client_in(scene)
    if rotates(client):
        grace = float(client.definition["RefreshTokenRotation"].get("RetryGracePeriodSeconds") or 0)
        result["RefreshToken"] = await rotated(scene, token, call.now + grace)
    return result
