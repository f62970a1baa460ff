"""Authorizers: created, read, changed, deleted."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.http_api.authorizers import VerdictCache
from kumoi.services.apigateway import apigateway
from kumoi.services.apigateway.errors import conflict, page, present
from kumoi.services.apigateway.kinds import (
    AUTHORIZER,
    completed_authorizer,
)
from kumoi.services.apigateway.part_store import all_parts, find_part, part_of, update_part, write_part
from kumoi.services.apigateway.records import parts, resources
from kumoi.state import Transaction, transactional


@apigateway.operation
async def create_authorizer(call: Call, restApiId: str, name: str, type: str, **members: Any) -> dict[str, Any]:
    """Create an authorizer."""
    given = completed_authorizer(present({"name": name, "type": type, **members}))
    return await write_part(call.state, AUTHORIZER, restApiId, given)


@apigateway.operation
async def get_authorizer(call: Call, restApiId: str, authorizerId: str) -> dict[str, Any]:
    """An authorizer."""
    return await find_part(call.state, AUTHORIZER, restApiId, authorizerId)


@apigateway.operation
async def get_authorizers(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """An API's authorizers."""
    return page(await all_parts(call.state, AUTHORIZER, restApiId), position, limit)


@apigateway.operation
async def update_authorizer(
    call: Call, restApiId: str, authorizerId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change an authorizer."""
    changed = await update_part(call.state, AUTHORIZER, restApiId, authorizerId, patchOperations or [])
    call.part(VerdictCache).forget(restApiId)
    return changed


@apigateway.operation
async def delete_authorizer(call: Call, restApiId: str, authorizerId: str) -> None:
    """Delete an authorizer that no method uses."""
    await _delete_authorizer(call.state, restApiId, authorizerId)


@transactional
async def _delete_authorizer(tx: Transaction, api_id: str, authorizer_id: str) -> None:
    await part_of(tx, AUTHORIZER, api_id, authorizer_id)
    for resource in await resources.list(tx, api_id):
        for name, method in resource.methods.items():
            if method.get("authorizerId") == authorizer_id:
                raise conflict(
                    f"Cannot delete authorizer '{authorizer_id}', is referenced in method: {resource.path} {name}"
                )
    await parts.delete(tx, api_id, AUTHORIZER.name, authorizer_id)
