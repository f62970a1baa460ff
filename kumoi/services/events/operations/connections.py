"""Connections: how API destinations are authorised."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.delivery import DeliveryFailed
from kumoi.doorway import Call
from kumoi.doorway.sealing import Sealer
from kumoi.names import Arn, arn, uuid
from kumoi.services.events import events
from kumoi.services.events.api_destinations import AUTHORIZE, ApiDestinations
from kumoi.services.events.connection_secrets import seal
from kumoi.services.events.naming import exists, invalid, not_found, page
from kumoi.services.events.records import Connection, connections
from kumoi.state import Transaction, transactional

_PARAMETERS = {
    "BASIC": "BasicAuthParameters",
    "API_KEY": "ApiKeyAuthParameters",
    "OAUTH_CLIENT_CREDENTIALS": "OAuthParameters",
}
_SECRETS = frozenset({"Password", "ApiKeyValue", "ClientSecret"})


@events.operation
async def create_connection(
    call: Call, Name: str, AuthorizationType: str, AuthParameters: dict[str, Any], Description: str | None = None
) -> dict[str, Any]:
    """Create a connection; one with OAuth is AUTHORIZING until its token has been fetched."""
    _check(AuthorizationType, AuthParameters)
    connection_id = uuid()
    secret = f"events!connection/{Name}/{uuid()}"
    connection = Connection(
        name=Name,
        id=connection_id,
        token_id=uuid(),
        authorization_type=AuthorizationType,
        sealed=seal(call.doorway.identity.sealer, connection_id, AuthParameters),
        shown=_shown(AuthParameters),
        state=_first_state(AuthorizationType),
        description=Description,
        secret_arn=arn("secretsmanager", call.region, call.account, f"secret:{secret}-{connection_id[:6]}"),
        created=call.now,
        modified=call.now,
        authorized=None if AuthorizationType == "OAUTH_CLIENT_CREDENTIALS" else call.now,
    )
    await _create(call.state, connection)
    return _answer(call, connection)


@events.operation
async def update_connection(
    call: Call,
    Name: str,
    Description: str | None = None,
    AuthorizationType: str | None = None,
    AuthParameters: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Change what is given of a connection; its authorisation is checked anew."""
    sealer = call.doorway.identity.sealer
    return _answer(call, await _update(call.state, sealer, Name, Description, AuthorizationType, AuthParameters))


@events.operation
async def describe_connection(call: Call, Name: str) -> dict[str, Any]:
    """A connection without its secrets."""
    connection = await find_connection(call.state, Name)
    return {
        **_summary(call, connection),
        "Description": connection.description,
        "SecretArn": connection.secret_arn,
        "AuthParameters": connection.shown,
    }


@events.operation
async def retrieve_connection_credentials(call: Call, ConnectionArn: str) -> dict[str, dict[str, str]]:
    """What a connection adds to a request, with its secrets. For services, not on the wire."""
    try:
        arn_of = Arn.parse(ConnectionArn)
        state = call.doorway.state.at(arn_of.account or call.account, arn_of.region or call.region)
        return await call.part(ApiDestinations).parameters(state, arn_of)
    except (DeliveryFailed, ValueError) as error:
        raise not_found(str(error)) from None


@events.operation
async def list_connections(
    call: Call,
    NamePrefix: str = "",
    ConnectionState: str | None = None,
    NextToken: str | None = None,
    Limit: int | None = None,
) -> dict[str, Any]:
    """Connections by name."""
    found = [
        connection
        for connection in await _all(call.state)
        if connection.name.startswith(NamePrefix) and ConnectionState in (None, connection.state)
    ]
    shown, more = page(found, lambda connection: connection.name, NextToken, Limit)
    return {"Connections": [_summary(call, connection) for connection in shown], **more}


@events.operation
async def deauthorize_connection(call: Call, Name: str) -> dict[str, Any]:
    """Take a connection's authorisation away, its secrets with it."""
    return _answer(call, await _deauthorize(call.state, Name))


