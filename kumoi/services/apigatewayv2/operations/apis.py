"""APIs: create (with quick create), get, list, update, delete, and their CORS configuration."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.connections import Connections
from kumoi.http_api.functions import function_of
from kumoi.http_api.places import api_endpoint, claim, mappings, places
from kumoi.services.apigatewayv2 import apigatewayv2
from kumoi.services.apigatewayv2.deploying import changed, deploy, point
from kumoi.services.apigatewayv2.errors import bad, conflict, page
from kumoi.services.apigatewayv2.kinds import INTEGRATION, ROUTE
from kumoi.services.apigatewayv2.lookup import find_api, write_part
from kumoi.services.apigatewayv2.records import Api, Stage, apis, deployments, parts, stages
from kumoi.services.apigatewayv2.websocket.selection import is_selection
from kumoi.services.apigatewayv2.websocket.session import Sessions
from kumoi.state import Transaction, transactional

_SELECTION = {"HTTP": "$request.method $request.path"}
_HTTP_SELECTIONS = ("$request.method $request.path", "${request.method} ${request.path}")


def describe(call: Call, api: Api) -> dict[str, Any]:
    """An API as the API answers it."""
    return {
        "ApiEndpoint": api_endpoint(call.doorway.endpoint, api.id, "ws" if api.protocol == "WEBSOCKET" else None),
        "ApiId": api.id,
        "CreatedDate": api.created,
        "ProtocolType": api.protocol,
        "Tags": api.tags,
        "ApiKeySelectionExpression": "$request.header.x-api-key",
        "DisableExecuteApiEndpoint": False,
        "IpAddressType": "ipv4",
        **api.properties,
    }


def check_properties(protocol: str, properties: dict[str, Any]) -> None:
    """Raise for what no API of the protocol can have."""
    selection = properties["RouteSelectionExpression"]
    if protocol == "HTTP" and selection not in _HTTP_SELECTIONS:
        raise bad("Invalid RouteSelectionExpression: an HTTP API's is ${request.method} ${request.path}")
    if protocol == "WEBSOCKET" and not is_selection(selection):
        raise bad(f"Invalid RouteSelectionExpression {selection}: a WebSocket API's is like $request.body.action")
    cors = properties.get("CorsConfiguration")
    if cors is not None:
        if protocol != "HTTP":
            raise bad("CORS configuration is only supported for HTTP APIs")
        if cors.get("AllowCredentials") and "*" in (cors.get("AllowOrigins") or ()):
            raise bad("Allow-credentials is not supported when the allowed origins are '*'")
    name = properties["Name"]
    if not 1 <= len(name) <= 128:
        raise bad("Name must be between 1 and 128 characters long")


@apigatewayv2.operation
async def create_api(
    call: Call,
    Name: str,
    ProtocolType: str,
    Tags: dict[str, str] | None = None,
    Target: str | None = None,
    RouteKey: str | None = None,
    CredentialsArn: str | None = None,
    RouteSelectionExpression: str | None = None,
    **properties: Any,
) -> dict[str, Any]:
    """Create an API; with a Target, also an integration, a route (`$default` unless named) and the `$default` stage."""
    if ProtocolType == "WEBSOCKET" and (Target is not None or RouteKey is not None or CredentialsArn is not None):
        raise bad("Quick create (Target, RouteKey, CredentialsArn) is for HTTP APIs")
    if Target is None and (RouteKey is not None or CredentialsArn is not None):
        raise bad("RouteKey and CredentialsArn are for quick create, which needs a Target")
    selection = RouteSelectionExpression or _SELECTION.get(ProtocolType)
    if selection is None:
        raise bad("RouteSelectionExpression is required for WEBSOCKET APIs")
    given = {"Name": Name, **properties, "RouteSelectionExpression": selection}
    check_properties(ProtocolType, given)
    api = await _create(call.state, ProtocolType, given, Tags or {}, Target, RouteKey, CredentialsArn)
    return describe(call, api)


@apigatewayv2.operation
async def get_api(call: Call, ApiId: str) -> dict[str, Any]:
    """An API."""
    return describe(call, await find_api(call.state, ApiId))


@apigatewayv2.operation
async def get_apis(call: Call, MaxResults: str | None = None, NextToken: str | None = None) -> dict[str, Any]:
    """Every API of the region."""
    shown, more = page(await _all(call.state), MaxResults, NextToken)
    return {"Items": [describe(call, api) for api in shown], **more}


@apigatewayv2.operation
async def update_api(call: Call, ApiId: str, **properties: Any) -> dict[str, Any]:
    """Change an API's members."""
    for member in ("Target", "RouteKey", "CredentialsArn"):
        if member in properties:
            raise bad(f"{member} can only be updated for APIs made by quick create; update its integration or route.")
    return describe(call, await _update(call.state, ApiId, properties))


