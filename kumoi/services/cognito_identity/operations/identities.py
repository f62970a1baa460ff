"""Identities: found or made by logins, described, listed, unlinked, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_identity import cognito_identity
from kumoi.services.cognito_identity.errors import not_authorized
from kumoi.services.cognito_identity.linking import Pair, drop, identified, unlink
from kumoi.services.cognito_identity.logins import taken
from kumoi.services.cognito_identity.lookup import identity_anywhere, own_identity, own_pool, pool_anywhere
from kumoi.services.cognito_identity.paging import MOST, page, read_token
from kumoi.services.cognito_identity.records import Identity, identities, places
from kumoi.state import Transaction, transactional


@cognito_identity.operation
async def get_id(
    call: Call, IdentityPoolId: str, Logins: dict[str, str] | None = None, AccountId: str | None = None
) -> dict[str, Any]:
    """The identity of somebody who signed in, or a new guest's."""
    scene = await pool_anywhere(call, IdentityPoolId)
    proofs = await taken(call, scene.pool, Logins)
    if not proofs and not scene.pool.definition.get("AllowUnauthenticatedIdentities"):
        raise not_authorized("Unauthenticated access is not supported for this identity pool.")
    pairs = [(proof.provider, proof.subject) for proof in proofs]
    return {"IdentityId": (await identified(scene.state, IdentityPoolId, pairs)).id}


@cognito_identity.operation
async def describe_identity(call: Call, IdentityId: str) -> dict[str, Any]:
    """An identity."""
    _, identity = await own_identity(call, IdentityId)
    return _describe(identity)


@cognito_identity.operation
async def list_identities(
    call: Call,
    IdentityPoolId: str,
    MaxResults: int,
    NextToken: str | None = None,
    HideDisabled: bool = False,
) -> dict[str, Any]:
    """The identities of a pool; none are ever disabled."""
    scene = await own_pool(call, IdentityPoolId)
    after = None if NextToken is None else read_token(NextToken)
    found = await _some(scene.state, IdentityPoolId, after, (MaxResults or MOST) + 1)
    shown, more = page(found, lambda one: one.id, None, MaxResults)
    return {"IdentityPoolId": IdentityPoolId, "Identities": [_describe(one) for one in shown], **more}


@cognito_identity.operation
async def delete_identities(call: Call, IdentityIdsToDelete: list[str]) -> dict[str, Any]:
    """Delete identities; those of others are left, and so are those that are not there."""
    for identity_id in IdentityIdsToDelete:
        await _delete(call.state, identity_id)
    return {"UnprocessedIdentityIds": []}


@cognito_identity.operation
async def unlink_identity(call: Call, IdentityId: str, Logins: dict[str, str], LoginsToRemove: list[str]) -> None:
    """Take logins from an identity, whoever proves one of them."""
    scene, identity = await identity_anywhere(call, IdentityId)
    proofs = await taken(call, scene.pool, Logins)
    if not {(proof.provider, proof.subject) for proof in proofs} & set(identity.logins):
        raise not_authorized("Logins don't match. Please include at least one valid login for this identity.")
    gone = [pair for pair in identity.logins if pair[0] in LoginsToRemove]
    await _unlink(scene.state, IdentityId, scene.pool.id, gone)


def _describe(identity: Identity) -> dict[str, Any]:
    found: dict[str, Any] = {
        "IdentityId": identity.id,
        "CreationDate": identity.created,
        "LastModifiedDate": identity.modified,
    }
    providers = list(dict.fromkeys(provider for provider, _ in identity.logins))
    return {**found, "Logins": providers} if providers else found


@transactional
async def _some(tx: Transaction, pool: str, after: str | None, most: int) -> Sequence[Identity]:
    return await identities.list(tx, pool, after=None if after is None else (pool, after), limit=most)


@transactional
async def _delete(tx: Transaction, identity_id: str) -> None:
    place = await places.get(tx, identity_id)
    if place is None or (place.account, place.region) != (tx.account, tx.region):
        return
    identity = await identities.get(tx, place.pool, identity_id)
    if identity is not None:
        await drop(tx, identity)


@transactional
async def _unlink(tx: Transaction, identity_id: str, pool: str, pairs: Sequence[Pair]) -> None:
    identity = await identities.get(tx, pool, identity_id)
    if identity is not None:
        await unlink(tx, identity, pairs)
