"""Models and request validators: created, read, changed, deleted."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.http_api.places import new_id
from kumoi.services.apigateway import apigateway
from kumoi.services.apigateway.errors import conflict, page, present
from kumoi.services.apigateway.kinds import (
    MODEL,
    VALIDATOR,
)
from kumoi.services.apigateway.part_store import all_parts, find_part, part_of, update_part, write_part
from kumoi.services.apigateway.records import parts, resources
from kumoi.state import Transaction, transactional


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
    model = await find_part(call.state, MODEL, restApiId, modelName)
    if not flatten:
        return model
    return {**model, "schema": flattened(model, await all_parts(call.state, MODEL, restApiId))}


@apigateway.operation
async def get_models(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """An API's models."""
    return page(await all_parts(call.state, MODEL, restApiId), position, limit)


@apigateway.operation
async def update_model(
    call: Call, restApiId: str, modelName: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a model."""
    return await update_part(call.state, MODEL, restApiId, modelName, patchOperations or [])


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
    return await find_part(call.state, VALIDATOR, restApiId, requestValidatorId)


@apigateway.operation
async def get_request_validators(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """An API's validators."""
    return page(await all_parts(call.state, VALIDATOR, restApiId), position, limit)


@apigateway.operation
async def update_request_validator(
    call: Call, restApiId: str, requestValidatorId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a validator."""
    return await update_part(call.state, VALIDATOR, restApiId, requestValidatorId, patchOperations or [])


@apigateway.operation
async def delete_request_validator(call: Call, restApiId: str, requestValidatorId: str) -> None:
    """Delete a validator."""
    await _delete_validator(call.state, restApiId, requestValidatorId)


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
async def _delete_model(tx: Transaction, api_id: str, name: str) -> None:
    await part_of(tx, MODEL, api_id, name)
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
    await part_of(tx, VALIDATOR, api_id, validator_id)
    for resource in await resources.list(tx, api_id):
        if any(method.get("requestValidatorId") == validator_id for method in resource.methods.values()):
            raise conflict(
                f"Cannot delete request validator '{validator_id}', it is referenced in method: {resource.path}"
            )
    await parts.delete(tx, api_id, VALIDATOR.name, validator_id)
