"""Finding APIs and stages, or saying as AWS does that there is none; making and writing parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.http_api.places import new_id
from kumoi.services.apigatewayv2.errors import bad, conflict, not_found
from kumoi.services.apigatewayv2.kinds import INTEGRATION, ROUTE, Kind, completed
from kumoi.services.apigatewayv2.records import Api, Part, Stage, apis, parts, stages, vpc_links
from kumoi.state import Transaction, transactional


@transactional
async def find_api(tx: Transaction, api_id: str) -> Api:
    """The API; NotFoundException when there is none."""
    api = await apis.get(tx, api_id)
    if api is None:
        raise not_found("API", api_id)
    return api


@transactional
async def find_stage(tx: Transaction, api_id: str, name: str) -> Stage:
    """The stage; NotFoundException when there is none."""
    await find_api(tx, api_id)
    stage = await stages.get(tx, api_id, name)
    if stage is None:
        raise not_found("Stage", name)
    return stage


async def find_part(tx: Transaction, kind: Kind, api_id: str, parent: str, part_id: str) -> Part:
    """The part; NotFoundException when there is none."""
    await find_api(tx, api_id)
    part = await parts.get(tx, api_id, kind.name, parent, part_id)
    if part is None:
        raise not_found(kind.label, part_id)
    return part


async def write_part(
    tx: Transaction, kind: Kind, api: Api, given: Mapping[str, Any], *, before: Part | None = None, parent: str = ""
) -> Part:
    """Check a part against its kind and its siblings, and store it."""
    if kind.parent and await parts.get(tx, api.id, kind.parent, "", parent) is None:
        raise not_found(kind.parent, parent)
    full = completed(kind, api, given)
    if kind.unique:
        for other in await parts.list(tx, api.id, kind.name, parent):
            if other.properties.get(kind.unique) == full.get(kind.unique) and (before is None or other.id != before.id):
                raise conflict(f"{kind.label} with key {full[kind.unique]} already exists for this API")
    if kind is ROUTE:
        await _check_references(tx, api, full)
    if kind is INTEGRATION and full.get("ConnectionType") == "VPC_LINK":
        link = full["ConnectionId"]
        if await vpc_links.get(tx, link) is None:
            raise bad(f"VPC link {link} doesn't exist.")
    part = Part(
        api=api.id,
        kind=kind.name,
        id=before.id if before is not None else new_id(7),
        properties=full,
        parent=parent,
    )
    await parts.put(tx, part)
    return part


async def _check_references(tx: Transaction, api: Api, route: Mapping[str, Any]) -> None:
    target = route.get("Target")
    if target is not None:
        integration = target.removeprefix("integrations/")
        if await parts.get(tx, api.id, INTEGRATION.name, "", integration) is None:
            raise bad(f"Integration with id: {integration} doesn't exist.")
    authorizer = route.get("AuthorizerId")
    if authorizer and await parts.get(tx, api.id, "Authorizer", "", authorizer) is None:
        raise bad(f"Authorizer with id: {authorizer} doesn't exist.")
