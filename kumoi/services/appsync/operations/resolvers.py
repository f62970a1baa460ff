"""Resolvers of fields: create, get, list, update, delete; a unit on one data source, or a pipeline of functions."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import bad_request, not_found
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.lookup import find_api
from kumoi.services.appsync.naming import api_arn, page
from kumoi.services.appsync.operations.data_sources import find_source
from kumoi.services.appsync.operations.functions import find_function
from kumoi.services.appsync.operations.schemas import find_schema
from kumoi.services.appsync.programs import check
from kumoi.services.appsync.records import Resolver, functions, resolvers
from kumoi.state import Transaction, transactional

MAX_FUNCTIONS = 10


@appsync.operation
async def create_resolver(call: Call, apiId: str, typeName: str, fieldName: str, **given: Any) -> dict[str, Any]:
    """Create the resolver of a field."""
    resolver = await _made(call, apiId, typeName, fieldName, given)
    await _store(call.state, resolver, False)
    return {"resolver": _describe(call, resolver)}


@appsync.operation
async def update_resolver(call: Call, apiId: str, typeName: str, fieldName: str, **given: Any) -> dict[str, Any]:
    """Replace the resolver of a field."""
    resolver = await _made(call, apiId, typeName, fieldName, given)
    await _store(call.state, resolver, True)
    return {"resolver": _describe(call, resolver)}


@appsync.operation
async def get_resolver(call: Call, apiId: str, typeName: str, fieldName: str) -> dict[str, Any]:
    """The resolver of a field."""
    return {"resolver": _describe(call, await _find(call.state, apiId, typeName, fieldName))}


@appsync.operation
async def list_resolvers(
    call: Call, apiId: str, typeName: str, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The resolvers of a type's fields, by name."""
    found = await _all(call.state, apiId, typeName)
    shown, more = page(found, lambda resolver: resolver.field, nextToken, maxResults)
    return {"resolvers": [_describe(call, resolver) for resolver in shown], **more}


@appsync.operation
async def list_resolvers_by_function(
    call: Call, apiId: str, functionId: str, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The pipelines that a function is a step of."""
    await find_function(call.state, apiId, functionId)
    found = [resolver for resolver in await _all(call.state, apiId) if functionId in _steps(resolver.properties)]
    shown, more = page(found, lambda resolver: f"{resolver.type_name}.{resolver.field}", nextToken, maxResults)
    return {"resolvers": [_describe(call, resolver) for resolver in shown], **more}


@appsync.operation
async def delete_resolver(call: Call, apiId: str, typeName: str, fieldName: str) -> None:
    """Delete the resolver of a field."""
    await _delete(call.state, apiId, typeName, fieldName)


async def _made(call: Call, api_id: str, type_name: str, field: str, given: dict[str, Any]) -> Resolver:
    properties = {"kind": "UNIT", **given}
    pipeline = properties["kind"] == "PIPELINE"
    if pipeline and "dataSourceName" in properties:
        raise bad_request("A pipeline resolver cannot have a data source.")
    if not pipeline and "dataSourceName" not in properties:
        raise bad_request("A unit resolver needs a data source.")
    if len(_steps(properties)) > MAX_FUNCTIONS:
        raise bad_request(f"A pipeline can have up to {MAX_FUNCTIONS} functions.")
    check(properties)
    schema = await find_schema(call.state, api_id)
    found = await call.part(Kept).schema(schema.version, schema.definition) if schema and schema.definition else None
    if found is None or not found.field_exists(type_name, field):
        raise not_found(f"No field named {field} found on type {type_name}")
    return Resolver(api=api_id, type_name=type_name, field=field, version=uuid(), properties=properties)


def _steps(properties: dict[str, Any]) -> list[str]:
    return list((properties.get("pipelineConfig") or {}).get("functions") or ())


def _describe(call: Call, resolver: Resolver) -> dict[str, Any]:
    arn = api_arn(call, resolver.api, f"types/{resolver.type_name}/resolvers/{resolver.field}")
    return {
        "typeName": resolver.type_name,
        "fieldName": resolver.field,
        "resolverArn": arn,
        **resolver.properties,
    }


@transactional
async def _find(tx: Transaction, api_id: str, type_name: str, field: str) -> Resolver:
    await find_api(tx, api_id)
    resolver = await resolvers.get(tx, api_id, type_name, field)
    if resolver is None:
        raise not_found(f"No resolver found for field {field} on type {type_name}")
    return resolver


@transactional
async def _store(tx: Transaction, resolver: Resolver, there: bool) -> None:
    if there:
        await _find(tx, resolver.api, resolver.type_name, resolver.field)
    elif await resolvers.get(tx, resolver.api, resolver.type_name, resolver.field) is not None:
        raise bad_request("Only one resolver is allowed per field.")
    if "dataSourceName" in resolver.properties:
        await find_source(tx, resolver.api, resolver.properties["dataSourceName"])
    for function in _steps(resolver.properties):
        if await functions.get(tx, resolver.api, function) is None:
            raise bad_request(f"No function found with id {function}")
    await resolvers.put(tx, resolver)


@transactional
async def _all(tx: Transaction, api_id: str, *type_name: str) -> list[Resolver]:
    await find_api(tx, api_id)
    return await resolvers.list(tx, api_id, *type_name)


@transactional
async def _delete(tx: Transaction, api_id: str, type_name: str, field: str) -> None:
    await _find(tx, api_id, type_name, field)
    await resolvers.delete(tx, api_id, type_name, field)
