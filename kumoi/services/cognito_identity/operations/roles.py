"""The roles of a pool, and which claims of tokens become session tags."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cognito_identity import cognito_identity
from kumoi.services.cognito_identity.errors import invalid, no_pool
from kumoi.services.cognito_identity.lookup import own_pool
from kumoi.services.cognito_identity.records import TagMap, pools
from kumoi.state import Transaction, transactional

_KINDS = ("authenticated", "unauthenticated")
_MOST_RULES = 25


@cognito_identity.operation
async def set_identity_pool_roles(
    call: Call, IdentityPoolId: str, Roles: dict[str, str], RoleMappings: dict[str, Any] | None = None
) -> None:
    """Set the roles of a pool, and how a provider's tokens choose other ones."""
    await own_pool(call, IdentityPoolId)
    for kind in Roles:
        if kind not in _KINDS:
            raise invalid(f"Invalid role type {kind}: it is authenticated or unauthenticated.")
    for provider, mapping in (RoleMappings or {}).items():
        _check(provider, mapping)
    await _change(call.state, IdentityPoolId, {"roles": Roles, "mappings": RoleMappings or {}})


@cognito_identity.operation
async def get_identity_pool_roles(call: Call, IdentityPoolId: str) -> dict[str, Any]:
    """The roles of a pool."""
    pool = (await own_pool(call, IdentityPoolId)).pool
    found: dict[str, Any] = {"IdentityPoolId": pool.id}
    if pool.roles:
        found["Roles"] = pool.roles
    return {**found, "RoleMappings": pool.mappings} if pool.mappings else found


@cognito_identity.operation
async def set_principal_tag_attribute_map(
    call: Call,
    IdentityPoolId: str,
    IdentityProviderName: str,
    UseDefaults: bool = True,
    PrincipalTags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Have claims of a provider's tokens become session tags."""
    pool = (await own_pool(call, IdentityPoolId)).pool
    mapped = TagMap(UseDefaults and not PrincipalTags, PrincipalTags or {})
    await _change(call.state, IdentityPoolId, {"tag_maps": {**pool.tag_maps, IdentityProviderName: mapped}})
    return _shown(IdentityPoolId, IdentityProviderName, mapped)


@cognito_identity.operation
async def get_principal_tag_attribute_map(call: Call, IdentityPoolId: str, IdentityProviderName: str) -> dict[str, Any]:
    """Which claims of a provider's tokens become session tags."""
    pool = (await own_pool(call, IdentityPoolId)).pool
    return _shown(IdentityPoolId, IdentityProviderName, pool.tag_maps.get(IdentityProviderName) or TagMap(False))


def _shown(pool: str, provider: str, mapped: TagMap) -> dict[str, Any]:
    found: dict[str, Any] = {"IdentityPoolId": pool, "IdentityProviderName": provider, "UseDefaults": mapped.defaults}
    tags = {"username": "sub", "client": "aud"} if mapped.defaults else mapped.tags
    return {**found, "PrincipalTags": tags} if tags else found


def _check(provider: str, mapping: dict[str, Any]) -> None:
    rules = (mapping.get("RulesConfiguration") or {}).get("Rules")
    if mapping["Type"] == "Rules" and not rules:
        raise invalid(f"RulesConfiguration is required for the role mapping of {provider}.")
    if mapping["Type"] == "Token" and rules:
        raise invalid(f"RulesConfiguration is not for the role mapping of {provider}, which is of type Token.")
    if len(rules or ()) > _MOST_RULES:
        raise invalid(f"A role mapping can have up to {_MOST_RULES} rules.")
    if not mapping.get("AmbiguousRoleResolution"):
        raise invalid(f"AmbiguousRoleResolution is required for the role mapping of {provider}.")


@transactional
async def _change(tx: Transaction, pool_id: str, changes: dict[str, Any]) -> None:
    pool = await pools.get(tx, pool_id)
    if pool is None:
        raise no_pool(pool_id)
    await pools.put(tx, msgspec.structs.replace(pool, **changes))
