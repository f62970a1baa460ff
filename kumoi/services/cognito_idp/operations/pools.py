"""User pools: create, describe, list, update, delete; attributes of their own."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, cognito_idp
from kumoi.services.cognito_idp.errors import invalid, no_pool
from kumoi.services.cognito_idp.lookup import pool_of
from kumoi.services.cognito_idp.operations.domains import domains_of
from kumoi.services.cognito_idp.paging import page
from kumoi.services.cognito_idp.policies import STANDARD, password_policy
from kumoi.services.cognito_idp.records import (
    Place,
    Pool,
    aliases,
    answered,
    authorization_codes,
    clients,
    departures,
    devices,
    groups,
    links,
    places,
    pools,
    providers,
    refresh_tokens,
    resource_servers,
    revocations,
    users,
)
from kumoi.state import Transaction, transactional

_ALPHABET = string.ascii_letters + string.digits
_KEPT = ("WebAuthnConfiguration", "Schema", "AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
"""What UpdateUserPool does not change."""
MFA_MEMBERS = ("SmsMfaConfiguration", "SoftwareTokenMfaConfiguration", "EmailMfaConfiguration")
"""What SetUserPoolMfaConfig gives it, as long as it has second factors at all."""


@cognito_idp.operation
async def create_user_pool(call: Call, PoolName: str, **given: Any) -> dict[str, Any]:
    """Create a pool; its keys are made when a token is first asked for."""
    definition = {name: value for name, value in given.items() if value is not None}
    tags = definition.pop("UserPoolTags", {})
    if definition.get("AliasAttributes") and definition.get("UsernameAttributes"):
        raise invalid("Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")
    pool = Pool(
        id=f"{call.region}_{''.join(secrets.choice(_ALPHABET) for _ in range(9))}",
        name=PoolName,
        created=call.now,
        modified=call.now,
        definition=definition,
        tags=tags,
    )
    await _create(call.state, pool)
    return {"UserPool": describe(call, pool, 0)}


@cognito_idp.operation
async def describe_user_pool(call: Call, UserPoolId: str) -> dict[str, Any]:
    """A pool."""
    scene = await pool_of(call, UserPoolId)
    names = [domain.name for domain in await domains_of(call.state, UserPoolId)]
    return {"UserPool": describe(call, scene.pool, await changes.count(call.state, UserPoolId), names)}


@cognito_idp.operation
async def list_user_pools(call: Call, MaxResults: int, NextToken: str | None = None) -> dict[str, Any]:
    """Pools by id."""
    found = await _list(call.state)
    shown, more = page(found, lambda pool: pool.id, NextToken, MaxResults, "NextToken")
    return {
        "UserPools": [
            {
                "Id": pool.id,
                "Name": pool.name,
                "LambdaConfig": pool.definition.get("LambdaConfig") or {},
                "CreationDate": pool.created,
                "LastModifiedDate": pool.modified,
            }
            for pool in shown
        ],
        **more,
    }


@cognito_idp.operation
async def update_user_pool(call: Call, UserPoolId: str, **given: Any) -> dict[str, Any]:
    """Give a pool another configuration: what is left out is as it is in a new pool, but for what never changes."""
    scene = await pool_of(call, UserPoolId)
    definition = {name: value for name, value in given.items() if value is not None}
    tags = definition.pop("UserPoolTags", None)
    name = definition.pop("PoolName", None)
    fixed = _KEPT if definition.get("MfaConfiguration", "OFF") == "OFF" else (*_KEPT, *MFA_MEMBERS)
    kept = {member: scene.pool.definition[member] for member in fixed if member in scene.pool.definition}
    wanted: dict[str, Any] = {"definition": {**definition, **kept}, "modified": call.now}
    if tags is not None:
        wanted["tags"] = tags
    if name is not None:
        wanted["name"] = name
    await _change(call.state, UserPoolId, wanted)
    return {}


@cognito_idp.operation
async def add_custom_attributes(call: Call, UserPoolId: str, CustomAttributes: list[dict[str, Any]]) -> dict[str, Any]:
    """Add attributes of its own to a pool's schema."""
    scene = await pool_of(call, UserPoolId)
    schema = [*(scene.pool.definition.get("Schema") or ()), *CustomAttributes]
    names = [one.get("Name", "").removeprefix("custom:") for one in schema]
    if len(set(names)) < len(names):
        raise invalid(f"custom:{names[-1]}: Existing attribute already has name custom:{names[-1]}.")
    await _change(call.state, UserPoolId, {"definition": {**scene.pool.definition, "Schema": schema}})
    return {}


