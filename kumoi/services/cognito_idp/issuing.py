"""Issuing tokens: claims, the pool's function's changes of them, refresh tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cognito_idp.errors import not_authorized, reused
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import (
    Group,
    RefreshToken,
    Revocation,
    User,
    groups,
    refresh_tokens,
    revocations,
)
from kumoi.services.cognito_idp.sessions import client_in
from kumoi.services.cognito_idp.tokens import LONGEST_SECONDS, claims_of, keyed, sign, validity
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

_LOOKED_AT = 4
"""Refresh tokens that each new one looks at, whether they have expired."""


async def issue(
    call: Call,
    scene: Scene,
    user: User,
    signed_in: float,
    origin: str,
    *,
    with_refresh: bool,
    source: str,
    scopes: tuple[str, ...] | None = None,
    nonce: str | None = None,
    device: str = "",
) -> dict[str, Any]:
    """AuthenticationResult: fresh tokens of a user; of these scopes, where the OAuth endpoints give them.

    `device` is the key of the device that they are for, where the pool tracks devices.
    """
    client = client_in(scene)
    pool = await keyed(call, scene)
    identity, access = claims_of(scene, client, user, call.now, signed_in, origin, scopes)
    if nonce is not None:
        identity["nonce"] = nonce
    if device:
        access["device_key"] = device
    _put_roles(identity, *group_roles(await _groups(scene.state, pool.id, user.groups)))
    await _overridden(call, scene, user, identity, access, source)
    result: dict[str, Any] = {
        "AccessToken": await sign(call, pool, access, 1),
        "IdToken": await sign(call, pool, identity, 0),
        "ExpiresIn": int(validity(client, "AccessToken")),
        "TokenType": "Bearer",
    }
    if with_refresh:
        made = RefreshToken(
            pool=pool.id,
            sub=user.sub,
            digest="",
            user=user.key,
            client=client.id,
            origin=origin,
            signed_in=signed_in,
            expires=call.now + validity(client, "RefreshToken"),
            scopes=scopes,
            device=device,
        )
        result["RefreshToken"], made = _with_text(made)
        await keep_token(scene.state, made)
    return result


async def _overridden(
    call: Call, scene: Scene, user: User, identity: dict[str, Any], access: dict[str, Any], source: str
) -> None:
    """Let the pool's function change the claims."""
    config = (scene.pool.definition.get("LambdaConfig") or {}).get("PreTokenGenerationConfig") or {}
    second = config.get("LambdaVersion") in ("V2_0", "V3_0")
    known = {
        "groupsToOverride": list(user.groups),
        "iamRolesToOverride": identity.get("cognito:roles", []),
        "preferredRole": identity.get("cognito:preferred_role"),
    }
    request: dict[str, Any] = {"userAttributes": attributes_for(user), "groupConfiguration": known}
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
    override = details.get("groupOverrideDetails") or {}
    if isinstance(override.get("groupsToOverride"), list):
        identity["cognito:groups"] = access["cognito:groups"] = override["groupsToOverride"]
    if isinstance(override.get("iamRolesToOverride"), list):
        _put_roles(identity, override["iamRolesToOverride"], override.get("preferredRole"))


def group_roles(found: Sequence[Group]) -> tuple[list[str], str | None]:
    """The roles of somebody's groups, and the preferred one: that of the group of least precedence, if it is alone."""
    ranked = sorted(
        (one for one in found if one.role), key=lambda one: float("inf") if one.precedence is None else one.precedence
    )
    roles = list(dict.fromkeys(one.role for one in ranked if one.role))
    first = {one.role for one in ranked if one.precedence == ranked[0].precedence}
    return roles, first.pop() if len(first) == 1 else None


def _put_roles(identity: dict[str, Any], roles: list[str], preferred: str | None) -> None:
    for name, value in (("cognito:roles", roles), ("cognito:preferred_role", preferred)):
        if value:
            identity[name] = value
        else:
            identity.pop(name, None)


