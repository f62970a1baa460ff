"""Gateway responses: the API's own, and AWS's where it has none."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import page, present
from kumoi.services.apigateway.gateway_responses import DEFAULTS, default_response
from kumoi.services.apigateway.kinds import (
    GATEWAY_RESPONSE,
)
from kumoi.services.apigateway.lookup import find_api
from kumoi.services.apigateway.part_store import all_parts, delete_part, write_part
from kumoi.services.apigateway.records import Part, parts
from kumoi.state import Transaction, transactional


@apigateway.operation
async def put_gateway_response(call: Call, restApiId: str, responseType: str, **members: Any) -> dict[str, Any]:
    """Say what clients get in a case that the gateway answers itself."""
    given = present({"responseType": responseType, "responseParameters": {}, "responseTemplates": {}, **members})
    given.setdefault("statusCode", DEFAULTS[responseType].status_text)
    given = {name: value for name, value in given.items() if value != ""}
    return await write_part(call.state, GATEWAY_RESPONSE, restApiId, {**given, "defaultResponse": False}, replace=True)


@apigateway.operation
async def get_gateway_response(call: Call, restApiId: str, responseType: str) -> dict[str, Any]:
    """What clients get in such a case."""
    return await _gateway_response(call.state, restApiId, responseType)


@apigateway.operation
async def get_gateway_responses(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Every gateway response, those too that are AWS's own."""
    own = {one["responseType"]: one for one in await all_parts(call.state, GATEWAY_RESPONSE, restApiId)}
    return page([own.get(name) or default_response(name, own) for name in sorted(DEFAULTS)], position, limit)


@apigateway.operation
async def update_gateway_response(
    call: Call, restApiId: str, responseType: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a gateway response."""
    return await _update_gateway_response(call.state, restApiId, responseType, patchOperations or [])


@apigateway.operation
async def delete_gateway_response(call: Call, restApiId: str, responseType: str) -> None:
    """Go back to AWS's own."""
    await delete_part(call.state, GATEWAY_RESPONSE, restApiId, responseType)


@transactional
async def _gateway_response(tx: Transaction, api_id: str, name: str) -> dict[str, Any]:
    await find_api(tx, api_id)
    own = {part.id: part.properties for part in await parts.list(tx, api_id, GATEWAY_RESPONSE.name)}
    return own.get(name) or default_response(name, own)


@transactional
async def _update_gateway_response(
    tx: Transaction, api_id: str, name: str, operations: list[dict[str, Any]]
) -> dict[str, Any]:
    held = await _gateway_response(tx, api_id, name)
    changed = patches.patched(held, GATEWAY_RESPONSE.fields, operations)
    check = {key: value for key, value in changed.items() if value != ""}
    GATEWAY_RESPONSE.check(check)
    stored = {**check, "defaultResponse": False}
    await parts.put(tx, Part(api=api_id, kind=GATEWAY_RESPONSE.name, id=name, properties=stored))
    return stored
