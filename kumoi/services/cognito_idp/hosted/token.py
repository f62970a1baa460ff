"""What programs ask: POST /oauth2/token and /oauth2/revoke, GET or POST /oauth2/userInfo."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cognito_idp.hosted.answers import digest
from kumoi.services.cognito_idp.hosted.clients import check_flow, proved_client, scopes_of
from kumoi.services.cognito_idp.hosted.requests import OAuthError, Visit, json_answer
from kumoi.services.cognito_idp.identity_providers import identities_text
from kumoi.services.cognito_idp.issuing import issue, revoke
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.operations.authentication import signed_in
from kumoi.services.cognito_idp.policies import readable
from kumoi.services.cognito_idp.records import AuthorizationCode, Client, Domain, authorization_codes
from kumoi.services.cognito_idp.refreshing import refreshable, refreshed
from kumoi.services.cognito_idp.sessions import by_key
from kumoi.services.cognito_idp.tokens import issuer, keyed, read_access_token, shown_attributes, sign, validity
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Response


async def token(visit: Visit, domain: Domain) -> Response:
    """Tokens for a code, for a refresh token, or for a client itself."""
    scene, client = await proved_client(visit, domain)
    grant = visit.form.get("grant_type")
    if grant == "authorization_code":
        return json_answer(await _by_code(visit, scene, client))
    if grant == "refresh_token":
        return json_answer(await _by_refresh_token(visit, scene))
    if grant == "client_credentials":
        return json_answer(await _of_client(visit, scene, client))
    if grant is None:
        raise OAuthError("invalid_request", "grant_type is missing")
    raise OAuthError("unsupported_grant_type")


async def _by_code(visit: Visit, scene: Scene, client: Client) -> dict[str, Any]:
    check_flow(client, "code")
    code = await _use_up(scene.state, scene.pool.id, digest(visit.form.get("code", "")))
    verifier = visit.form.get("code_verifier")
    if code is None or code.client != client.id or code.redirect != visit.form.get("redirect_uri"):
        raise OAuthError("invalid_grant")
    if (verifier is None) != (code.challenge is None) or (code.challenge and not _proves(verifier, code.challenge)):
        raise OAuthError("invalid_grant")
    user = await by_key(scene.state, scene.pool.id, code.user)
    if user is None or not user.enabled or code.signed_in < max(user.signed_out, user.created):
        raise OAuthError("invalid_grant")
    result = await issue(
        visit.call, scene, user, code.signed_in, uuid(),
        with_refresh=True, source="TokenGeneration_HostedAuth", scopes=code.scopes, nonce=code.nonce,
    )  # fmt: skip
    return _told(result, code.scopes)


async def _by_refresh_token(visit: Visit, scene: Scene) -> dict[str, Any]:
    try:
        found, user = await refreshable(visit.call, scene, visit.form.get("refresh_token", ""))
        result = await refreshed(visit.call, scene, found, user)
    except AwsError:
        raise OAuthError("invalid_grant") from None
    return _told(result, found.scopes or ("openid",))


async def _of_client(visit: Visit, scene: Scene, client: Client) -> dict[str, Any]:
    check_flow(client, "client_credentials")
    if not client.secret:
        raise OAuthError("invalid_client", "A client without a secret has no credentials")
    scopes = await scopes_of(scene, client, visit.form.get("scope"), people=False)
    pool, now = await keyed(visit.call, scene), visit.call.now
    seconds = int(validity(client, "AccessToken"))
    claims = {
        "sub": client.id,
        "token_use": "access",
        "scope": " ".join(scopes),
        "auth_time": int(now),
        "iss": issuer(scene),
        "exp": int(now) + seconds,
        "iat": int(now),
        "version": 2,
        "jti": uuid(),
        "client_id": client.id,
    }
    return {"access_token": await sign(visit.call, pool, claims, 1), "expires_in": seconds, "token_type": "Bearer"}


def _told(result: dict[str, Any], scopes: tuple[str, ...]) -> dict[str, Any]:
    """AuthenticationResult in OAuth's names; an ID token is for those who asked for `openid`."""
    found = {
        "id_token": result["IdToken"] if "openid" in scopes else None,
        "access_token": result["AccessToken"],
        "refresh_token": result.get("RefreshToken"),
        "expires_in": result["ExpiresIn"],
        "token_type": "Bearer",
    }
    return {name: value for name, value in found.items() if value is not None}


def _proves(verifier: str | None, challenge: str) -> bool:
    made = base64.urlsafe_b64encode(hashlib.sha256((verifier or "").encode()).digest()).decode().rstrip("=")
    return hmac.compare_digest(made, challenge)


async def revocation(visit: Visit, domain: Domain) -> Response:
    """Have a refresh token count no more; one that nobody knows is as good as revoked."""
    scene, client = await proved_client(visit, domain)
    text = visit.form.get("token")
    if not text:
        raise OAuthError("invalid_request", "token is missing")
    if client.definition.get("EnableTokenRevocation") is False:
        raise OAuthError("invalid_request", "Token revocation is not enabled for the client")
    await revoke(scene.state, scene.pool.id, text)
    return Response(200, [("Cache-Control", "no-store")])


async def user_info(visit: Visit, domain: Domain) -> Response:
    """The attributes that an access token's scopes tell."""
    scheme, _, text = (visit.request.headers.get("authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        return _unauthorized("invalid_request", "The access token is missing")
    try:
        attributes = await _attributes(visit.call, domain, text)
    except AwsError as error:
        return _unauthorized("invalid_token", error.message)
    if attributes is None:
        return _unauthorized("invalid_token", "The access token has no scope openid")
    return json_answer(attributes)


async def _attributes(call: Call, domain: Domain, text: str) -> dict[str, str] | None:
    scene, claims = await read_access_token(call, text)
    scopes = str(claims.get("scope", "")).split()
    if scene.pool.id != domain.pool or "openid" not in scopes or "username" not in claims:
        return None
    _, user = await signed_in(call, text, "openid")
    shown = shown_attributes(readable(scene.client, user.attributes), scopes)
    return {"sub": user.sub, **shown, **identities_text(user.identities), "username": user.name}


def _unauthorized(code: str, description: str) -> Response:
    header = ("WWW-Authenticate", f'error="{code}", error_description="{description}"')
    return json_answer({"error": code, "error_description": description}, 401, [header])


@transactional
async def _use_up(tx: Transaction, pool: str, key: str) -> AuthorizationCode | None:
    """A code that is still good; it is no more."""
    code = await authorization_codes.get(tx, pool, key)
    if code is None:
        return None
    await authorization_codes.delete(tx, pool, key)
    return code if code.expires > tx.now else None