@apigatewayv2.operation
async def delete_api(call: Call, ApiId: str) -> None:
    """Delete an API with everything it has; its WebSockets are closed."""
    await _delete(call.state, ApiId)
    await call.part(Sessions).close_all(call.part(Connections).of_api(ApiId))


@apigatewayv2.operation
async def delete_cors_configuration(call: Call, ApiId: str) -> None:
    """Take CORS away."""
    await _update(call.state, ApiId, {"CorsConfiguration": None})


@transactional
async def _create(
    tx: Transaction,
    protocol: str,
    properties: dict[str, Any],
    tags: dict[str, str],
    target: str | None,
    route_key: str | None,
    credentials: str | None,
) -> Api:
    api_id = await claim(tx, "WEBSOCKET" if protocol == "WEBSOCKET" else "HTTP", tags)
    api = Api(id=api_id, protocol=protocol, created=tx.now, properties=properties, tags=tags)
    await apis.put(tx, api)
    if target is not None:
        await _quick_create(tx, api, target, route_key or "$default", credentials)
    return api


async def _quick_create(tx: Transaction, api: Api, target: str, route_key: str, credentials: str | None) -> None:
    function = target.startswith("arn:")
    integration: dict[str, Any] = (
        {"IntegrationType": "AWS_PROXY", "IntegrationUri": function_of(target), "PayloadFormatVersion": "2.0"}
        if function
        else {"IntegrationType": "HTTP_PROXY", "IntegrationUri": target, "IntegrationMethod": "ANY"}
    )
    if credentials is not None:
        integration["CredentialsArn"] = credentials
    made = await write_part(tx, INTEGRATION, api, integration)
    await write_part(tx, ROUTE, api, {"RouteKey": route_key, "Target": f"integrations/{made.id}"})
    stage = Stage(
        api=api.id, name="$default", created=tx.now, updated=tx.now, properties={}, auto_deploy=True, managed=True
    )
    await point(tx, stage, await deploy(tx, api, auto=True))


@transactional
async def _all(tx: Transaction) -> list[Api]:
    return await apis.list(tx)


@transactional
async def _update(tx: Transaction, api_id: str, given: dict[str, Any]) -> Api:
    api = await find_api(tx, api_id)
    merged = {name: value for name, value in {**api.properties, **given}.items() if value is not None}
    check_properties(api.protocol, merged)
    updated = msgspec.structs.replace(api, properties=merged)
    await apis.put(tx, updated)
    await changed(tx, api_id)
    return updated


@transactional
async def _delete(tx: Transaction, api_id: str) -> None:
    await find_api(tx, api_id)
    for mapping in await mappings.list(tx):
        if mapping.api == api_id:
            raise conflict(f"Deleting API {api_id} is not possible: {mapping.domain} maps to it")
    for space in (parts, stages, deployments):
        await space.delete_all(tx, api_id)
    await apis.delete(tx, api_id)
    await places.delete(tx, api_id)
