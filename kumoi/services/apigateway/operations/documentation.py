"""Documentation parts, which are kept and published nowhere."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.apigateway import apigateway
from kumoi.services.apigateway.errors import page, present
from kumoi.services.apigateway.kinds import (
    DOCUMENTATION_PART,
)
from kumoi.services.apigateway.part_store import all_parts, delete_part, find_part, update_part, write_part


@apigateway.operation
async def create_documentation_part(
    call: Call, restApiId: str, location: dict[str, Any], properties: str
) -> dict[str, Any]:
    """Keep a piece of documentation."""
    return await write_part(call.state, DOCUMENTATION_PART, restApiId, {"location": location, "properties": properties})


@apigateway.operation
async def get_documentation_part(call: Call, restApiId: str, documentationPartId: str) -> dict[str, Any]:
    """A piece of documentation."""
    return await find_part(call.state, DOCUMENTATION_PART, restApiId, documentationPartId)


@apigateway.operation
async def get_documentation_parts(
    call: Call,
    restApiId: str,
    type: str | None = None,
    nameQuery: str | None = None,
    path: str | None = None,
    position: str | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """An API's documentation."""
    wanted = present({"type": type, "name": nameQuery, "path": path})
    found = await all_parts(call.state, DOCUMENTATION_PART, restApiId)
    shown = [one for one in found if all(one["location"].get(key) == value for key, value in wanted.items())]
    return page(shown, position, limit)


@apigateway.operation
async def update_documentation_part(
    call: Call, restApiId: str, documentationPartId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a piece of documentation."""
    return await update_part(call.state, DOCUMENTATION_PART, restApiId, documentationPartId, patchOperations or [])


@apigateway.operation
async def delete_documentation_part(call: Call, restApiId: str, documentationPartId: str) -> None:
    """Delete a piece of documentation."""
    await delete_part(call.state, DOCUMENTATION_PART, restApiId, documentationPartId)
