"""Documentation parts and versions, which are kept and published nowhere."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.apigateway import apigateway
from kumoi.services.apigateway.errors import page, present
from kumoi.services.apigateway.kinds import (
    DOCUMENTATION_PART,
    DOCUMENTATION_VERSION,
)
from kumoi.services.apigateway.lookup import find_stage
from kumoi.services.apigateway.part_store import all_parts, delete_part, find_part, update_part, write_part
from kumoi.services.apigateway.records import stages
from kumoi.state import Transaction, transactional


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


@apigateway.operation
async def create_documentation_version(
    call: Call, restApiId: str, documentationVersion: str, stageName: str | None = None, description: str | None = None
) -> dict[str, Any]:
    """Name the documentation as it is now, and tell a stage that it serves this version."""
    given = present({"version": documentationVersion, "createdDate": float(int(call.now)), "description": description})
    if stageName:
        await find_stage(call.state, restApiId, stageName)
    made = await write_part(call.state, DOCUMENTATION_VERSION, restApiId, given)
    if stageName:
        await _document_stage(call.state, restApiId, stageName, documentationVersion)
    return made


@apigateway.operation
async def get_documentation_version(call: Call, restApiId: str, documentationVersion: str) -> dict[str, Any]:
    """A version."""
    return await find_part(call.state, DOCUMENTATION_VERSION, restApiId, documentationVersion)


@apigateway.operation
async def get_documentation_versions(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """The versions of an API's documentation."""
    return page(await all_parts(call.state, DOCUMENTATION_VERSION, restApiId), position, limit)


@apigateway.operation
async def update_documentation_version(
    call: Call, restApiId: str, documentationVersion: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a version's description."""
    return await update_part(call.state, DOCUMENTATION_VERSION, restApiId, documentationVersion, patchOperations or [])


@apigateway.operation
async def delete_documentation_version(call: Call, restApiId: str, documentationVersion: str) -> None:
    """Delete a version."""
    await delete_part(call.state, DOCUMENTATION_VERSION, restApiId, documentationVersion)


@transactional
async def _document_stage(tx: Transaction, api_id: str, stage_name: str, version: str) -> None:
    stage = await find_stage(tx, api_id, stage_name)
    properties = {**stage.properties, "documentationVersion": version}
    await stages.put(tx, msgspec.structs.replace(stage, properties=properties))
