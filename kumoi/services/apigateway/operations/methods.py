"""Methods of resources, and the responses they declare."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, conflict, not_found, present
from kumoi.services.apigateway.lookup import find_resource, method_of
from kumoi.services.apigateway.records import Resource, parts, resources
from kumoi.state import Transaction, transactional

METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY")
_TYPES = ("NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS", "JWT")

_FIELDS: patches.Fields = {
    "authorizationType": patches.text,
    "authorizerId": patches.text,
    "authorizationScopes": patches.members,
    "apiKeyRequired": patches.flag,
    "operationName": patches.text,
    "requestParameters": patches.mapping(patches.as_flag),
    "requestModels": patches.mapping(),
    "requestValidatorId": patches.text,
}
_RESPONSE_FIELDS: patches.Fields = {
    "responseParameters": patches.mapping(patches.as_flag),
    "responseModels": patches.mapping(),
}


@apigateway.operation
async def put_method(
    call: Call, restApiId: str, resourceId: str, httpMethod: str, authorizationType: str, **members: Any
) -> dict[str, Any]:
    """Give a resource a method that it has not yet."""
    method = present(
        {"httpMethod": httpMethod, "authorizationType": authorizationType, "apiKeyRequired": False, **members}
    )
    return await _put(call.state, restApiId, resourceId, method)


@apigateway.operation
async def get_method(call: Call, restApiId: str, resourceId: str, httpMethod: str) -> dict[str, Any]:
    """A method."""
    return method_of(await find_resource(call.state, restApiId, resourceId), httpMethod)


@apigateway.operation
async def update_method(
    call: Call,
    restApiId: str,
    resourceId: str,
    httpMethod: str,
    patchOperations: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Change a method."""
    return await _update(call.state, restApiId, resourceId, httpMethod, patchOperations or [])


@apigateway.operation
async def delete_method(call: Call, restApiId: str, resourceId: str, httpMethod: str) -> None:
    """Take a method from a resource."""
    await _delete(call.state, restApiId, resourceId, httpMethod)


