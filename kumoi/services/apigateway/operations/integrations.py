"""What stands behind methods, and how its answers become responses."""

from __future__ import annotations

import re
from typing import Any

from kumoi.doorway import Call
from kumoi.http_api.load_balancers import BALANCER
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, not_found, present, unbuilt
from kumoi.services.apigateway.lookup import find_resource, integration_of, method_of
from kumoi.services.apigateway.operations.methods import check_status, response_of, write_method
from kumoi.services.apigateway.records import Resource
from kumoi.state import Transaction, transactional

_ARN = re.compile(r"arn:[^:]+:apigateway:[^:]*:[^:]+:(?:path|action)/.*", re.DOTALL)
_PASSTHROUGH = ("WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER")

_FIELDS: patches.Fields = {
    "httpMethod": patches.text,
    "uri": patches.text,
    "credentials": patches.text,
    "connectionType": patches.text,
    "connectionId": patches.text,
    "passthroughBehavior": patches.text,
    "contentHandling": patches.text,
    "timeoutInMillis": patches.whole,
    "cacheNamespace": patches.text,
    "cacheKeyParameters": patches.members,
    "requestParameters": patches.mapping(),
    "requestTemplates": patches.mapping(),
    "tlsConfig": patches.within({"insecureSkipVerification": patches.flag}),
    "responseTransferMode": patches.text,
    "integrationTarget": patches.text,
}
_RESPONSE_FIELDS: patches.Fields = {
    "selectionPattern": patches.text,
    "contentHandling": patches.text,
    "responseParameters": patches.mapping(),
    "responseTemplates": patches.mapping(),
}


@apigateway.operation
async def put_integration(
    call: Call,
    restApiId: str,
    resourceId: str,
    httpMethod: str,
    type: str,
    integrationHttpMethod: str | None = None,
    **members: Any,
) -> dict[str, Any]:
    """Say what stands behind a method; what stood there before is replaced."""
    given = {"type": type, "httpMethod": integrationHttpMethod, **members}
    return await _put(call.state, restApiId, resourceId, httpMethod, completed(resourceId, given))


@apigateway.operation
async def get_integration(call: Call, restApiId: str, resourceId: str, httpMethod: str) -> dict[str, Any]:
    """What stands behind a method."""
    return integration_of(method_of(await find_resource(call.state, restApiId, resourceId), httpMethod))


