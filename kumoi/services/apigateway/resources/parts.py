"""`AWS::ApiGateway::Authorizer`, `Model`, `RequestValidator`, `GatewayResponse`, `DocumentationPart`."""

from __future__ import annotations

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.services.apigateway.properties import (
    lowered,
    members,
    patch,
    patches,
)
from kumoi.services.apigateway.resources.asking import ask, resource_type

_AUTHORIZER = (
    *("Name", "Type", "AuthType", "AuthorizerUri", "AuthorizerCredentials", "IdentitySource"),
    *("IdentityValidationExpression", "AuthorizerResultTtlInSeconds", "ProviderARNs", "JwtConfiguration"),
)


async def _create_authorizer(call: ResourceCall) -> Resource:
    answer = await ask(call, "CreateAuthorizer", **members(call.properties, "RestApiId", *_AUTHORIZER))
    return Resource(answer["id"], {"AuthorizerId": answer["id"]})


async def _update_authorizer(call: ResourceCall) -> Resource:
    names = [name for name in _AUTHORIZER if name not in ("ProviderARNs", "JwtConfiguration")]
    operations = patches(call.before, call.properties, *names)
    pools = call.properties.get("ProviderARNs")
    if pools:
        operations.append({"op": "replace", "path": "/providerARNs", "value": ",".join(pools)})
    place = {"restApiId": call.properties["RestApiId"], "authorizerId": call.physical_id}
    await ask(call, "UpdateAuthorizer", **place, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_authorizer(call: ResourceCall) -> None:
    await ask(call, "DeleteAuthorizer", restApiId=call.properties["RestApiId"], authorizerId=call.physical_id)


def _schema(call: ResourceCall) -> str:
    schema = call.properties.get("Schema")
    return schema if isinstance(schema, str) else orjson.dumps(schema or {}).decode()


async def _create_model(call: ResourceCall) -> Resource:
    own = call.properties
    name = own.get("Name") or "".join(one for one in call.name("Name", 100) if one.isalnum())
    kind = own.get("ContentType") or "application/json"
    given = members(own, "RestApiId", "Description")
    await ask(call, "CreateModel", name=name, contentType=kind, schema=_schema(call), **given)
    return Resource(name)


async def _update_model(call: ResourceCall) -> Resource:
    operations = [patch("/schema", _schema(call)), *patches(call.before, call.properties, "Description")]
    place = {"restApiId": call.properties["RestApiId"], "modelName": call.physical_id}
    await ask(call, "UpdateModel", **place, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_model(call: ResourceCall) -> None:
    await ask(call, "DeleteModel", restApiId=call.properties["RestApiId"], modelName=call.physical_id)


async def _create_validator(call: ResourceCall) -> Resource:
    names = ("RestApiId", "Name", "ValidateRequestBody", "ValidateRequestParameters")
    answer = await ask(call, "CreateRequestValidator", **members(call.properties, *names))
    return Resource(answer["id"], {"RequestValidatorId": answer["id"]})


async def _update_validator(call: ResourceCall) -> Resource:
    own = call.properties
    operations = [
        patch(f"/{lowered(name)}", str(own.get(name, False)).lower())
        for name in ("ValidateRequestBody", "ValidateRequestParameters")
    ]
    place = {"restApiId": own["RestApiId"], "requestValidatorId": call.physical_id}
    await ask(call, "UpdateRequestValidator", **place, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_validator(call: ResourceCall) -> None:
    place = {"restApiId": call.properties["RestApiId"], "requestValidatorId": call.physical_id}
    await ask(call, "DeleteRequestValidator", **place)


async def _put_gateway_response(call: ResourceCall) -> Resource:
    own = call.properties
    given = members(own, "RestApiId", "ResponseType", "ResponseParameters", "ResponseTemplates")
    status = None if own.get("StatusCode") is None else str(own["StatusCode"])
    await ask(call, "PutGatewayResponse", statusCode=status, **given)
    identity = f"{own['RestApiId']}|{own['ResponseType']}"
    return Resource(identity, {"Id": identity})


async def _delete_gateway_response(call: ResourceCall) -> None:
    await ask(call, "DeleteGatewayResponse", **members(call.properties, "RestApiId", "ResponseType"))


async def _create_documentation(call: ResourceCall) -> Resource:
    given = members(call.properties, "RestApiId", "Location", "Properties")
    answer = await ask(call, "CreateDocumentationPart", **given)
    return Resource(answer["id"], {"DocumentationPartId": answer["id"]})


async def _delete_documentation(call: ResourceCall) -> None:
    place = {"restApiId": call.properties["RestApiId"], "documentationPartId": call.physical_id}
    await ask(call, "DeleteDocumentationPart", **place)


TYPES = (
    resource_type(
        "Authorizer",
        _create_authorizer,
        _delete_authorizer,
        _update_authorizer,
        "RestApiId",
        "Type",
        "JwtConfiguration",
    ),
    resource_type("Model", _create_model, _delete_model, _update_model, "RestApiId", "Name", "ContentType"),
    resource_type("RequestValidator", _create_validator, _delete_validator, _update_validator, "RestApiId", "Name"),
    resource_type(
        "GatewayResponse",
        _put_gateway_response,
        _delete_gateway_response,
        _put_gateway_response,
        "RestApiId",
        "ResponseType",
    ),
    resource_type("DocumentationPart", _create_documentation, _delete_documentation),
)
