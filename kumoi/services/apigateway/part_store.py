"""Authorizers, models, validators, gateway responses, documentation: stored, found, changed, by the table of kinds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.http_api.places import new_id
from kumoi.services.apigateway import patches
from kumoi.services.apigateway.errors import bad, conflict, not_found
from kumoi.services.apigateway.kinds import (
    AUTHORIZER,
    MODEL,
    Kind,
)
from kumoi.services.apigateway.lookup import find_api
from kumoi.services.apigateway.records import Part, parts
from kumoi.state import Transaction, transactional


@transactional
async def write_part(
    tx: Transaction, kind: Kind, api_id: str, given: dict[str, Any], *, replace: bool = False
) -> dict[str, Any]:
    """Check and store a new part; it is answered as it is stored."""
    await find_api(tx, api_id)
    kind.check(given)
    part_id = given[kind.named] if kind.named else new_id(6)
    if kind.named and not replace and await parts.get(tx, api_id, kind.name, part_id) is not None:
        raise conflict(f"{kind.name} name already exists for this REST API")
    if kind is AUTHORIZER:
        for other in await parts.list(tx, api_id, kind.name):
            if other.properties["name"] == given["name"]:
                raise bad("Authorizer name must be unique. Authorizer with this name already exists in this RestApi.")
    said = given if kind.named else {"id": part_id, **given}
    await parts.put(tx, Part(api=api_id, kind=kind.name, id=part_id, properties=said))
    return said


@transactional
async def find_part(tx: Transaction, kind: Kind, api_id: str, part_id: str) -> dict[str, Any]:
    """A part as it is answered; NotFoundException when there is none."""
    return (await part_of(tx, kind, api_id, part_id)).properties


async def part_of(tx: Transaction, kind: Kind, api_id: str, part_id: str) -> Part:
    """A part's record; NotFoundException when there is none."""
    await find_api(tx, api_id)
    found = await parts.get(tx, api_id, kind.name, part_id)
    if found is None:
        raise not_found(f"{kind.missing}: {part_id}" if kind is MODEL else kind.missing)
    return found


@transactional
async def all_parts(tx: Transaction, kind: Kind, api_id: str) -> list[dict[str, Any]]:
    """An API's parts of a kind."""
    await find_api(tx, api_id)
    return [part.properties for part in await parts.list(tx, api_id, kind.name)]


@transactional
async def update_part(
    tx: Transaction, kind: Kind, api_id: str, part_id: str, operations: list[dict[str, Any]]
) -> dict[str, Any]:
    """Change a part by patch operations."""
    part = await part_of(tx, kind, api_id, part_id)
    changed = patches.patched(part.properties, kind.fields, operations)
    kind.check(changed)
    await parts.put(tx, msgspec.structs.replace(part, properties=changed))
    return changed


@transactional
async def delete_part(tx: Transaction, kind: Kind, api_id: str, part_id: str) -> None:
    """Delete a part; NotFoundException when there is none."""
    await part_of(tx, kind, api_id, part_id)
    await parts.delete(tx, api_id, kind.name, part_id)
