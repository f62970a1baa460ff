"""Create, get, list, update and delete parts of APIs: the same five operations for every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.apigatewayv2 import apigatewayv2
from kumoi.services.apigatewayv2.deploying import changed
from kumoi.services.apigatewayv2.errors import bad, conflict, not_found, page
from kumoi.services.apigatewayv2.kinds import ALL, ROUTE, Kind
from kumoi.services.apigatewayv2.lookup import find_api, find_part, write_part
from kumoi.services.apigatewayv2.records import Part, parts
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


def describe(kind: Kind, part: Part) -> dict[str, Any]:
    """A part as the API answers it."""
    return {kind.id_member: part.id, **part.properties}


def _register(kind: Kind) -> None:
    """Register the operations of a kind."""
    parent_member = f"{kind.parent}Id" if kind.parent else ""

    def given(params: dict[str, Any]) -> dict[str, Any]:
        unknown = params.keys() - kind.members
        if unknown:
            raise aws_error(
                "NotImplemented",
                f"Kumoi's apigatewayv2 does not implement {', '.join(sorted(unknown))} of a {kind.label} yet.",
            )
        return params

    async def create(call: Call, ApiId: str, **members: Any) -> dict[str, Any]:
        parent = members.pop(parent_member, "") if parent_member else ""
        return describe(kind, await _create(call.state, kind, ApiId, parent, given(members)))

    async def get(call: Call, ApiId: str, **members: Any) -> dict[str, Any]:
        parent = members.pop(parent_member, "") if parent_member else ""
        return describe(kind, await _get(call.state, kind, ApiId, parent, members[kind.id_member]))

    async def get_all(
        call: Call, ApiId: str, MaxResults: str | None = None, NextToken: str | None = None, **members: Any
    ) -> dict[str, Any]:
        parent = members.pop(parent_member, "") if parent_member else ""
        shown, more = page(await _list(call.state, kind, ApiId, parent), MaxResults, NextToken)
        return {"Items": [describe(kind, part) for part in shown], **more}

    async def update(call: Call, ApiId: str, **members: Any) -> dict[str, Any]:
        parent = members.pop(parent_member, "") if parent_member else ""
        part_id = members.pop(kind.id_member)
        return describe(kind, await _update(call.state, kind, ApiId, parent, part_id, given(members)))

    async def delete(call: Call, ApiId: str, **members: Any) -> None:
        parent = members.pop(parent_member, "") if parent_member else ""
        await _delete(call.state, kind, ApiId, parent, members[kind.id_member])

    for prefix, handler in (("Create", create), ("Get", get), ("Update", update), ("Delete", delete)):
        apigatewayv2.operation(name=prefix + kind.name)(handler)
    apigatewayv2.operation(name=f"Get{kind.name}s")(get_all)


for _kind in ALL:
    _register(_kind)


@apigatewayv2.operation
async def get_model_template(call: Call, ApiId: str, ModelId: str) -> dict[str, Any]:
    """A sample mapping template of a model: AWS makes it of the schema, and so few use it that it is not made here."""
    raise bad(f"Kumoi makes no template of the model {ModelId}.")


@apigatewayv2.operation
async def delete_route_request_parameter(call: Call, ApiId: str, RouteId: str, RequestParameterKey: str) -> None:
    """Delete one request parameter of a route."""
    await _drop_parameter(call.state, ApiId, RouteId, RequestParameterKey)


@transactional
async def _create(tx: Transaction, kind: Kind, api_id: str, parent: str, given: Mapping[str, Any]) -> Part:
    part = await write_part(tx, kind, await find_api(tx, api_id), given, parent=parent)
    await changed(tx, api_id)
    return part


@transactional
async def _get(tx: Transaction, kind: Kind, api_id: str, parent: str, part_id: str) -> Part:
    return await find_part(tx, kind, api_id, parent, part_id)


@transactional
async def _list(tx: Transaction, kind: Kind, api_id: str, parent: str) -> list[Part]:
    await find_api(tx, api_id)
    if kind.parent and await parts.get(tx, api_id, kind.parent, "", parent) is None:
        raise not_found(kind.parent, parent)
    return await parts.list(tx, api_id, kind.name, parent)


@transactional
async def _update(
    tx: Transaction, kind: Kind, api_id: str, parent: str, part_id: str, given: Mapping[str, Any]
) -> Part:
    before = await find_part(tx, kind, api_id, parent, part_id)
    merged = {**before.properties, **given}
    for member in ("RequestParameters", "ResponseParameters"):
        # An empty value takes a parameter away; others stay as they were.
        if isinstance(given.get(member), dict) and isinstance(before.properties.get(member), dict):
            both = {**before.properties[member], **given[member]}
            merged[member] = {name: value for name, value in both.items() if value not in ("", {})}
    part = await write_part(tx, kind, await find_api(tx, api_id), merged, before=before, parent=parent)
    await changed(tx, api_id)
    return part


@transactional
async def _delete(tx: Transaction, kind: Kind, api_id: str, parent: str, part_id: str) -> None:
    await find_part(tx, kind, api_id, parent, part_id)
    for route in await parts.list(tx, api_id, ROUTE.name):
        if kind.name == "Integration" and route.properties.get("Target") == f"integrations/{part_id}":
            raise conflict(
                f"Cannot delete Integration '{part_id}' because it is referenced by Route"
                f" '{route.properties['RouteKey']}'."
            )
        if kind.name == "Authorizer" and route.properties.get("AuthorizerId") == part_id:
            raise conflict(
                f"Cannot delete Authorizer '{part_id}' because it is referenced by Route"
                f" '{route.properties['RouteKey']}'."
            )
    await parts.delete(tx, api_id, kind.name, parent, part_id)
    if kind.name in ("Route", "Integration"):
        await parts.delete_all(tx, api_id, f"{kind.name}Response", part_id)
    await changed(tx, api_id)


@transactional
async def _drop_parameter(tx: Transaction, api_id: str, route_id: str, key: str) -> None:
    route = await find_part(tx, ROUTE, api_id, "", route_id)
    kept = dict(route.properties.get("RequestParameters") or {})
    if key not in kept:
        raise not_found("RequestParameter", key)
    del kept[key]
    await write_part(
        tx, ROUTE, await find_api(tx, api_id), {**route.properties, "RequestParameters": kept}, before=route
    )
    await changed(tx, api_id)
