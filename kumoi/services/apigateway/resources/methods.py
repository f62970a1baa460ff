"""`AWS::ApiGateway::Resource` and `Method`: a method with its integration and its responses."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.services.apigateway.properties import (
    flags,
    members,
)
from kumoi.services.apigateway.resources.asking import ask, resource_type

_INTEGRATION = (
    *("Uri", "Credentials", "ConnectionType", "ConnectionId", "RequestParameters", "RequestTemplates"),
    *("PassthroughBehavior", "ContentHandling", "TimeoutInMillis", "CacheNamespace", "CacheKeyParameters"),
    *("ResponseTransferMode", "IntegrationTarget"),
)


async def _create_resource(call: ResourceCall) -> Resource:
    answer = await ask(call, "CreateResource", **members(call.properties, "RestApiId", "ParentId", "PathPart"))
    return Resource(answer["id"], {"ResourceId": answer["id"]})


async def _delete_resource(call: ResourceCall) -> None:
    await ask(call, "DeleteResource", restApiId=call.properties["RestApiId"], resourceId=call.physical_id)


async def _create_method(call: ResourceCall) -> Resource:
    place = members(call.properties, "RestApiId", "ResourceId", "HttpMethod")
    made = Resource(f"{place['restApiId']}|{place['resourceId']}|{place['httpMethod']}")
    await _put_method(call, place)
    call.begin(made)
    await _fill_method(call, place)
    return made


async def _put_method(call: ResourceCall, place: dict[str, Any]) -> None:
    own = call.properties
    given = members(own, "ApiKeyRequired", "AuthorizerId", "OperationName", "RequestModels", "RequestValidatorId")
    await ask(
        call,
        "PutMethod",
        **place,
        authorizationType=own.get("AuthorizationType") or "NONE",
        authorizationScopes=own.get("AuthorizationScopes"),
        requestParameters=flags(own.get("RequestParameters")) or None,
        **given,
    )


async def _fill_method(call: ResourceCall, place: dict[str, Any]) -> None:
    for response in call.properties.get("MethodResponses") or ():
        await ask(
            call,
            "PutMethodResponse",
            **place,
            statusCode=str(response["StatusCode"]),
            responseParameters=flags(response.get("ResponseParameters")) or None,
            responseModels=response.get("ResponseModels"),
        )
    integration = call.properties.get("Integration")
    if not integration:
        return
    given = members(integration, *_INTEGRATION)
    method = integration.get("IntegrationHttpMethod")
    await ask(call, "PutIntegration", **place, type=integration["Type"], integrationHttpMethod=method, **given)
    for response in integration.get("IntegrationResponses") or ():
        names = ("SelectionPattern", "ResponseParameters", "ResponseTemplates", "ContentHandling")
        said = members(response, *names)
        await ask(call, "PutIntegrationResponse", **place, statusCode=str(response["StatusCode"]), **said)


async def _update_method(call: ResourceCall) -> Resource:
    place = members(call.properties, "RestApiId", "ResourceId", "HttpMethod")
    await ask(call, "DeleteMethod", **place)
    await _put_method(call, place)
    await _fill_method(call, place)
    return Resource(call.physical_id, call.attributes)


async def _delete_method(call: ResourceCall) -> None:
    api_id, resource_id, method = call.physical_id.split("|")
    await ask(call, "DeleteMethod", restApiId=api_id, resourceId=resource_id, httpMethod=method)


TYPES = (
    resource_type("Resource", _create_resource, _delete_resource),
    resource_type(
        "Method",
        _create_method,
        _delete_method,
        _update_method,
        "RestApiId",
        "ResourceId",
        "HttpMethod",
    ),
)
