"""ImportApi, ReimportApi, ExportApi: an HTTP API as an OpenAPI 3 document (`documents.py` has the rules)."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.openapi import dumped
from kumoi.http_api.places import claim
from kumoi.services.apigatewayv2 import apigatewayv2
from kumoi.services.apigatewayv2.deploying import changed
from kumoi.services.apigatewayv2.documents import Document, exported, read
from kumoi.services.apigatewayv2.errors import bad
from kumoi.services.apigatewayv2.kinds import AUTHORIZER, INTEGRATION, ROUTE
from kumoi.services.apigatewayv2.lookup import find_api, find_stage, write_part
from kumoi.services.apigatewayv2.operations.apis import check_properties, describe
from kumoi.services.apigatewayv2.records import Api, Deployment, apis, deployments, parts
from kumoi.state import Transaction, transactional


@apigatewayv2.operation
async def import_api(
    call: Call, Body: str, Basepath: str | None = None, FailOnWarnings: bool = False
) -> dict[str, Any]:
    """Make an API of an OpenAPI document."""
    document = read(Body, Basepath or "ignore")
    if FailOnWarnings and document.warnings:
        raise bad("Warnings found during import: " + "; ".join(document.warnings))
    api = await _import(call.state, document)
    return {**describe(call, api), "ImportInfo": [], "Warnings": document.warnings}


@apigatewayv2.operation
async def reimport_api(
    call: Call, ApiId: str, Body: str, Basepath: str | None = None, FailOnWarnings: bool = False
) -> dict[str, Any]:
    """Replace an API by what an OpenAPI document says."""
    document = read(Body, Basepath or "ignore")
    if FailOnWarnings and document.warnings:
        raise bad("Warnings found during import: " + "; ".join(document.warnings))
    api = await _reimport(call.state, ApiId, document)
    return {**describe(call, api), "ImportInfo": [], "Warnings": document.warnings}


@apigatewayv2.operation
async def export_api(
    call: Call,
    ApiId: str,
    Specification: str,
    OutputType: str,
    ExportVersion: str | None = None,
    IncludeExtensions: bool = True,
    StageName: str | None = None,
) -> dict[str, Any]:
    """An API, or what a stage serves of it, as an OpenAPI document."""
    if Specification != "OAS30":
        raise bad("The only specification is OAS30")
    if OutputType not in ("JSON", "YAML"):
        raise bad("OutputType is JSON or YAML")
    if ExportVersion not in (None, "1.0"):
        raise bad("The only ExportVersion is 1.0")
    api, served = await _snapshot(call.state, ApiId, StageName)
    document = exported(api, served, IncludeExtensions)
    return {"body": dumped(document, OutputType)}


def _only_http(api: Api) -> None:
    if api.protocol != "HTTP":
        raise bad(f"Import and export are for HTTP APIs, {api.id} is a {api.protocol} API")


@transactional
async def _import(tx: Transaction, document: Document) -> Api:
    api_id = await claim(tx, "HTTP", document.tags)
    api = Api(id=api_id, protocol="HTTP", created=tx.now, properties=_properties(document, {}), tags=document.tags)
    await apis.put(tx, api)
    await _fill(tx, api, document)
    return api


@transactional
async def _reimport(tx: Transaction, api_id: str, document: Document) -> Api:
    before = await find_api(tx, api_id)
    _only_http(before)
    api = msgspec.structs.replace(before, properties=_properties(document, before.properties))
    await apis.put(tx, api)
    for kind in ("Route", "Integration", "Authorizer", "RouteResponse", "IntegrationResponse"):
        await parts.delete_all(tx, api_id, kind)
    await _fill(tx, api, document)
    await changed(tx, api_id)
    return api


def _properties(document: Document, before: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in before.items() if name not in ("CorsConfiguration", "Description")}
    properties = {**kept, "RouteSelectionExpression": "$request.method $request.path", **document.properties}
    check_properties("HTTP", properties)
    return properties


async def _fill(tx: Transaction, api: Api, document: Document) -> None:
    authorizers: dict[str, str] = {}
    for name, members in document.authorizers.items():
        authorizers[name] = (await write_part(tx, AUTHORIZER, api, members)).id
    integrations: dict[str, str] = {}
    for route in document.routes:
        wanted: dict[str, Any] = dict(route.members)
        if route.authorizer is not None:
            wanted["AuthorizerId"] = authorizers[route.authorizer]
        if route.integration is not None:
            key = msgspec.json.encode(route.integration).decode()
            if key not in integrations:
                integrations[key] = (await write_part(tx, INTEGRATION, api, route.integration)).id
            wanted["Target"] = f"integrations/{integrations[key]}"
        await write_part(tx, ROUTE, api, wanted)


@transactional
async def _snapshot(tx: Transaction, api_id: str, stage_name: str | None) -> tuple[Api, dict[str, Any]]:
    api = await find_api(tx, api_id)
    _only_http(api)
    if stage_name is None:
        kinds = ("Route", "Integration", "Authorizer")
        return api, {kind: {part.id: part.properties for part in await parts.list(tx, api_id, kind)} for kind in kinds}
    stage = await find_stage(tx, api_id, stage_name)
    deployment: Deployment | None = await deployments.get(tx, api_id, stage.deployment) if stage.deployment else None
    if deployment is None:
        raise bad(f"Stage {stage_name} has no deployment to export")
    return api, dict(deployment.parts)