@events.operation
async def delete_connection(call: Call, Name: str) -> dict[str, Any]:
    """Delete a connection."""
    connection = await _delete(call.state, Name)
    return _answer(call, msgspec.structs.replace(connection, state="DELETING"))


@transactional
async def find_connection(tx: Transaction, name: str) -> Connection:
    """The connection of that name."""
    connection = await connections.get(tx, name)
    if connection is None:
        raise not_found(f"Failed to describe the connection(s). Connection '{name}' does not exist.")
    return connection


def connection_arn(call: Call, connection: Connection) -> str:
    """A connection's ARN."""
    return call.arn("events", f"connection/{connection.name}/{connection.id}")


def _check(kind: str, parameters: dict[str, Any]) -> None:
    given = [name for name in _PARAMETERS.values() if name in parameters]
    if given != [_PARAMETERS[kind]]:
        raise invalid("AuthParameters", f"{_PARAMETERS[kind]} and no other must be provided for {kind}.")


def _first_state(kind: str) -> str:
    return "AUTHORIZING" if kind == "OAUTH_CLIENT_CREDENTIALS" else "AUTHORIZED"


def _shown(parameters: Any) -> Any:
    """Parameters without their secrets."""
    if isinstance(parameters, dict):
        secret = parameters.get("IsValueSecret")
        return {
            name: _shown(value)
            for name, value in parameters.items()
            if name not in _SECRETS and not (secret and name == "Value")
        }
    return [_shown(one) for one in parameters] if isinstance(parameters, list) else parameters


def _summary(call: Call, connection: Connection) -> dict[str, Any]:
    return {
        "Name": connection.name,
        "AuthorizationType": connection.authorization_type,
        "StateReason": connection.reason,
        **_answer(call, connection),
    }


def _answer(call: Call, connection: Connection) -> dict[str, Any]:
    return {
        "ConnectionArn": connection_arn(call, connection),
        "ConnectionState": connection.state,
        "CreationTime": connection.created,
        "LastModifiedTime": connection.modified,
        "LastAuthorizedTime": connection.authorized,
    }


@transactional
async def _create(tx: Transaction, connection: Connection) -> None:
    if await connections.get(tx, connection.name) is not None:
        raise exists(f"Connection {connection.name} already exists.")
    await _store(tx, connection)


async def _store(tx: Transaction, connection: Connection) -> None:
    await connections.put(tx, connection)
    if connection.state == "AUTHORIZING":
        tx.timer(tx.now, AUTHORIZE, connection.name.encode(), key=connection.name)


@transactional
async def _update(
    tx: Transaction, sealer: Sealer, name: str, description: str | None, kind: str | None, given: dict[str, Any] | None
) -> Connection:
    connection = await find_connection(tx, name)
    kind = kind or connection.authorization_type
    _check(kind, connection.shown if given is None else given)
    if given is not None:
        connection = msgspec.structs.replace(
            connection,
            token_id=uuid(),
            sealed=seal(sealer, connection.id, given),
            shown=_shown(given),
            authorization_type=kind,
            state=_first_state(kind),
            reason=None,
            authorized=tx.now if _first_state(kind) == "AUTHORIZED" else None,
        )
    if description is not None:
        connection = msgspec.structs.replace(connection, description=description)
    connection = msgspec.structs.replace(connection, modified=tx.now)
    await _store(tx, connection)
    return connection


@transactional
async def _all(tx: Transaction) -> list[Connection]:
    return await connections.list(tx)


@transactional
async def _deauthorize(tx: Transaction, name: str) -> Connection:
    connection = await find_connection(tx, name)
    connection = msgspec.structs.replace(
        connection, state="DEAUTHORIZED", sealed=None, token_id=uuid(), modified=tx.now
    )
    await connections.put(tx, connection)
    tx.cancel_timer(AUTHORIZE, name)
    return connection


@transactional
async def _delete(tx: Transaction, name: str) -> Connection:
    connection = await find_connection(tx, name)
    await connections.delete(tx, name)
    tx.cancel_timer(AUTHORIZE, name)
    return connection
