"""App clients: create, describe, list, update, delete."""

from __future__ import annotations

import secrets
import string
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cognito_idp import cognito_idp
from kumoi.services.cognito_idp.errors import invalid, no_client
from kumoi.services.cognito_idp.identity_providers import check_supported
from kumoi.services.cognito_idp.lookup import Scene, pool_of, providers_of
from kumoi.services.cognito_idp.paging import page
from kumoi.services.cognito_idp.records import Client, Place, clients, places
from kumoi.state import Transaction, transactional

_ALPHABET = string.ascii_lowercase + string.digits
_OLD = frozenset(("ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH"))


def _made_up(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


@cognito_idp.operation
async def create_user_pool_client(
    call: Call, UserPoolId: str, ClientName: str, GenerateSecret: bool = False, **given: Any
) -> dict[str, Any]:
    """Create an app client."""
    scene = await pool_of(call, UserPoolId)
    definition = _definition(given)
    await _check_providers(scene, definition)
    client = Client(
        id=_made_up(26),
        pool=UserPoolId,
        name=ClientName,
        secret=_made_up(51) if GenerateSecret else definition.pop("ClientSecret", ""),
        created=call.now,
        modified=call.now,
        definition=definition,
    )
    await _create(call.state, client)
    return {"UserPoolClient": _describe(client)}


@cognito_idp.operation
async def describe_user_pool_client(call: Call, UserPoolId: str, ClientId: str) -> dict[str, Any]:
    """An app client, its secret included."""
    await pool_of(call, UserPoolId)
    return {"UserPoolClient": _describe(await _get(call.state, UserPoolId, ClientId))}


@cognito_idp.operation
async def list_user_pool_clients(
    call: Call, UserPoolId: str, MaxResults: int = 60, NextToken: str | None = None
) -> dict[str, Any]:
    """The app clients of a pool."""
    await pool_of(call, UserPoolId)
    found = await _list(call.state, UserPoolId)
    shown, more = page(found, lambda client: client.id, NextToken, MaxResults, "NextToken")
    listed = [{"ClientId": one.id, "UserPoolId": one.pool, "ClientName": one.name} for one in shown]
    return {"UserPoolClients": listed, **more}


@cognito_idp.operation
async def update_user_pool_client(
    call: Call, UserPoolId: str, ClientId: str, ClientName: str | None = None, **given: Any
) -> dict[str, Any]:
    """Give an app client another configuration; what is left out is as it is in a new one."""
    scene = await pool_of(call, UserPoolId)
    current = await _get(call.state, UserPoolId, ClientId)
    definition = _definition(given)
    await _check_providers(scene, definition)
    client = msgspec.structs.replace(current, name=ClientName or current.name, definition=definition, modified=call.now)
    await _put(call.state, client)
    return {"UserPoolClient": _describe(client)}


@cognito_idp.operation
async def delete_user_pool_client(call: Call, UserPoolId: str, ClientId: str) -> None:
    """Delete an app client."""
    await pool_of(call, UserPoolId)
    await _get(call.state, UserPoolId, ClientId)
    await _delete(call.state, UserPoolId, ClientId)


def _definition(given: dict[str, Any]) -> dict[str, Any]:
    definition = {name: value for name, value in given.items() if value is not None}
    flows = set(definition.get("ExplicitAuthFlows") or ())
    if flows & _OLD and flows - _OLD:
        raise invalid("Explicit auth flows with and without the prefix ALLOW_ cannot be given together.")
    rotation = definition.get("RefreshTokenRotation") or {}
    if rotation.get("Feature") == "ENABLED" and "ALLOW_REFRESH_TOKEN_AUTH" in flows:
        raise invalid("ALLOW_REFRESH_TOKEN_AUTH cannot be enabled where refresh tokens are rotated.")
    for kind, least, most in (
        ("RefreshToken", 3_600, 315_360_000),
        ("AccessToken", 300, 86_400),
        ("IdToken", 300, 86_400),
    ):
        amount = definition.get(f"{kind}Validity")
        usual = "days" if kind == "RefreshToken" else "hours"
        unit = (definition.get("TokenValidityUnits") or {}).get(kind, usual)
        seconds = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}[unit] * (amount or 0)
        if amount and not least <= seconds <= most:
            raise invalid(f"Invalid range for {kind} validity.")
    return definition


async def _check_providers(scene: Scene, definition: dict[str, Any]) -> None:
    """Raise InvalidParameterException for identity providers that are not the pool's."""
    wanted = definition.get("SupportedIdentityProviders")
    if wanted:
        known = await providers_of(scene.state, scene.pool.id)
        check_supported(scene.pool, wanted, (one.name for one in known))


def _describe(client: Client) -> dict[str, Any]:
    found = {
        "RefreshTokenValidity": 30,
        "TokenValidityUnits": {},
        "AllowedOAuthFlowsUserPoolClient": False,
        "EnableTokenRevocation": True,
        "EnablePropagateAdditionalUserContextData": False,
        "AuthSessionValidity": 3,
        **client.definition,
        "UserPoolId": client.pool,
        "ClientName": client.name,
        "ClientId": client.id,
        "CreationDate": client.created,
        "LastModifiedDate": client.modified,
    }
    return {**found, "ClientSecret": client.secret} if client.secret else found


@transactional
async def _create(tx: Transaction, client: Client) -> None:
    await clients.put(tx, client)
    await places.put(tx, Place(client.id, tx.account, tx.region, client.pool))


@transactional
async def _put(tx: Transaction, client: Client) -> None:
    await clients.put(tx, client)


@transactional
async def _get(tx: Transaction, pool: str, client_id: str) -> Client:
    found = await clients.get(tx, pool, client_id)
    if found is None:
        raise no_client(client_id)
    return found


@transactional
async def _list(tx: Transaction, pool: str) -> list[Client]:
    return list(await clients.list(tx, pool))


@transactional
async def _delete(tx: Transaction, pool: str, client_id: str) -> None:
    await clients.delete(tx, pool, client_id)
    await places.delete(tx, client_id)