@apigateway.operation
async def update_integration(
    call: Call,
    restApiId: str,
    resourceId: str,
    httpMethod: str,
    patchOperations: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Change what stands behind a method."""
    return await _update(call.state, restApiId, resourceId, httpMethod, patchOperations or [])


@apigateway.operation
async def delete_integration(call: Call, restApiId: str, resourceId: str, httpMethod: str) -> None:
    """Take away what stands behind a method."""
    await _delete(call.state, restApiId, resourceId, httpMethod)


@apigateway.operation
async def put_integration_response(
    call: Call,
    restApiId: str,
    resourceId: str,
    httpMethod: str,
    statusCode: str,
    **members: Any,
) -> dict[str, Any]:
    """Say how an answer becomes the response of a status code; the method must declare it."""
    check_status(statusCode)
    response = completed_response({"statusCode": statusCode, **members})
    return await _put_response(call.state, restApiId, resourceId, httpMethod, response)


@apigateway.operation
async def get_integration_response(
    call: Call, restApiId: str, resourceId: str, httpMethod: str, statusCode: str
) -> dict[str, Any]:
    """How an answer becomes a response."""
    integration = integration_of(method_of(await find_resource(call.state, restApiId, resourceId), httpMethod))
    return response_of(integration, statusCode, "integrationResponses")


@apigateway.operation
async def update_integration_response(
    call: Call,
    restApiId: str,
    resourceId: str,
    httpMethod: str,
    statusCode: str,
    patchOperations: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Change how an answer becomes a response."""
    return await _update_response(call.state, restApiId, resourceId, httpMethod, statusCode, patchOperations or [])


@apigateway.operation
async def delete_integration_response(
    call: Call, restApiId: str, resourceId: str, httpMethod: str, statusCode: str
) -> None:
    """No longer make a response of a status code."""
    await _delete_response(call.state, restApiId, resourceId, httpMethod, statusCode)


def completed(resource_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """An integration with its defaults; raises for one that cannot be."""
    integration = present(
        {
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29000,
            "cacheNamespace": resource_id,
            "cacheKeyParameters": [],
            **present(given),
        }
    )
    check_integration(integration)
    return integration


def check_integration(integration: dict[str, Any]) -> None:
    """Raise BadRequestException for an integration that cannot be."""
    kind, uri = integration["type"], integration.get("uri") or ""
    target = integration.get("integrationTarget")
    if (integration.get("connectionType") == "VPC_LINK") != bool(integration.get("connectionId")):
        raise bad("An integration with connectionType VPC_LINK has a connectionId, and no other has")
    if integration.get("connectionId") and not kind.startswith("HTTP"):
        raise bad("VPC links are for integrations of type HTTP and HTTP_PROXY")
    if target and not (integration.get("connectionId") and BALANCER.fullmatch(target)):
        raise bad("An integrationTarget is the ARN of an application load balancer, behind a VPC link")
    if integration.get("responseTransferMode") == "STREAM":
        raise unbuilt("responseTransferMode STREAM")
    if kind != "MOCK":
        if not integration.get("httpMethod"):
            raise bad("Enumeration value for HttpMethod must be non-empty")
        if kind.startswith("HTTP") and not re.match(r"https?://|\$\{stageVariables\.|\{", uri):
            raise bad("Invalid HTTP endpoint specified for URI")
        if kind.startswith("AWS"):
            if not uri.startswith("arn:"):
                raise bad("Invalid ARN specified in the request")
            if not _ARN.fullmatch(uri):
                raise bad("AWS ARN for integration must contain path or action")
            if kind == "AWS_PROXY" and ":lambda:path/" not in uri:
                raise bad(
                    "Integrations of type 'AWS_PROXY' currently only supports Lambda function"
                    " and Firehose stream invocations."
                )
    if integration["passthroughBehavior"] not in _PASSTHROUGH:
        raise bad(f"Invalid passthrough behavior. Must be one of: [{', '.join(_PASSTHROUGH)}]")
    if not 50 <= integration["timeoutInMillis"] <= 29000:
        raise bad("Timeout should be between 50 ms and 29000 ms")
    for name in integration.get("requestParameters") or ():
        if not re.fullmatch(r"integration\.request\.(path|querystring|header)\..+", name):
            raise bad(f"Invalid mapping expression specified: {name}")


def completed_response(given: dict[str, Any]) -> dict[str, Any]:
    """An integration response; raises for one that cannot be."""
    response = present(given)
    pattern = response.get("selectionPattern")
    if pattern:
        try:
            re.compile(pattern)
        except re.error as error:
            raise bad(f"Invalid selection pattern specified: {pattern} ({error})") from None
    for name in response.get("responseParameters") or ():
        if not name.startswith("method.response.header."):
            raise bad(f"Invalid mapping expression specified: {name}")
    return response


@transactional
async def _put(
    tx: Transaction, api_id: str, resource_id: str, name: str, integration: dict[str, Any]
) -> dict[str, Any]:
    resource = await find_resource(tx, api_id, resource_id)
    method = method_of(resource, name)
    await write_method(tx, resource, {**method, "methodIntegration": integration})
    return integration


async def _find(
    tx: Transaction, api_id: str, resource_id: str, name: str
) -> tuple[Resource, dict[str, Any], dict[str, Any]]:
    resource = await find_resource(tx, api_id, resource_id)
    method = method_of(resource, name)
    return resource, method, integration_of(method)


@transactional
async def _update(
    tx: Transaction, api_id: str, resource_id: str, name: str, operations: list[dict[str, Any]]
) -> dict[str, Any]:
    resource, method, integration = await _find(tx, api_id, resource_id, name)
    changed = patches.patched(integration, _FIELDS, operations)
    changed = {"passthroughBehavior": "WHEN_NO_MATCH", "timeoutInMillis": 29000, **changed}
    check_integration(changed)
    await write_method(tx, resource, {**method, "methodIntegration": changed})
    return changed


@transactional
async def _delete(tx: Transaction, api_id: str, resource_id: str, name: str) -> None:
    resource, method, _ = await _find(tx, api_id, resource_id, name)
    await write_method(tx, resource, {key: value for key, value in method.items() if key != "methodIntegration"})


async def _write_responses(
    tx: Transaction, found: tuple[Resource, dict[str, Any], dict[str, Any]], responses: dict[str, Any]
) -> None:
    resource, method, integration = found
    changed = {**integration, "integrationResponses": responses}
    await write_method(tx, resource, {**method, "methodIntegration": changed})


@transactional
async def _put_response(
    tx: Transaction, api_id: str, resource_id: str, name: str, response: dict[str, Any]
) -> dict[str, Any]:
    found = await _find(tx, api_id, resource_id, name)
    status = response["statusCode"]
    if status not in (found[1].get("methodResponses") or {}):
        raise not_found("Invalid Response status code specified")
    responses = found[2].get("integrationResponses") or {}
    await _write_responses(tx, found, {**responses, status: response})
    return response


@transactional
async def _update_response(
    tx: Transaction, api_id: str, resource_id: str, name: str, status: str, operations: list[dict[str, Any]]
) -> dict[str, Any]:
    found = await _find(tx, api_id, resource_id, name)
    held = response_of(found[2], status, "integrationResponses")
    changed = completed_response(patches.patched(held, _RESPONSE_FIELDS, operations))
    await _write_responses(tx, found, {**found[2]["integrationResponses"], status: changed})
    return changed


@transactional
async def _delete_response(tx: Transaction, api_id: str, resource_id: str, name: str, status: str) -> None:
    found = await _find(tx, api_id, resource_id, name)
    response_of(found[2], status, "integrationResponses")
    kept = {key: one for key, one in found[2]["integrationResponses"].items() if key != status}
    await _write_responses(tx, found, kept)
