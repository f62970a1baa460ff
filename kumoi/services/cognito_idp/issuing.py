"""Issuing tokens: claims, the pool's function's changes of them, refresh tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import RefreshToken, User, refresh_tokens
from kumoi.services.cognito_idp.sessions import client_in
from kumoi.services.cognito_idp.tokens import claims_of, keyed, sign, validity
from kumoi.services.cognito_idp.triggers import attributes_for, trigger
from kumoi.state import Transaction, transactional

_KEPT_CLAIMS = frozenset(
    (
        "acr",
        "amr",
        "at_hash",
        "auth_time",
        "azp",
        "exp",
        "iat",
        "iss",
        "jti",
        "nbf",
        "nonce",
        "origin_jti",
        "sub",
        "token_use",
    )
)


async def issue(
    call: Call, scene: Scene, user: User, signed_in: float, origin: str, *, with_refresh: bool, source: str
) -> dict[str, Any]:
    """AuthenticationResult: fresh tokens of a user."""
    client = client_in(scene)
    pool = await keyed(call, scene)
    identity, access = claims_of(scene, client, user, call.now, signed_in, origin)
    await _overridden(call, scene, user, identity, access, source)
    result: dict[str, Any] = {
        "AccessToken": await sign(call, pool, access, 1),
        "IdToken": await sign(call, pool, identity, 0),
        "ExpiresIn": int(validity(client, "AccessToken")),
        "TokenType": "Bearer",
    }
    if with_refresh:
        token = ".".join((user.sub, *(secrets.token_urlsafe(length) for length in (190, 12, 600, 16))))
        await _keep_token(
            scene.state,
            RefreshToken(
                pool=pool.id,
                sub=user.sub,
                digest=_digest(token),
                user=user.key,
                client=client.id,
                origin=origin,
                signed_in=signed_in,
                expires=call.now + validity(client, "RefreshToken"),
            ),
        )
        result["RefreshToken"] = token
    return result


async def _overridden(
    call: Call, scene: Scene, user: User, identity: dict[str, Any], access: dict[str, Any], source: str
) -> None:
    """Let the pool's function change the claims."""
    config = (scene.pool.definition.get("LambdaConfig") or {}).get("PreTokenGenerationConfig") or {}
    second = config.get("LambdaVersion") in ("V2_0", "V3_0")
    groups = {"groupsToOverride": list(user.groups), "iamRolesToOverride": [], "preferredRole": None}
    request: dict[str, Any] = {"userAttributes": attributes_for(user), "groupConfiguration": groups}
    member = "claimsAndScopeOverrideDetails" if second else "claimsOverrideDetails"
    if second:
        request["scopes"] = access["scope"].split()
    answer = await trigger(
        call, scene, "PreTokenGeneration", source, user.name, request, {member: None}, version="2" if second else "1"
    )
    details = (answer or {}).get(member) or {}
    _apply(identity, details.get("idTokenGeneration") or {} if second else details)
    if second:
        change = details.get("accessTokenGeneration") or {}
        _apply(access, change)
        scopes = [one for one in access["scope"].split() if one not in (change.get("scopesToSuppress") or ())]
        access["scope"] = " ".join([*scopes, *(change.get("scopesToAdd") or ())])
    override = (details.get("groupOverrideDetails") or {}).get("groupsToOverride")
    if isinstance(override, list):
        identity["cognito:groups"] = access["cognito:groups"] = override


def _apply(claims: dict[str, Any], change: Mapping[str, Any]) -> None:
    for name, value in (change.get("claimsToAddOrOverride") or {}).items():
        if name not in _KEPT_CLAIMS:
            claims[name] = value
    for name in change.get("claimsToSuppress") or ():
        if name not in _KEPT_CLAIMS:
            claims.pop(name, None)


@transactional
async def _keep_token(tx: Transaction, token: RefreshToken) -> None:
    await refresh_tokens.put(tx, token)


@transactional
async def token_of(tx: Transaction, pool: str, text: str) -> RefreshToken | None:
    """A refresh token by what the client has, or None."""
    return await refresh_tokens.get(tx, pool, _owner(text), _digest(text))


@transactional
async def revoke(tx: Transaction, pool: str, text: str) -> None:
    """Have a refresh token count no more."""
    await refresh_tokens.delete(tx, pool, _owner(text), _digest(text))


def _owner(text: str) -> str:
    """Whose a refresh token says that it is: it begins with the user's sub."""
    return text.partition(".")[0]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
