"""Functions, the steps of pipelines: create, get, list, update, delete."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import bad_request, not_found
from kumoi.services.appsync.lookup import find_api
from kumoi.services.appsync.naming import api_arn, new_id, page
from kumoi.services.appsync.operations.data_sources import find_source
from kumoi.services.appsync.programs import check
from kumoi.services.appsync.records import Function, functions, resolvers
from kumoi.state import Transaction, transactional


@appsync.operation
async def create_function(call: Call, apiId: str, name: str, dataSourceName: str, **given: Any) -> dict[str, Any]:
    """Create a function."""
    function = _made(apiId, new_id(), {"name": name, "dataSourceName": dataSourceName, **given})
    await _store(call.state, function)
    return {"functionConfiguration": _describe(call, function)}


@appsync.operation
async def update_function(
    call: Call, apiId: str, functionId: str, name: str, dataSourceName: str, **given: Any
) -> dict[str, Any]:
    """Replace what a function does."""
    await find_function(call.state, apiId, functionId)
    function = _made(apiId, functionId, {"name": name, "dataSourceName": dataSourceName, **given})
    await _store(call.state, function)
    return {"functionConfiguration": _describe(call, function)}


@appsync.operation
async def get_function(call: Call, apiId: str, functionId: str) -> dict[str, Any]:
    """A function."""
    return {"functionConfiguration": _describe(call, await find_function(call.state, apiId, functionId))}


@appsync.operation
async def list_functions(
    call: Call, apiId: str, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The functions of an API, by id."""
    shown, more = page(await _all(call.state, apiId), lambda function: function.id, nextToken, maxResults)
    return {"functions": [_describe(call, function) for function in shown], **more}


@appsync.operation
async def delete_function(call: Call, apiId: str, functionId: str) -> None:
    """Delete a function that no resolver uses."""
    await _delete(call.state, apiId, functionId)


@transactional
async def find_function(tx: Transaction, api_id: str, function_id: str) -> Function:
    """The function of that id; raises NotFoundException."""
    await find_api(tx, api_id)
    function = await functions.get(tx, api_id, function_id)
    if function is None:
        raise not_found(f"No function found with id {function_id}")
    return function


def _made(api_id: str, id: str, properties: dict[str, Any]) -> Function:
    check(properties)
    if "code" not in properties:
        properties.setdefault("functionVersion", "2018-05-29")
        if properties["functionVersion"] != "2018-05-29":
            raise bad_request(f"The function version {properties['functionVersion']} is not supported.")
    return Function(api=api_id, id=id, version=uuid(), properties=properties)


def _describe(call: Call, function: Function) -> dict[str, Any]:
    arn = api_arn(call, function.api, f"functions/{function.id}")
    return {"functionId": function.id, "functionArn": arn, **function.properties}


@transactional
async def _store(tx: Transaction, function: Function) -> None:
    await find_source(tx, function.api, function.properties["dataSourceName"])
    await functions.put(tx, function)


@transactional
async def _all(tx: Transaction, api_id: str) -> list[Function]:
    await find_api(tx, api_id)
    return await functions.list(tx, api_id)


@transactional
async def _delete(tx: Transaction, api_id: str, function_id: str) -> None:
    await find_function(tx, api_id, function_id)
    for resolver in await resolvers.list(tx, api_id):
        if function_id in (resolver.properties.get("pipelineConfig") or {}).get("functions", ()):
            raise bad_request("Cannot delete a function which is currently used by a resolver.")
    await functions.delete(tx, api_id, function_id)
