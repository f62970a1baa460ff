"""Authorizers, models, request validators, gateway responses, documentation parts: made, read, changed, deleted."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.http_api.authorizers import VerdictCache
from kumoi.http_api.places import new_id
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, conflict, not_found, page, present
from kumoi.services.apigateway.gateway_responses import DEFAULTS, default_response
from kumoi.services.apigateway.kinds import (
    AUTHORIZER,
    DOCUMENTATION_PART,
    GATEWAY_RESPONSE,
    MODEL,
    VALIDATOR,
    Kind,
    completed_authorizer,
)
from kumoi.services.apigateway.lookup import find_api
from kumoi.services.apigateway.records import Part, parts, resources
from kumoi.state import Transaction, transactional


@apigateway.operation
async def create_authorizer(call: Call, restApiId: str, name: str, type: str, **members: Any) -> dict[str, Any]:
    """Create an authorizer."""
    given = completed_authorizer(present({"name": name, "type": type, **members}))
    return await write_part(call.state, AUTHORIZER, restApiId, given)


@apigateway.operation
async def get_authorizer(call: Call, restApiId: str, authorizerId: str) -> dict[str, Any]:
    """An authorizer."""
    return await _find(call.state, AUTHORIZER, restApiId, authorizerId)


@apigateway.operation
async def get_authorizers(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """An API's authorizers."""
    return page(await _all(call.state, AUTHORIZER, restApiId), position, limit)


