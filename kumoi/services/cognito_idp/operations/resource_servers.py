"""Resource servers: the APIs that access tokens are for, and their scopes."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_idp import cognito_idp
from kumoi.services.cognito_idp.errors import invalid
from kumoi.services.cognito_idp.lookup import pool_of
from kumoi.services.cognito_idp.paging import page
from kumoi.services.cognito_idp.records import ResourceServer, resource_servers
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_MOST_SCOPES = 100


@cognito_idp.operation
async def create_resource_server(
    call: Call, UserPoolId: str, Identifier: str, Name: str, Scopes: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Add a resource server to a pool."""
    await pool_of(call, UserPoolId)
    server = _server(UserPoolId, Identifier, Name, Scopes)
    await _create(call.state, server)
    return {"ResourceServer": _describe(server)}


@cognito_idp.operation
async def describe_resource_server(call: Call, UserPoolId: str, Identifier: str) -> dict[str, Any]:
    """A resource server."""
    await pool_of(call, UserPoolId)
    return {"ResourceServer": _describe(await _get(call.state, UserPoolId, Identifier))}


@cognito_idp.operation
async def list_resource_servers(
    call: Call, UserPoolId: str, MaxResults: int = 50, NextToken: str | None = None
) -> dict[str, Any]:
    """The resource servers of a pool."""
    await pool_of(call, UserPoolId)
    found = await _list(call.state, UserPoolId)
    shown, more = page(found, lambda one: one.identifier, NextToken, MaxResults, "NextToken")
    return {"ResourceServers": [_describe(one) for one in shown], **more}


@cognito_idp.operation
async def update_resource_server(
    call: Call, UserPoolId: str, Identifier: str, Name: str, Scopes: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Give a resource server another name and other scopes."""
    await pool_of(call, UserPoolId)
    await _get(call.state, UserPoolId, Identifier)
    server = _server(UserPoolId, Identifier, Name, Scopes)
    await _put(call.state, server)
    return {"ResourceServer": _describe(server)}


@cognito_idp.operation
async def delete_resource_server(call: Call, UserPoolId: str, Identifier: str) -> None:
    """Take a resource server from a pool."""
    await pool_of(call, UserPoolId)
    await _get(call.state, UserPoolId, Identifier)
    await _delete(call.state, UserPoolId, Identifier)


def _server(pool: str, identifier: str, name: str, scopes: list[dict[str, str]] | None) -> ResourceServer:
    named = {one["ScopeName"]: one["ScopeDescription"] for one in scopes or ()}
    if len(scopes or ()) > _MOST_SCOPES:
        raise invalid(f"A resource server can have up to {_MOST_SCOPES} scopes.")
    return ResourceServer(pool=pool, identifier=identifier, name=name, scopes=named)


def _describe(server: ResourceServer) -> dict[str, Any]:
    scopes = [{"ScopeName": name, "ScopeDescription": text} for name, text in server.scopes.items()]
    return {"UserPoolId": server.pool, "Identifier": server.identifier, "Name": server.name, "Scopes": scopes}


@transactional
async def _create(tx: Transaction, server: ResourceServer) -> None:
    if await resource_servers.get(tx, server.pool, server.identifier) is not None:
        raise invalid(f"{server.identifier} already exists in user pool {server.pool}.")
    await resource_servers.put(tx, server)


@transactional
async def _get(tx: Transaction, pool: str, identifier: str) -> ResourceServer:
    found = await resource_servers.get(tx, pool, identifier)
    if found is None:
        raise aws_error("ResourceNotFoundException", f"Resource server {identifier} does not exist.")
    return found


@transactional
async def _list(tx: Transaction, pool: str) -> list[ResourceServer]:
    return await resource_servers.list(tx, pool)


@transactional
async def _put(tx: Transaction, server: ResourceServer) -> None:
    await resource_servers.put(tx, server)


@transactional
async def _delete(tx: Transaction, pool: str, identifier: str) -> None:
    await resource_servers.delete(tx, pool, identifier)
