"""`AWS::ApiGateway::RestApi`: out of members, or of a document which properties beside it win over."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.http_api.template_body import body_of
from kumoi.services.apigateway.properties import (
    members,
    patch,
    patches,
)
from kumoi.services.apigateway.resources.asking import ask, resource_type

_API_PATCHED = ("Name", "Description", "ApiKeySourceType", "MinimumCompressionSize", "DisableExecuteApiEndpoint")


def _policy(call: ResourceCall) -> str | None:
    policy = call.properties.get("Policy")
    return policy if policy is None or isinstance(policy, str) else orjson.dumps(policy).decode()


def _media_types(call: ResourceCall) -> list[str] | None:
    given = call.properties.get("BinaryMediaTypes")
    return None if given is None else [str(one).replace("~1", "/") for one in given]


async def _create_api(call: ResourceCall) -> Resource:
    body, own = await body_of(call), call.properties
    if body is None:
        given = members(
            own, "Description", "MinimumCompressionSize", "DisableExecuteApiEndpoint", "EndpointConfiguration"
        )
        answer = await ask(
            call,
            "CreateRestApi",
            name=own.get("Name") or call.name("Name", 128),
            apiKeySource=own.get("ApiKeySourceType"),
            binaryMediaTypes=_media_types(call),
            cloneFrom=own.get("CloneFrom"),
            policy=_policy(call),
            tags=call.all_tags(),
            **given,
        )
    else:
        kinds = (own.get("EndpointConfiguration") or {}).get("Types")
        parameters = {**(own.get("Parameters") or {})}
        if kinds:
            parameters["endpointConfigurationTypes"] = ",".join(kinds)
        fail = str(own.get("FailOnWarnings", False)).lower() == "true"
        answer = await ask(call, "ImportRestApi", body=body.encode(), failOnWarnings=fail, parameters=parameters)
    made = Resource(answer["id"], {"RootResourceId": answer["rootResourceId"], "RestApiId": answer["id"]})
    if body is not None:
        call.begin(made)
        await _over_document(call, made.physical_id)
    return made


async def _over_document(call: ResourceCall, api_id: str) -> None:
    """Properties beside the document win over it."""
    operations = _api_patches(call, {})
    if operations:
        await ask(call, "UpdateRestApi", restApiId=api_id, patchOperations=operations)
    arn = f"arn:aws:apigateway:{call.region}::/restapis/{api_id}"
    await ask(call, "TagResource", resourceArn=arn, tags=call.all_tags())


def _api_patches(call: ResourceCall, before: Any) -> list[dict[str, str]]:
    own = {name: value for name, value in call.properties.items() if name in _API_PATCHED}
    operations = patches({name: before.get(name) for name in _API_PATCHED}, own, *_API_PATCHED)
    for operation in operations:
        if operation["path"] == "/apiKeySourceType":
            operation["path"] = "/apiKeySource"
    types = _media_types(call)
    if types is not None:
        operations.append({"op": "replace", "path": "/binaryMediaTypes", "value": ",".join(types)})
    policy = _policy(call)
    if policy is not None:
        operations.append(patch("/policy", policy))
    kinds = (call.properties.get("EndpointConfiguration") or {}).get("Types")
    if kinds:
        operations.append({"op": "replace", "path": "/endpointConfiguration/types", "value": ",".join(kinds)})
    return operations


async def _update_api(call: ResourceCall) -> Resource:
    body = await body_of(call)
    if body is not None:
        mode = str(call.properties.get("Mode") or "overwrite")
        await ask(call, "PutRestApi", restApiId=call.physical_id, mode=mode, body=body.encode())
        await _over_document(call, call.physical_id)
    else:
        operations = _api_patches(call, call.before)
        if operations:
            await ask(call, "UpdateRestApi", restApiId=call.physical_id, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_api(call: ResourceCall) -> None:
    await ask(call, "DeleteRestApi", restApiId=call.physical_id)


TYPES = (resource_type("RestApi", _create_api, _delete_api, _update_api, "CloneFrom"),)
