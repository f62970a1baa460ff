"""Identity pools: create, describe, list, update, delete."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cognito_identity import cognito_identity
from kumoi.services.cognito_identity.errors import conflict, invalid, no_pool
from kumoi.services.cognito_identity.lookup import own_pool
from kumoi.services.cognito_identity.paging import page
from kumoi.services.cognito_identity.records import IdentityPool, Place, identities, logins, places, pools
from kumoi.state import Transaction, transactional

_PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/.+")
_USER_POOL = re.compile(r"cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/[\w-]+")


@cognito_identity.operation
async def create_identity_pool(
    call: Call,
    IdentityPoolName: str,
    AllowUnauthenticatedIdentities: bool,
    IdentityPoolTags: dict[str, str] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Create a pool."""
    pool = IdentityPool(
        id=f"{call.region}:{uuid()}",
        name=IdentityPoolName,
        definition=_definition(AllowUnauthenticatedIdentities, given),
        tags=IdentityPoolTags or {},
    )
    await _create(call.state, pool)
    return _describe(pool)


@cognito_identity.operation
async def describe_identity_pool(call: Call, IdentityPoolId: str) -> dict[str, Any]:
    """A pool."""
    return _describe((await own_pool(call, IdentityPoolId)).pool)


@cognito_identity.operation
async def list_identity_pools(call: Call, MaxResults: int, NextToken: str | None = None) -> dict[str, Any]:
    """Pools by id."""
    shown, more = page(await _list(call.state), lambda pool: pool.id, NextToken, MaxResults)
    return {
        "IdentityPools": [{"IdentityPoolId": pool.id, "IdentityPoolName": pool.name} for pool in shown],
        **more,
    }


@cognito_identity.operation
async def update_identity_pool(
    call: Call,
    IdentityPoolId: str,
    IdentityPoolName: str,
    AllowUnauthenticatedIdentities: bool,
    IdentityPoolTags: dict[str, str] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Change a pool: what is not given is gone, but for the developer provider, which stays as it is."""
    pool = (await own_pool(call, IdentityPoolId)).pool
    definition = _definition(AllowUnauthenticatedIdentities, given)
    name = pool.developer_provider
    if name is not None and definition.setdefault("DeveloperProviderName", name) != name:
        raise invalid("Developer provider name cannot be changed")
    changed = msgspec.structs.replace(pool, name=IdentityPoolName, definition=definition)
    if IdentityPoolTags is not None:
        changed = msgspec.structs.replace(changed, tags=IdentityPoolTags)
    await _replace(call.state, changed)
    return _describe(changed)


@cognito_identity.operation
async def delete_identity_pool(call: Call, IdentityPoolId: str) -> None:
    """Delete a pool and who is in it."""
    await own_pool(call, IdentityPoolId)
    await _delete(call.state, IdentityPoolId)


def _definition(guests: bool, given: dict[str, Any]) -> dict[str, Any]:
    definition = {name: value for name, value in given.items() if value is not None}
    for provider in definition.get("CognitoIdentityProviders") or ():
        if not _USER_POOL.fullmatch(str(provider.get("ProviderName", ""))) or not provider.get("ClientId"):
            raise invalid(
                f"Invalid Cognito Identity Provider {provider.get('ProviderName', '')}: "
                "it is cognito-idp.REGION.amazonaws.com/USER_POOL_ID, with the ClientId of an app client."
            )
    for arn in definition.get("OpenIdConnectProviderARNs") or ():
        if _PROVIDER.fullmatch(arn) is None:
            raise invalid(f"Invalid OpenIdConnect provider ARN: {arn}")
    return {"AllowUnauthenticatedIdentities": guests, **definition}


def _describe(pool: IdentityPool) -> dict[str, Any]:
    found = {"IdentityPoolId": pool.id, "IdentityPoolName": pool.name, **pool.definition}
    return {**found, "IdentityPoolTags": pool.tags} if pool.tags else found


@transactional
async def _create(tx: Transaction, pool: IdentityPool) -> None:
    if any(one.developer_provider == pool.developer_provider for one in await pools.list(tx) if one.developer_provider):
        raise conflict(f"Developer provider name {pool.developer_provider} is already used in another pool.")
    await pools.put(tx, pool)
    await places.put(tx, Place(pool.id, tx.account, tx.region, pool.id))


@transactional
async def _list(tx: Transaction) -> Sequence[IdentityPool]:
    return await pools.list(tx)


@transactional
async def _replace(tx: Transaction, pool: IdentityPool) -> None:
    if await pools.get(tx, pool.id) is None:
        raise no_pool(pool.id)
    await pools.put(tx, pool)


@transactional
async def _delete(tx: Transaction, pool_id: str) -> None:
    for identity in await identities.list(tx, pool_id):
        await places.delete(tx, identity.id)
    await identities.delete_all(tx, pool_id)
    await logins.delete_all(tx, pool_id)
    await pools.delete(tx, pool_id)
    await places.delete(tx, pool_id)