@apigateway.operation
async def put_method_response(
    call: Call,
    restApiId: str,
    resourceId: str,
    httpMethod: str,
    statusCode: str,
    responseParameters: dict[str, bool] | None = None,
    responseModels: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Declare a response of a method."""
    response = present(
        {"statusCode": statusCode, "responseParameters": responseParameters, "responseModels": responseModels}
    )
    for name in responseParameters or ():
        if not name.startswith("method.response.header."):
            raise bad(f"Invalid mapping expression specified: {name}")
    return await _put_response(call.state, restApiId, resourceId, httpMethod, response)


@apigateway.operation
async def get_method_response(
    call: Call, restApiId: str, resourceId: str, httpMethod: str, statusCode: str
) -> dict[str, Any]:
    """A declared response."""
    return response_of(method_of(await find_resource(call.state, restApiId, resourceId), httpMethod), statusCode)


@apigateway.operation
async def update_method_response(
    call: Call,
    restApiId: str,
    resourceId: str,
    httpMethod: str,
    statusCode: str,
    patchOperations: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Change a declared response."""
    return await _update_response(call.state, restApiId, resourceId, httpMethod, statusCode, patchOperations or [])


@apigateway.operation
async def delete_method_response(call: Call, restApiId: str, resourceId: str, httpMethod: str, statusCode: str) -> None:
    """Take a declared response away."""
    await _delete_response(call.state, restApiId, resourceId, httpMethod, statusCode)


def response_of(holder: dict[str, Any], status: str, member: str = "methodResponses") -> dict[str, Any]:
    """The response of a method or integration by its status code; NotFoundException when there is none."""
    found: dict[str, Any] | None = (holder.get(member) or {}).get(status)
    if found is None:
        raise not_found("Invalid Response status code specified")
    return found


def check_status(status: str) -> None:
    """Raise for what is no status code."""
    if not (len(status) == 3 and status.isdigit() and status[0] in "12345"):
        raise bad(f"Invalid status code specified: {status}")


async def check_method(tx: Transaction, api_id: str, method: dict[str, Any]) -> None:
    """Raise BadRequestException for a method that cannot be."""
    if method["httpMethod"] not in METHODS:
        raise bad(f"Invalid HttpMethod specified. Valid options are {','.join(METHODS)}")
    kind = method["authorizationType"]
    if kind not in _TYPES:
        raise bad(f"Invalid authorization type specified. Must be one of: {', '.join(_TYPES)}")
    if kind in ("CUSTOM", "COGNITO_USER_POOLS", "JWT"):
        authorizer = method.get("authorizerId")
        if not authorizer or await parts.get(tx, api_id, "Authorizer", authorizer) is None:
            raise bad(
                "Invalid authorizer ID specified. "
                "Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer."
            )
    validator = method.get("requestValidatorId")
    if validator and await parts.get(tx, api_id, "RequestValidator", validator) is None:
        raise bad("Invalid Request Validator identifier specified")
    for model in (method.get("requestModels") or {}).values():
        if await parts.get(tx, api_id, "Model", model) is None:
            raise bad(f"Invalid model identifier specified: {model}")
    for name in method.get("requestParameters") or ():
        place = name.split(".", 3)
        if len(place) != 4 or place[:2] != ["method", "request"] or place[2] not in ("path", "querystring", "header"):
            raise bad(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors :"
                f" [Invalid mapping expression parameter specified: {name}]"
            )


async def write_method(tx: Transaction, resource: Resource, method: dict[str, Any]) -> dict[str, Any]:
    """Store a method within its resource."""
    methods = {**resource.methods, method["httpMethod"]: method}
    await resources.put(tx, msgspec.structs.replace(resource, methods=methods))
    return method


@transactional
async def _put(tx: Transaction, api_id: str, resource_id: str, method: dict[str, Any]) -> dict[str, Any]:
    resource = await find_resource(tx, api_id, resource_id)
    await check_method(tx, api_id, method)
    if method["httpMethod"] in resource.methods:
        raise conflict("Method already exists for this resource")
    return await write_method(tx, resource, method)


@transactional
async def _update(
    tx: Transaction, api_id: str, resource_id: str, name: str, operations: list[dict[str, Any]]
) -> dict[str, Any]:
    resource = await find_resource(tx, api_id, resource_id)
    changed = patches.patched(method_of(resource, name), _FIELDS, operations)
    await check_method(tx, api_id, changed)
    return await write_method(tx, resource, changed)


@transactional
async def _delete(tx: Transaction, api_id: str, resource_id: str, name: str) -> None:
    resource = await find_resource(tx, api_id, resource_id)
    method_of(resource, name)
    methods = {key: method for key, method in resource.methods.items() if key != name}
    await resources.put(tx, msgspec.structs.replace(resource, methods=methods))


@transactional
async def _put_response(
    tx: Transaction, api_id: str, resource_id: str, name: str, response: dict[str, Any]
) -> dict[str, Any]:
    resource = await find_resource(tx, api_id, resource_id)
    method = method_of(resource, name)
    check_status(response["statusCode"])
    responses = method.get("methodResponses") or {}
    if response["statusCode"] in responses:
        raise conflict("Response already exists for this resource")
    await write_method(tx, resource, {**method, "methodResponses": {**responses, response["statusCode"]: response}})
    return response


@transactional
async def _update_response(
    tx: Transaction, api_id: str, resource_id: str, name: str, status: str, operations: list[dict[str, Any]]
) -> dict[str, Any]:
    resource = await find_resource(tx, api_id, resource_id)
    method = method_of(resource, name)
    changed = patches.patched(response_of(method, status), _RESPONSE_FIELDS, operations)
    await write_method(tx, resource, {**method, "methodResponses": {**method["methodResponses"], status: changed}})
    return changed


@transactional
async def _delete_response(tx: Transaction, api_id: str, resource_id: str, name: str, status: str) -> None:
    resource = await find_resource(tx, api_id, resource_id)
    method = method_of(resource, name)
    response_of(method, status)
    kept = {key: one for key, one in method["methodResponses"].items() if key != status}
    await write_method(tx, resource, {**method, "methodResponses": kept})
