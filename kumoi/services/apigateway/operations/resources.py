"""Resources: the paths of an API, as a tree."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.places import new_id
from kumoi.services.apigateway import apigateway
from kumoi.services.apigateway.errors import bad, conflict, page
from kumoi.services.apigateway.lookup import find_api, find_resource
from kumoi.services.apigateway.records import Resource, resources
from kumoi.state import Transaction, transactional

_PART = re.compile(r"[a-zA-Z0-9._\-:$]+|\{[a-zA-Z0-9._\-:]+\+?\}")
_MOST = 300


def describe(resource: Resource, *, embed: bool = False) -> dict[str, Any]:
    """A resource as the API answers it; its methods in full where they are embedded."""
    said: dict[str, Any] = {"id": resource.id, "path": resource.path}
    if resource.parent:
        said |= {"parentId": resource.parent, "pathPart": resource.part}
    if resource.methods:
        said["resourceMethods"] = {name: method if embed else {} for name, method in resource.methods.items()}
    return said


@apigateway.operation
async def create_resource(call: Call, restApiId: str, parentId: str, pathPart: str) -> dict[str, Any]:
    """Create a resource below another."""
    return describe(await _create(call.state, restApiId, parentId, pathPart))


@apigateway.operation
async def get_resource(call: Call, restApiId: str, resourceId: str, embed: list[str] | None = None) -> dict[str, Any]:
    """A resource."""
    return describe(await find_resource(call.state, restApiId, resourceId), embed="methods" in (embed or ()))


@apigateway.operation
async def get_resources(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None, embed: list[str] | None = None
) -> dict[str, Any]:
    """An API's resources."""
    found = sorted(await _all(call.state, restApiId), key=lambda one: one.path)
    return page([describe(one, embed="methods" in (embed or ())) for one in found], position, limit)


@apigateway.operation
async def update_resource(
    call: Call, restApiId: str, resourceId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Rename a resource, or move it below another; everything below it goes along."""
    return describe(await _update(call.state, restApiId, resourceId, patchOperations or []))


@apigateway.operation
async def delete_resource(call: Call, restApiId: str, resourceId: str) -> None:
    """Delete a resource and everything below it."""
    await _delete(call.state, restApiId, resourceId)


async def add_resource(tx: Transaction, parent: Resource, part: str) -> Resource:
    """Store a resource below a parent; raises for one that cannot stand there."""
    _check(await resources.list(tx, parent.api), parent, part)
    made = Resource(api=parent.api, id=new_id(6), path=f"{parent.path.rstrip('/')}/{part}", parent=parent.id, part=part)
    await resources.put(tx, made)
    return made


def _check(existing: list[Resource], parent: Resource, part: str, but: str = "") -> None:
    if not _PART.fullmatch(part):
        raise bad(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the"
            " beginning and the end and an optional plus sign before the closing brace."
        )
    if parent.part.endswith("+}"):
        raise bad(f"Cannot create a child of a resource with a greedy path variable: {parent.part}")
    if part.startswith("{") and part.strip("{}+") in re.findall(r"\{([^}+]+)\+?\}", parent.path):
        raise bad(f"Invalid path: the path variable {part.strip('{}+')} is used twice")
    for sibling in existing:
        if sibling.parent != parent.id or sibling.id == but:
            continue
        if sibling.part == part:
            raise conflict(f"Another resource with the same parent already has this name: {part}")
        if part.startswith("{") and sibling.part.startswith("{") and part.endswith("+}") == sibling.part.endswith("+}"):
            raise bad(
                f"A sibling ({sibling.id}) of this resource already has a variable path part -- only one is allowed"
            )
    if not but and len(existing) >= _MOST:
        raise bad(f"Maximum number of resources ({_MOST}) reached")


@transactional
async def _create(tx: Transaction, api_id: str, parent_id: str, part: str) -> Resource:
    return await add_resource(tx, await find_resource(tx, api_id, parent_id), part)


@transactional
async def _all(tx: Transaction, api_id: str) -> list[Resource]:
    await find_api(tx, api_id)
    return await resources.list(tx, api_id)


@transactional
async def _update(tx: Transaction, api_id: str, resource_id: str, operations: list[dict[str, Any]]) -> Resource:
    resource = await find_resource(tx, api_id, resource_id)
    part, parent_id = resource.part, resource.parent
    for operation in operations:
        path, value = operation.get("path"), operation.get("value") or ""
        if operation.get("op") != "replace" or path not in ("/pathPart", "/parentId"):
            raise bad(
                f"Invalid patch path  '{path}' specified for op '{operation.get('op')}'."
                " Must be one of: [/pathPart, /parentId]"
            )
        if not resource.parent:
            raise bad("Root resource cannot be updated.")
        part, parent_id = (value, parent_id) if path == "/pathPart" else (part, value)
    parent = await find_resource(tx, api_id, parent_id) if parent_id else resource
    if not operations:
        return resource
    if parent.id == resource_id or f"{parent.path}/".startswith(f"{resource.path}/"):
        raise bad("Resources cannot be cyclic.")
    existing = await resources.list(tx, api_id)
    _check(existing, parent, part, but=resource_id)
    before, path = resource.path, f"{parent.path.rstrip('/')}/{part}"
    for one in existing:
        if one.path.startswith(f"{before}/"):
            await resources.put(tx, msgspec.structs.replace(one, path=path + one.path[len(before) :]))
    moved = msgspec.structs.replace(resource, part=part, parent=parent.id, path=path)
    await resources.put(tx, moved)
    return moved


@transactional
async def _delete(tx: Transaction, api_id: str, resource_id: str) -> None:
    resource = await find_resource(tx, api_id, resource_id)
    if not resource.parent:
        raise bad("Root resource cannot be deleted.")
    gone = {resource_id}
    found = sorted(await resources.list(tx, api_id), key=lambda one: one.path.count("/"))
    for one in found:
        if one.parent in gone:
            gone.add(one.id)
    for gone_id in gone:
        await resources.delete(tx, api_id, gone_id)
