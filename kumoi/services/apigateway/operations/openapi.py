"""ImportRestApi, PutRestApi, GetExport: a REST API as a Swagger or OpenAPI document.

`documents.py` reads and `exports.py` writes them; here is what becomes of a document in an API that is there.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.openapi import dumped
from kumoi.http_api.places import api_endpoint, new_id
from kumoi.services.apigateway import apigateway
from kumoi.services.apigateway.documents import Document, Method, parents, read
from kumoi.services.apigateway.errors import bad, not_found
from kumoi.services.apigateway.exports import Exporter
from kumoi.services.apigateway.kinds import AUTHORIZER, GATEWAY_RESPONSE, MODEL, VALIDATOR, Kind
from kumoi.services.apigateway.lookup import find_api, find_deployment, find_stage
from kumoi.services.apigateway.operations.apis import check_properties, describe, make
from kumoi.services.apigateway.operations.methods import check_method
from kumoi.services.apigateway.operations.resources import add_resource
from kumoi.services.apigateway.records import Deployment, Part, Resource, RestApi, parts, resources, rest_apis
from kumoi.state import Transaction, transactional


@apigateway.operation
async def import_rest_api(
    call: Call, body: bytes, failOnWarnings: bool = False, parameters: dict[str, str] | None = None
) -> dict[str, Any]:
    """Make an API of a document."""
    given = parameters or {}
    document = _read(body, given, fail=failOnWarnings)
    types = given.get("endpointConfigurationTypes")
    if types:
        document.properties["endpointConfiguration"] = {"types": types.split(",")}
    return _answered(await _import(call.state, document), document)


@apigateway.operation
async def put_rest_api(
    call: Call,
    restApiId: str,
    body: bytes,
    mode: str = "merge",
    failOnWarnings: bool = False,
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Change an API by a document: `merge` adds and replaces methods, `overwrite` leaves nothing else."""
    document = _read(body, parameters or {}, fail=failOnWarnings)
    return _answered(await _put(call.state, restApiId, document, mode == "overwrite"), document)


@apigateway.operation
async def get_export(
    call: Call,
    restApiId: str,
    stageName: str,
    exportType: str,
    parameters: dict[str, str] | None = None,
    accepts: str = "application/json",
) -> dict[str, Any]:
    """What a stage serves, as a document."""
    if exportType not in ("swagger", "oas30"):
        raise bad(f"No API exporter for type '{exportType}'")
    if accepts not in ("application/json", "application/yaml"):
        raise bad(f"Invalid Accepts header: {accepts}. It is application/json or application/yaml")
    extensions = (parameters or {}).get("extensions", "").split(",")
    stage = await find_stage(call.state, restApiId, stageName)
    deployment = await _deployment(call.state, restApiId, stage.deployment)
    host = api_endpoint(call.doorway.endpoint, restApiId).partition("://")[2]
    exporter = Exporter(deployment, swagger=exportType == "swagger", extensions=extensions, host=host, base=stageName)
    kind = accepts.rpartition("/")[2]
    return {
        "contentType": accepts,
        "contentDisposition": f'attachment; filename="{exportType}_{restApiId}.{kind}"',
        "body": dumped(exporter.document(), kind.upper()),
    }


def _read(body: bytes, parameters: dict[str, str], *, fail: bool) -> Document:
    document = read(body, parameters.get("basepath", parameters.get("basePath", "ignore")))
    if fail and document.warnings:
        raise bad("Warnings found during import: " + "; ".join(document.warnings))
    return document


def _answered(api: RestApi, document: Document) -> dict[str, Any]:
    said = describe(api)
    return {**said, "warnings": document.warnings} if document.warnings else said


@transactional
async def _import(tx: Transaction, document: Document) -> RestApi:
    api = await make(tx, document.properties, {})
    await _fill(tx, api, document)
    return api


@transactional
async def _put(tx: Transaction, api_id: str, document: Document, overwrite: bool) -> RestApi:
    before = await find_api(tx, api_id)
    kept = {
        name: value
        for name, value in before.properties.items()
        if not overwrite or name in ("endpointConfiguration", "disableExecuteApiEndpoint", "name")
    }
    properties = {**kept, **document.properties}
    check_properties(properties)
    api = msgspec.structs.replace(before, properties=properties)
    await rest_apis.put(tx, api)
    if overwrite:
        for kind in (AUTHORIZER, MODEL, VALIDATOR, GATEWAY_RESPONSE):
            await parts.delete_all(tx, api_id, kind.name)
        wanted = {one for path in document.paths for one in parents(path)}
        for resource in await resources.list(tx, api_id):
            if resource.parent and resource.path not in wanted:
                await resources.delete(tx, api_id, resource.id)
            elif resource.methods:
                await resources.put(tx, msgspec.structs.replace(resource, methods={}))
    await _fill(tx, api, document)
    return api


async def _fill(tx: Transaction, api: RestApi, document: Document) -> None:
    """Make what a document says, in the place of what has the same name."""
    for model in document.models.values():
        MODEL.check(model)
        said = {"id": new_id(6), **model}
        await parts.put(tx, Part(api=api.id, kind=MODEL.name, id=model["name"], properties=said))
    for response in document.gateway_responses.values():
        GATEWAY_RESPONSE.check(response)
        said = {**response, "defaultResponse": False}
        await parts.put(tx, Part(api=api.id, kind=GATEWAY_RESPONSE.name, id=response["responseType"], properties=said))
    authorizers = await _named(tx, api, AUTHORIZER, document.authorizers)
    validators = await _named(tx, api, VALIDATOR, document.validators)
    found = {one.path: one for one in await resources.list(tx, api.id)}
    for path in document.paths:
        for one in parents(path):
            if one not in found:
                parent = found[one.rpartition("/")[0] or "/"]
                found[one] = await add_resource(tx, parent, one.rpartition("/")[2])
    for method in document.methods:
        found[method.path] = await _write(tx, found[method.path], method, authorizers, validators)


async def _named(tx: Transaction, api: RestApi, kind: Kind, given: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Make authorizers or validators, each in the place of one of its name; their ids by name."""
    ids = {part.properties.get("name"): part.id for part in await parts.list(tx, api.id, kind.name)}
    made: dict[str, str] = {}
    for name, members in given.items():
        kind.check(members)
        part_id = ids.get(members["name"]) or new_id(6)
        said = {"id": part_id, **members}
        await parts.put(tx, Part(api=api.id, kind=kind.name, id=part_id, properties=said))
        made[name] = part_id
    return made


async def _write(
    tx: Transaction, resource: Resource, method: Method, authorizers: dict[str, str], validators: dict[str, str]
) -> Resource:
    members = dict(method.members)
    if method.authorizer is not None:
        members["authorizerId"] = authorizers[method.authorizer]
    if method.validator is not None:
        members["requestValidatorId"] = validators[method.validator]
    if method.integration is not None:
        members["methodIntegration"] = {**method.integration, "cacheNamespace": resource.id}
    await check_method(tx, resource.api, members)
    changed = msgspec.structs.replace(resource, methods={**resource.methods, members["httpMethod"]: members})
    await resources.put(tx, changed)
    return changed


@transactional
async def _deployment(tx: Transaction, api_id: str, deployment_id: str) -> Deployment:
    if not deployment_id:
        raise not_found("Invalid Deployment identifier specified")
    return await find_deployment(tx, api_id, deployment_id)