@cognito_idp.operation
async def delete_user_pool(call: Call, UserPoolId: str) -> None:
    """Delete a pool with all that is in it."""
    scene = await pool_of(call, UserPoolId)
    if scene.pool.definition.get("DeletionProtection") == "ACTIVE":
        raise invalid(
            "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be "
            "inactivated first."
        )
    if await domains_of(call.state, UserPoolId):
        raise invalid("User pool cannot be deleted. It has a domain configured that should be deleted first.")
    await _delete(call.state, UserPoolId)


def describe(call: Call, pool: Pool, count: int, domains: Sequence[str] = ()) -> dict[str, Any]:
    """UserPoolType."""
    given = pool.definition
    named = {"CustomDomain" if "." in name else "Domain": name for name in domains}
    admin = {
        "AllowAdminCreateUserOnly": False,
        "UnusedAccountValidityDays": 7,
        **(given.get("AdminCreateUserConfig") or {}),
    }
    return {
        "MfaConfiguration": "OFF",
        "DeletionProtection": "INACTIVE",
        "LambdaConfig": {},
        "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
        "UserPoolTier": "ESSENTIALS",
        **{name: value for name, value in given.items() if name not in ("Schema", "AdminCreateUserConfig", "Policies")},
        "Policies": {**(given.get("Policies") or {}), "PasswordPolicy": password_policy(pool)},
        "AdminCreateUserConfig": admin,
        "SchemaAttributes": _schema(pool),
        "Id": pool.id,
        "Name": pool.name,
        "Arn": call.arn("cognito-idp", f"userpool/{pool.id}"),
        "CreationDate": pool.created,
        "LastModifiedDate": pool.modified,
        "EstimatedNumberOfUsers": count,
        "UserPoolTags": pool.tags,
        **named,
    }


def _schema(pool: Pool) -> list[dict[str, Any]]:
    found = []
    for one in pool.definition.get("Schema") or ():
        name = one.get("Name", "")
        if name not in STANDARD:
            name = f"custom:{name.removeprefix('custom:')}"
        found.append({"AttributeDataType": "String", "Mutable": True, "Required": False, **one, "Name": name})
    return found


@transactional
async def _create(tx: Transaction, pool: Pool) -> None:
    await pools.put(tx, pool)
    await places.put(tx, Place(pool.id, tx.account, tx.region, pool.id))


@transactional
async def _delete(tx: Transaction, pool_id: str) -> None:
    for client in await clients.list(tx, pool_id):
        await places.delete(tx, client.id)
    kept = (clients, users, groups, aliases, devices, refresh_tokens, resource_servers, authorization_codes)
    for space in (*kept, revocations, answered, providers, links, departures):
        await space.delete_all(tx, pool_id)
    await pools.delete(tx, pool_id)
    await places.delete(tx, pool_id)


@transactional
async def _change(tx: Transaction, pool_id: str, wanted: dict[str, Any]) -> None:
    pool = await pools.get(tx, pool_id)
    if pool is None:
        raise no_pool(pool_id)
    await pools.put(tx, msgspec.structs.replace(pool, **wanted))


@transactional
async def _list(tx: Transaction) -> list[Pool]:
    return list(await pools.list(tx))
