"""Signing in, the client's and the administrator's way; signing out."""

from __future__ import annotations

import hmac
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, cognito_idp
from kumoi.services.cognito_idp.errors import invalid, not_authorized
from kumoi.services.cognito_idp.issuing import is_revoked, revoke
from kumoi.services.cognito_idp.lookup import Scene, client_of, maybe_user, pool_of
from kumoi.services.cognito_idp.records import User
from kumoi.services.cognito_idp.refreshing import refreshable, refreshed
from kumoi.services.cognito_idp.sessions import client_in
from kumoi.services.cognito_idp.signing_in import initiate, respond
from kumoi.services.cognito_idp.tokens import OWN_ACCOUNT, read_access_token
from kumoi.wire.errors import aws_error

_ADMIN_FLOWS = frozenset(("ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"))


@cognito_idp.operation
async def initiate_auth(
    call: Call,
    ClientId: str,
    AuthFlow: str,
    AuthParameters: dict[str, str] | None = None,
    ClientMetadata: dict[str, str] | None = None,
    AnalyticsMetadata: dict[str, Any] | None = None,
    UserContextData: dict[str, Any] | None = None,
    Session: str | None = None,
) -> dict[str, Any]:
    """Begin to sign in."""
    if AuthFlow in _ADMIN_FLOWS:
        raise invalid("Initiate Auth method not supported.")
    scene = await client_of(call, ClientId)
    return await initiate(call, scene, AuthFlow, AuthParameters or {}, ClientMetadata or {}, Session)


@cognito_idp.operation
async def respond_to_auth_challenge(
    call: Call,
    ClientId: str,
    ChallengeName: str,
    Session: str | None = None,
    ChallengeResponses: dict[str, str] | None = None,
    AnalyticsMetadata: dict[str, Any] | None = None,
    UserContextData: dict[str, Any] | None = None,
    ClientMetadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Answer a challenge."""
    scene = await client_of(call, ClientId)
    return await respond(call, scene, ChallengeName, Session, ChallengeResponses or {}, ClientMetadata or {})


@cognito_idp.operation
async def admin_initiate_auth(
    call: Call,
    UserPoolId: str,
    ClientId: str,
    AuthFlow: str,
    AuthParameters: dict[str, str] | None = None,
    ClientMetadata: dict[str, str] | None = None,
    AnalyticsMetadata: dict[str, Any] | None = None,
    ContextData: dict[str, Any] | None = None,
    Session: str | None = None,
) -> dict[str, Any]:
    """Begin to sign a user in, as an administrator."""
    await pool_of(call, UserPoolId)
    if AuthFlow == "USER_PASSWORD_AUTH":
        raise invalid("Initiate Auth method not supported.")
    scene = await client_of(call, ClientId, UserPoolId)
    return await initiate(call, scene, AuthFlow, AuthParameters or {}, ClientMetadata or {}, Session)


@cognito_idp.operation
async def admin_respond_to_auth_challenge(
    call: Call,
    UserPoolId: str,
    ClientId: str,
    ChallengeName: str,
    ChallengeResponses: dict[str, str] | None = None,
    Session: str | None = None,
    AnalyticsMetadata: dict[str, Any] | None = None,
    ContextData: dict[str, Any] | None = None,
    ClientMetadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Answer a challenge, as an administrator."""
    await pool_of(call, UserPoolId)
    scene = await client_of(call, ClientId, UserPoolId)
    return await respond(call, scene, ChallengeName, Session, ChallengeResponses or {}, ClientMetadata or {})


@cognito_idp.operation
async def global_sign_out(call: Call, AccessToken: str) -> dict[str, Any]:
    """Have all tokens of a user count no more."""
    scene, user = await signed_in(call, AccessToken)
    await changes.change(scene.state, scene.pool, user.key, {"signed_out": call.now})
    return {}


@cognito_idp.operation
async def get_tokens_from_refresh_token(
    call: Call,
    RefreshToken: str,
    ClientId: str,
    ClientSecret: str | None = None,
    DeviceKey: str | None = None,
    ClientMetadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Fresh tokens for a refresh token, which is rotated where the client has it so."""
    scene = await client_of(call, ClientId)
    _check_client(scene, ClientSecret)
    token, user = await refreshable(call, scene, RefreshToken, DeviceKey)
    return {"AuthenticationResult": await refreshed(call, scene, token, user)}


@cognito_idp.operation
async def revoke_token(call: Call, Token: str, ClientId: str, ClientSecret: str | None = None) -> dict[str, Any]:
    """Have a refresh token and its access tokens count no more; one that nobody knows is as good as revoked."""
    scene = await client_of(call, ClientId)
    _check_client(scene, ClientSecret)
    if client_in(scene).definition.get("EnableTokenRevocation") is False:
        raise aws_error("UnsupportedOperationException", "Token revocation is not enabled for the client")
    await revoke(scene.state, scene.pool.id, Token)
    return {}


def _check_client(scene: Scene, secret: str | None) -> None:
    client = client_in(scene)
    if not hmac.compare_digest(client.secret.encode(), (secret or "").encode()):
        raise not_authorized(f"Unable to verify secret hash for client {client.id}")


async def signed_in(call: Call, token: str, scope: str = OWN_ACCOUNT) -> tuple[Scene, User]:
    """The user of an access token of that scope, which was not revoked since; NotAuthorizedException."""
    scene, claims = await read_access_token(call, token)
    if "username" not in claims or scope not in str(claims.get("scope", "")).split():
        raise not_authorized("Access Token does not have required scopes")
    user = await maybe_user(scene.state, scene.pool, str(claims["username"]))
    if user is None or not user.enabled or user.sub != claims["sub"]:
        raise not_authorized("Access Token has been revoked")
    revoked = await is_revoked(scene.state, scene.pool.id, user.sub, str(claims["origin_jti"]))
    if revoked or claims["iat"] < int(user.signed_out):
        raise not_authorized("Access Token has been revoked")
    return scene, user