@apigateway.operation
async def update_authorizer(
    call: Call, restApiId: str, authorizerId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change an authorizer."""
    changed = await _update(call.state, AUTHORIZER, restApiId, authorizerId, patchOperations or [])
    call.part(VerdictCache).forget(restApiId)
    return changed


@apigateway.operation
async def delete_authorizer(call: Call, restApiId: str, authorizerId: str) -> None:
    """Delete an authorizer that no method uses."""
    await _delete_authorizer(call.state, restApiId, authorizerId)


@apigateway.operation
async def create_model(
    call: Call,
    restApiId: str,
    name: str,
    contentType: str,
    description: str | None = None,
    schema: str | None = None,
) -> dict[str, Any]:
    """Create a model: a JSON schema that bodies can be validated against."""
    given = {"id": new_id(6), "name": name, "description": description, "schema": schema, "contentType": contentType}
    return await write_part(call.state, MODEL, restApiId, present(given))


@apigateway.operation
async def get_model(call: Call, restApiId: str, modelName: str, flatten: bool = False) -> dict[str, Any]:
    """A model; `flatten` puts the models that it refers to among its definitions."""
    model = await _find(call.state, MODEL, restApiId, modelName)
    if not flatten:
        return model
    return {**model, "schema": flattened(model, await _all(call.state, MODEL, restApiId))}


@apigateway.operation
async def get_models(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """An API's models."""
    return page(await _all(call.state, MODEL, restApiId), position, limit)


@apigateway.operation
async def update_model(
    call: Call, restApiId: str, modelName: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a model."""
    return await _update(call.state, MODEL, restApiId, modelName, patchOperations or [])


@apigateway.operation
async def delete_model(call: Call, restApiId: str, modelName: str) -> None:
    """Delete a model that no method uses."""
    await _delete_model(call.state, restApiId, modelName)


@apigateway.operation
async def create_request_validator(
    call: Call,
    restApiId: str,
    name: str | None = None,
    validateRequestBody: bool = False,
    validateRequestParameters: bool = False,
) -> dict[str, Any]:
    """Create a validator: whether the body, the parameters, or both are checked."""
    given = {
        "name": name,
        "validateRequestBody": validateRequestBody,
        "validateRequestParameters": validateRequestParameters,
    }
    return await write_part(call.state, VALIDATOR, restApiId, present(given))


@apigateway.operation
async def get_request_validator(call: Call, restApiId: str, requestValidatorId: str) -> dict[str, Any]:
    """A validator."""
    return await _find(call.state, VALIDATOR, restApiId, requestValidatorId)


@apigateway.operation
async def get_request_validators(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """An API's validators."""
    return page(await _all(call.state, VALIDATOR, restApiId), position, limit)


@apigateway.operation
async def update_request_validator(
    call: Call, restApiId: str, requestValidatorId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a validator."""
    return await _update(call.state, VALIDATOR, restApiId, requestValidatorId, patchOperations or [])


@apigateway.operation
async def delete_request_validator(call: Call, restApiId: str, requestValidatorId: str) -> None:
    """Delete a validator."""
    await _delete_validator(call.state, restApiId, requestValidatorId)


@apigateway.operation
async def put_gateway_response(call: Call, restApiId: str, responseType: str, **members: Any) -> dict[str, Any]:
    """Say what clients get in a case that the gateway answers itself."""
    given = present({"responseType": responseType, "responseParameters": {}, "responseTemplates": {}, **members})
    given.setdefault("statusCode", DEFAULTS[responseType].status_text)
    given = {name: value for name, value in given.items() if value != ""}
    return await write_part(call.state, GATEWAY_RESPONSE, restApiId, {**given, "defaultResponse": False}, replace=True)


@apigateway.operation
async def get_gateway_response(call: Call, restApiId: str, responseType: str) -> dict[str, Any]:
    """What clients get in such a case."""
    return await _gateway_response(call.state, restApiId, responseType)


@apigateway.operation
async def get_gateway_responses(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Every gateway response, those too that are AWS's own."""
    own = {one["responseType"]: one for one in await _all(call.state, GATEWAY_RESPONSE, restApiId)}
    return page([own.get(name) or default_response(name, own) for name in sorted(DEFAULTS)], position, limit)


@apigateway.operation
async def update_gateway_response(
    call: Call, restApiId: str, responseType: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a gateway response."""
    return await _update_gateway_response(call.state, restApiId, responseType, patchOperations or [])


@apigateway.operation
async def delete_gateway_response(call: Call, restApiId: str, responseType: str) -> None:
    """Go back to AWS's own."""
    await delete_part(call.state, GATEWAY_RESPONSE, restApiId, responseType)


@apigateway.operation
async def create_documentation_part(
    call: Call, restApiId: str, location: dict[str, Any], properties: str
) -> dict[str, Any]:
    """Keep a piece of documentation."""
    return await write_part(call.state, DOCUMENTATION_PART, restApiId, {"location": location, "properties": properties})


@apigateway.operation
async def get_documentation_part(call: Call, restApiId: str, documentationPartId: str) -> dict[str, Any]:
    """A piece of documentation."""
    return await _find(call.state, DOCUMENTATION_PART, restApiId, documentationPartId)


@apigateway.operation
async def get_documentation_parts(
    call: Call,
    restApiId: str,
    type: str | None = None,
    nameQuery: str | None = None,
    path: str | None = None,
    position: str | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """An API's documentation."""
    wanted = present({"type": type, "name": nameQuery, "path": path})
    found = await _all(call.state, DOCUMENTATION_PART, restApiId)
    shown = [one for one in found if all(one["location"].get(key) == value for key, value in wanted.items())]
    return page(shown, position, limit)


@apigateway.operation
async def update_documentation_part(
    call: Call, restApiId: str, documentationPartId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a piece of documentation."""
    return await _update(call.state, DOCUMENTATION_PART, restApiId, documentationPartId, patchOperations or [])


@apigateway.operation
async def delete_documentation_part(call: Call, restApiId: str, documentationPartId: str) -> None:
    """Delete a piece of documentation."""
    await delete_part(call.state, DOCUMENTATION_PART, restApiId, documentationPartId)


def flattened(model: dict[str, Any], models: list[dict[str, Any]]) -> str:
    """A model's schema with the models that it refers to by URL among its `definitions`."""
    try:
        schema = orjson.loads(model["schema"])
        others = {one["name"]: orjson.loads(one["schema"]) for one in models if one["name"] != model["name"]}
    except orjson.JSONDecodeError:
        return str(model["schema"])
    if not isinstance(schema, dict):
        return str(model["schema"])
    text = orjson.dumps({**schema, "definitions": {**others, **(schema.get("definitions") or {})}}).decode()
    for name in others:
        for end in (f'/models/{name}"',):
            start = text.find(end)
            while start != -1:
                begin = text.rfind('"', 0, start)
                text = f'{text[:begin]}"#/definitions/{name}"{text[start + len(end) :]}'
                start = text.find(end)
    return text


@transactional
async def write_part(
    tx: Transaction, kind: Kind, api_id: str, given: dict[str, Any], *, replace: bool = False
) -> dict[str, Any]:
    """Check and store a new part; it is answered as it is stored."""
    await find_api(tx, api_id)
    kind.check(given)
    part_id = given[kind.named] if kind.named else new_id(6)
    if kind.named and not replace and await parts.get(tx, api_id, kind.name, part_id) is not None:
        raise conflict(f"{kind.name} name already exists for this REST API")
    if kind is AUTHORIZER:
        for other in await parts.list(tx, api_id, kind.name):
            if other.properties["name"] == given["name"]:
                raise bad("Authorizer name must be unique. Authorizer with this name already exists in this RestApi.")
    said = given if kind.named else {"id": part_id, **given}
    await parts.put(tx, Part(api=api_id, kind=kind.name, id=part_id, properties=said))
    return said


@transactional
async def _find(tx: Transaction, kind: Kind, api_id: str, part_id: str) -> dict[str, Any]:
    return (await _part(tx, kind, api_id, part_id)).properties


async def _part(tx: Transaction, kind: Kind, api_id: str, part_id: str) -> Part:
    await find_api(tx, api_id)
    found = await parts.get(tx, api_id, kind.name, part_id)
    if found is None:
        raise not_found(f"{kind.missing}: {part_id}" if kind is MODEL else kind.missing)
    return found


@transactional
async def _all(tx: Transaction, kind: Kind, api_id: str) -> list[dict[str, Any]]:
    await find_api(tx, api_id)
    return [part.properties for part in await parts.list(tx, api_id, kind.name)]


@transactional
async def _update(
    tx: Transaction, kind: Kind, api_id: str, part_id: str, operations: list[dict[str, Any]]
) -> dict[str, Any]:
    part = await _part(tx, kind, api_id, part_id)
    changed = patches.patched(part.properties, kind.fields, operations)
    kind.check(changed)
    await parts.put(tx, msgspec.structs.replace(part, properties=changed))
    return changed


@transactional
async def delete_part(tx: Transaction, kind: Kind, api_id: str, part_id: str) -> None:
    """Delete a part; NotFoundException when there is none."""
    await _part(tx, kind, api_id, part_id)
    await parts.delete(tx, api_id, kind.name, part_id)


@transactional
async def _delete_authorizer(tx: Transaction, api_id: str, authorizer_id: str) -> None:
    await _part(tx, AUTHORIZER, api_id, authorizer_id)
    for resource in await resources.list(tx, api_id):
        for name, method in resource.methods.items():
            if method.get("authorizerId") == authorizer_id:
                raise conflict(
                    f"Cannot delete authorizer '{authorizer_id}', is referenced in method: {resource.path} {name}"
                )
    await parts.delete(tx, api_id, AUTHORIZER.name, authorizer_id)


@transactional
async def _delete_model(tx: Transaction, api_id: str, name: str) -> None:
    await _part(tx, MODEL, api_id, name)
    for resource in await resources.list(tx, api_id):
        for method in resource.methods.values():
            used = list((method.get("requestModels") or {}).values())
            for response in (method.get("methodResponses") or {}).values():
                used += (response.get("responseModels") or {}).values()
            if name in used:
                raise conflict(f"Cannot delete model '{name}', is referenced in method request: {resource.path}")
    await parts.delete(tx, api_id, MODEL.name, name)


@transactional
async def _delete_validator(tx: Transaction, api_id: str, validator_id: str) -> None:
    await _part(tx, VALIDATOR, api_id, validator_id)
    for resource in await resources.list(tx, api_id):
        if any(method.get("requestValidatorId") == validator_id for method in resource.methods.values()):
            raise conflict(
                f"Cannot delete request validator '{validator_id}', it is referenced in method: {resource.path}"
            )
    await parts.delete(tx, api_id, VALIDATOR.name, validator_id)


@transactional
async def _gateway_response(tx: Transaction, api_id: str, name: str) -> dict[str, Any]:
    await find_api(tx, api_id)
    own = {part.id: part.properties for part in await parts.list(tx, api_id, GATEWAY_RESPONSE.name)}
    return own.get(name) or default_response(name, own)


@transactional
async def _update_gateway_response(
    tx: Transaction, api_id: str, name: str, operations: list[dict[str, Any]]
) -> dict[str, Any]:
    held = await _gateway_response(tx, api_id, name)
    changed = patches.patched(held, GATEWAY_RESPONSE.fields, operations)
    check = {key: value for key, value in changed.items() if value != ""}
    GATEWAY_RESPONSE.check(check)
    stored = {**check, "defaultResponse": False}
    await parts.put(tx, Part(api=api_id, kind=GATEWAY_RESPONSE.name, id=name, properties=stored))
    return stored
