"""API destinations: HTTP endpoints that rules deliver to."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn, uuid
from kumoi.services.events import events
from kumoi.services.events.api_destinations import name_of
from kumoi.services.events.naming import exists, invalid, not_found, page
from kumoi.services.events.operations.connections import find_connection
from kumoi.services.events.records import ApiDestination, connections, destinations
from kumoi.state import Transaction, transactional


@events.operation
async def create_api_destination(
    call: Call,
    Name: str,
    ConnectionArn: str,
    InvocationEndpoint: str,
    HttpMethod: str,
    Description: str | None = None,
    InvocationRateLimitPerSecond: int = 300,
) -> dict[str, Any]:
    """Create an API destination with a connection that exists."""
    destination = ApiDestination(
        name=Name,
        id=uuid(),
        connection=ConnectionArn,
        endpoint=_endpoint(InvocationEndpoint),
        method=HttpMethod,
        rate=InvocationRateLimitPerSecond,
        description=Description,
        created=call.now,
        modified=call.now,
    )
    return await _answer(call, await _create(call.state, destination))


@events.operation
async def update_api_destination(
    call: Call,
    Name: str,
    Description: str | None = None,
    ConnectionArn: str | None = None,
    InvocationEndpoint: str | None = None,
    HttpMethod: str | None = None,
    InvocationRateLimitPerSecond: int | None = None,
) -> dict[str, Any]:
    """Change what is given of an API destination."""
    given = {
        "description": Description,
        "connection": ConnectionArn,
        "endpoint": None if InvocationEndpoint is None else _endpoint(InvocationEndpoint),
        "method": HttpMethod,
        "rate": InvocationRateLimitPerSecond,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return await _answer(call, await _update(call.state, Name, changes))


@events.operation
async def describe_api_destination(call: Call, Name: str) -> dict[str, Any]:
    """An API destination."""
    destination = await _find(call.state, Name)
    return {**await _summary(call, destination), "Description": destination.description}


@events.operation
async def list_api_destinations(
    call: Call,
    NamePrefix: str = "",
    ConnectionArn: str | None = None,
    NextToken: str | None = None,
    Limit: int | None = None,
) -> dict[str, Any]:
    """API destinations by name."""
    found = [
        destination
        for destination in await _all(call.state)
        if destination.name.startswith(NamePrefix) and ConnectionArn in (None, destination.connection)
    ]
    shown, more = page(found, lambda destination: destination.name, NextToken, Limit)
    return {"ApiDestinations": [await _summary(call, destination) for destination in shown], **more}


@events.operation
async def delete_api_destination(call: Call, Name: str) -> None:
    """Delete an API destination."""
    await _delete(call.state, Name)


def _endpoint(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise invalid("InvocationEndpoint", f"{url} is not a URL.")
    return url


async def _answer(call: Call, destination: ApiDestination) -> dict[str, Any]:
    return {
        "ApiDestinationArn": call.arn("events", f"api-destination/{destination.name}/{destination.id}"),
        "ApiDestinationState": "ACTIVE" if await _authorized(call.state, destination) else "INACTIVE",
        "CreationTime": destination.created,
        "LastModifiedTime": destination.modified,
    }


async def _summary(call: Call, destination: ApiDestination) -> dict[str, Any]:
    return {
        "Name": destination.name,
        "ConnectionArn": destination.connection,
        "InvocationEndpoint": destination.endpoint,
        "HttpMethod": destination.method,
        "InvocationRateLimitPerSecond": destination.rate,
        **await _answer(call, destination),
    }


def _connection_name(arn: str) -> str:
    try:
        return name_of(Arn.parse(arn))
    except ValueError:
        raise invalid("ConnectionArn") from None


@transactional
async def _authorized(tx: Transaction, destination: ApiDestination) -> bool:
    connection = await connections.get(tx, _connection_name(destination.connection))
    return connection is not None and connection.state != "DEAUTHORIZED"


@transactional
async def _find(tx: Transaction, name: str) -> ApiDestination:
    destination = await destinations.get(tx, name)
    if destination is None:
        raise not_found(f"Failed to describe the api-destination(s). An api-destination '{name}' does not exist.")
    return destination


@transactional
async def _create(tx: Transaction, destination: ApiDestination) -> ApiDestination:
    await find_connection(tx, _connection_name(destination.connection))
    if await destinations.get(tx, destination.name) is not None:
        raise exists(f"An api-destination '{destination.name}' already exists.")
    await destinations.put(tx, destination)
    return destination


@transactional
async def _update(tx: Transaction, name: str, changes: dict[str, Any]) -> ApiDestination:
    destination = msgspec.structs.replace(await _find(tx, name), modified=tx.now, **changes)
    await find_connection(tx, _connection_name(destination.connection))
    await destinations.put(tx, destination)
    return destination


@transactional
async def _all(tx: Transaction) -> list[ApiDestination]:
    return await destinations.list(tx)


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await _find(tx, name)
    await destinations.delete(tx, name)
