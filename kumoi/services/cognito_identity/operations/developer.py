"""Users that the application's own back end vouches for ("developer authenticated identities")."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_identity import cognito_identity
from kumoi.services.cognito_identity.errors import conflict, invalid, no_identity, not_authorized
from kumoi.services.cognito_identity.linking import drop, identified, link, unlink
from kumoi.services.cognito_identity.logins import taken
from kumoi.services.cognito_identity.lookup import own_identity, own_pool
from kumoi.services.cognito_identity.paging import page
from kumoi.services.cognito_identity.records import Identity, IdentityPool, identities, logins
from kumoi.services.cognito_identity.tokens import claims_of, sign
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_USUAL_SECONDS = 900


@cognito_identity.operation
async def get_open_id_token_for_developer_identity(
    call: Call,
    IdentityPoolId: str,
    Logins: dict[str, str],
    IdentityId: str | None = None,
    PrincipalTags: dict[str, str] | None = None,
    TokenDuration: int | None = None,
) -> dict[str, Any]:
    """A token for a user of one's own: the identity is made where the user has none."""
    scene = await own_pool(call, IdentityPoolId)
    provider = _provider(scene.pool)
    if provider not in Logins:
        raise invalid(f"Logins has to name a user under {provider}.")
    others = {name: token for name, token in Logins.items() if name != provider}
    proofs = await taken(call, scene.pool, others)
    pairs = [(provider, Logins[provider]), *((proof.provider, proof.subject) for proof in proofs)]
    identity = await _of(scene.state, IdentityPoolId, IdentityId, pairs)
    listed = [name for name, _ in pairs]
    seconds = TokenDuration or _USUAL_SECONDS
    return {
        "IdentityId": identity.id,
        "Token": await sign(call, claims_of(identity, listed, PrincipalTags or {}, call.now, seconds)),
    }


@cognito_identity.operation
async def lookup_developer_identity(
    call: Call,
    IdentityPoolId: str,
    IdentityId: str | None = None,
    DeveloperUserIdentifier: str | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The identity of a user of one's own, or the users of an identity."""
    scene = await own_pool(call, IdentityPoolId)
    provider = _provider(scene.pool)
    if IdentityId is None and DeveloperUserIdentifier is None:
        raise invalid("Either IdentityId or DeveloperUserIdentifier must be specified.")
    if DeveloperUserIdentifier is not None:
        found = await _identity_of(scene.state, IdentityPoolId, provider, DeveloperUserIdentifier)
        if IdentityId is not None and found.id != IdentityId:
            raise conflict("The identity and the developer user identifier do not belong together.")
        return {"IdentityId": found.id, "DeveloperUserIdentifierList": [DeveloperUserIdentifier]}
    assert IdentityId is not None
    _, identity = await own_identity(call, IdentityId)
    users = [subject for name, subject in identity.logins if name == provider]
    shown, more = page(users, lambda one: one, NextToken, MaxResults)
    return {"IdentityId": IdentityId, "DeveloperUserIdentifierList": list(shown), **more}


@cognito_identity.operation
async def merge_developer_identities(
    call: Call,
    SourceUserIdentifier: str,
    DestinationUserIdentifier: str,
    DeveloperProviderName: str,
    IdentityPoolId: str,
) -> dict[str, Any]:
    """Give what one user's identity has to another's; the first is gone."""
    scene = await own_pool(call, IdentityPoolId)
    _check_provider(scene.pool, DeveloperProviderName)
    source = await _identity_of(scene.state, IdentityPoolId, DeveloperProviderName, SourceUserIdentifier)
    wanted = await _identity_of(scene.state, IdentityPoolId, DeveloperProviderName, DestinationUserIdentifier)
    if source.id == wanted.id:
        raise conflict("The users have the same identity already.")
    await _merge(scene.state, IdentityPoolId, source.id, wanted.id)
    return {"IdentityId": wanted.id}


@cognito_identity.operation
async def unlink_developer_identity(
    call: Call, IdentityId: str, IdentityPoolId: str, DeveloperProviderName: str, DeveloperUserIdentifier: str
) -> None:
    """Take a user of one's own from an identity."""
    scene = await own_pool(call, IdentityPoolId)
    _check_provider(scene.pool, DeveloperProviderName)
    pair = (DeveloperProviderName, DeveloperUserIdentifier)
    found = await _identity_of(scene.state, IdentityPoolId, *pair)
    if found.id != IdentityId:
        raise no_identity(IdentityId)
    await _unlink(scene.state, IdentityPoolId, IdentityId, pair)


def _provider(pool: IdentityPool) -> str:
    if pool.developer_provider is None:
        raise not_authorized("The identity pool has no developer provider.")
    return pool.developer_provider


def _check_provider(pool: IdentityPool, name: str) -> None:
    if _provider(pool) != name:
        raise invalid(f"{name} is not the developer provider of the identity pool.")


@transactional
async def _of(tx: Transaction, pool: str, identity_id: str | None, pairs: list[tuple[str, str]]) -> Identity:
    if identity_id is None:
        return await identified(tx, pool, pairs)
    identity = await identities.get(tx, pool, identity_id)
    if identity is None:
        raise no_identity(identity_id)
    for pair in pairs:
        login = await logins.get(tx, pool, *pair)
        if login is not None and login.identity != identity_id:
            raise aws_error(
                "DeveloperUserAlreadyRegisteredException",
                f"Developer user identifier {pair[1]} is already linked to another identity.",
            )
    return await link(tx, identity, pairs)


@transactional
async def _identity_of(tx: Transaction, pool: str, provider: str, user: str) -> Identity:
    login = await logins.get(tx, pool, provider, user)
    identity = await identities.get(tx, pool, login.identity) if login is not None else None
    if identity is None:
        raise aws_error("ResourceNotFoundException", f"Developer user identifier '{user}' not found.")
    return identity


@transactional
async def _merge(tx: Transaction, pool: str, source_id: str, wanted_id: str) -> None:
    source, wanted = await identities.get(tx, pool, source_id), await identities.get(tx, pool, wanted_id)
    if source is None or wanted is None:
        raise no_identity(source_id if source is None else wanted_id)
    await drop(tx, source)
    await link(tx, wanted, source.logins)


@transactional
async def _unlink(tx: Transaction, pool: str, identity_id: str, pair: tuple[str, str]) -> None:
    identity = await identities.get(tx, pool, identity_id)
    if identity is None:
        raise no_identity(identity_id)
    await unlink(tx, identity, [pair])