def _apply(claims: dict[str, Any], change: Mapping[str, Any]) -> None:
    for name, value in (change.get("claimsToAddOrOverride") or {}).items():
        if name not in _KEPT_CLAIMS:
            claims[name] = value
    for name in change.get("claimsToSuppress") or ():
        if name not in _KEPT_CLAIMS:
            claims.pop(name, None)


async def rotated(scene: Scene, token: RefreshToken, until: float) -> str:
    """Another refresh token for one, which counts until then; NotAuthorizedException, RefreshTokenReuseException.

    Both are where it was revoked, or rotated by somebody else, since it was looked up.
    """
    text, fresh = _with_text(token)
    await _rotate(scene.state, token, fresh, until)
    return text


def _with_text(token: RefreshToken) -> tuple[str, RefreshToken]:
    """What a client gets, and the refresh token as it is stored: under a digest of that."""
    text = ".".join((token.sub, *(secrets.token_urlsafe(length) for length in (190, 12, 600, 16))))
    return text, msgspec.structs.replace(token, digest=_digest(text), rotated=None)


@transactional
async def _groups(tx: Transaction, pool: str, names: Sequence[str]) -> list[Group]:
    return [found for name in names if (found := await groups.get(tx, pool, name)) is not None]


@transactional
async def keep_token(tx: Transaction, token: RefreshToken) -> None:
    """Store a refresh token. Expired ones next to it go: digests are random, so that the turn of each comes."""
    await refresh_tokens.put(tx, token)
    after = refresh_tokens.key(token)
    for other in await refresh_tokens.list(tx, token.pool, token.sub, after=after, limit=_LOOKED_AT):
        if other.expires <= tx.now:
            await refresh_tokens.delete(tx, *refresh_tokens.key(other))


@transactional
async def _rotate(tx: Transaction, token: RefreshToken, fresh: RefreshToken, until: float) -> None:
    """Have a refresh token count for a while only, and those that were rotated before it not at all."""
    current = await refresh_tokens.get(tx, token.pool, token.sub, token.digest)
    if current is None:
        raise not_authorized("Invalid Refresh Token")
    if current.rotated is not None and current.rotated <= tx.now:
        raise reused()
    for other in await refresh_tokens.list(tx, token.pool, token.sub):
        if other.origin == token.origin and other.rotated is not None and other.digest != token.digest:
            await refresh_tokens.delete(tx, other.pool, other.sub, other.digest)
    if current.rotated is None:
        await refresh_tokens.put(tx, msgspec.structs.replace(current, rotated=until))
    await refresh_tokens.put(tx, fresh)


@transactional
async def token_of(tx: Transaction, pool: str, text: str) -> RefreshToken | None:
    """A refresh token by what the client has, or None."""
    return await refresh_tokens.get(tx, pool, _owner(text), _digest(text))


@transactional
async def revoke(tx: Transaction, pool: str, text: str) -> None:
    """Have a refresh token count no more, nor what is of the same sign-in.

    That is what it was rotated from or to, and the access tokens. What is known of others that have ended goes.
    """
    token = await refresh_tokens.get(tx, pool, _owner(text), _digest(text))
    if token is None:
        return
    for old in await revocations.list(tx, pool, token.sub):
        if old.until <= tx.now:
            await revocations.delete(tx, pool, old.sub, old.origin)
    until = tx.now + LONGEST_SECONDS
    await revocations.put(tx, Revocation(pool=pool, sub=token.sub, origin=token.origin, until=until))
    for other in await refresh_tokens.list(tx, pool, token.sub):
        if other.origin == token.origin:
            await refresh_tokens.delete(tx, pool, other.sub, other.digest)


@transactional
async def is_revoked(tx: Transaction, pool: str, sub: str, origin: str) -> bool:
    """Whether the access tokens of a sign-in count no more."""
    return await revocations.get(tx, pool, sub, origin) is not None


def _owner(text: str) -> str:
    """Whose a refresh token says that it is: it begins with the user's sub."""
    return text.partition(".")[0]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
