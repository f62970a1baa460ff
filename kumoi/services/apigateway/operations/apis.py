"""REST APIs: create, get, list, update, delete; the account's settings."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.http_api.places import claim, mappings, new_id, places
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, page, present, unbuilt
from kumoi.services.apigateway.lookup import find_api
from kumoi.services.apigateway.records import (
    Account,
    Part,
    Resource,
    RestApi,
    accounts,
    deployments,
    parts,
    resources,
    rest_apis,
    stages,
    usage_plans,
)
from kumoi.services.apigateway.resource_policy import check_policy
from kumoi.state import Transaction, transactional

_FIELDS: patches.Fields = {
    "name": patches.text,
    "description": patches.text,
    "version": patches.text,
    "policy": patches.text,
    "apiKeySource": patches.text,
    "minimumCompressionSize": patches.whole,
    "disableExecuteApiEndpoint": patches.flag,
    "binaryMediaTypes": patches.members,
    "securityPolicy": patches.text,
    "endpointConfiguration": patches.within(
        {"types": patches.members, "vpcEndpointIds": patches.members, "ipAddressType": patches.text}
    ),
}
_USUAL_MODELS = (
    (
        "Empty",
        "This is a default empty schema model",
        '{"$schema": "http://json-schema.org/draft-04/schema#", "title": "Empty Schema", "type": "object"}',
    ),
    (
        "Error",
        "This is a default error schema model",
        '{"$schema": "http://json-schema.org/draft-04/schema#", "title": "Error Schema", "type": "object",'
        ' "properties": {"message": {"type": "string"}}}',
    ),
)


def describe(api: RestApi) -> dict[str, Any]:
    """An API as the API answers it; its policy is escaped once more, as text within a JSON string would be."""
    said = {
        "id": api.id,
        "createdDate": api.created,
        "apiKeySource": "HEADER",
        "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4"},
        "disableExecuteApiEndpoint": False,
        "rootResourceId": api.root,
        "apiStatus": "AVAILABLE",
        **api.properties,
        "tags": api.tags,
    }
    return {**said, "policy": _escaped(said["policy"])} if said.get("policy") else said


def _escaped(policy: str) -> str:
    """A policy as GetRestApi answers it: compact, with its quotes, backslashes and slashes escaped."""
    text = orjson.dumps(orjson.loads(policy)).decode()
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/")


def check_properties(properties: dict[str, Any]) -> None:
    """Raise for what no API can have."""
    name = properties.get("name") or ""
    if not name.strip():
        raise bad("API Name cannot be blank")
    if len(name) > 1024:
        raise bad("API name must be at most 1024 characters")
    size = properties.get("minimumCompressionSize")
    if size is not None and not 0 <= size <= 10_485_760:
        raise bad("Invalid minimum compression size, must be between 0 and 10485760")
    if properties.get("apiKeySource", "HEADER") not in ("HEADER", "AUTHORIZER"):
        raise bad("Invalid API key source: it must be HEADER or AUTHORIZER")
    if properties.get("policy"):
        check_policy(properties["policy"])
    types = (properties.get("endpointConfiguration") or {}).get("types") or []
    if len(types) > 1 or any(kind not in ("EDGE", "REGIONAL", "PRIVATE") for kind in types):
        raise bad("Invalid endpoint configuration: one type of EDGE, REGIONAL, PRIVATE")


async def make(tx: Transaction, properties: dict[str, Any], tags: dict[str, str]) -> RestApi:
    """Store a new API with its root resource."""
    check_properties(properties)
    api = RestApi(
        id=await claim(tx, "REST", tags), created=float(int(tx.now)), root=new_id(), properties=properties, tags=tags
    )
    await rest_apis.put(tx, api)
    await resources.put(tx, Resource(api=api.id, id=api.root, path="/"))
    return api


async def add_usual_models(tx: Transaction, api_id: str) -> None:
    """The models that every new API has."""
    for name, description, schema in _USUAL_MODELS:
        said = {"id": new_id(6), "name": name, "description": description, "schema": schema}
        part = Part(api=api_id, kind="Model", id=name, properties={**said, "contentType": "application/json"})
        await parts.put(tx, part)


@apigateway.operation
async def create_rest_api(
    call: Call, name: str, cloneFrom: str | None = None, tags: dict[str, str] | None = None, **properties: Any
) -> dict[str, Any]:
    """Create an API with the resource `/`; with `cloneFrom`, all of another one's resources and parts."""
    if properties.get("endpointAccessMode") not in (None, "BASIC"):
        raise unbuilt("the endpoint access mode STRICT")
    return describe(await _create(call.state, present({"name": name, **properties}), tags or {}, cloneFrom))


@apigateway.operation
async def get_rest_api(call: Call, restApiId: str) -> dict[str, Any]:
    """An API."""
    return describe(await find_api(call.state, restApiId))


@apigateway.operation
async def get_rest_apis(call: Call, position: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """Every API of the region."""
    return page([describe(api) for api in await _all(call.state)], position, limit)


@apigateway.operation
async def update_rest_api(
    call: Call, restApiId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change an API."""
    return describe(await _update(call.state, restApiId, patchOperations or []))


@apigateway.operation
async def delete_rest_api(call: Call, restApiId: str) -> None:
    """Delete an API with everything it has."""
    await _delete(call.state, restApiId)


@apigateway.operation
async def get_account(call: Call) -> dict[str, Any]:
    """The account's settings and limits."""
    return _account(await _find_account(call.state))


@apigateway.operation
async def update_account(call: Call, patchOperations: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Set the role that writes logs; it is kept and not assumed."""
    return _account(await _update_account(call.state, patchOperations or []))


def _account(account: Account) -> dict[str, Any]:
    return present(
        {
            "cloudwatchRoleArn": account.role,
            "throttleSettings": {"burstLimit": 5000, "rateLimit": 10000.0},
            "features": ["UsagePlans"],
            "apiKeyVersion": "4",
        }
    )


@transactional
async def _create(tx: Transaction, properties: dict[str, Any], tags: dict[str, str], clone_from: str | None) -> RestApi:
    source = None if clone_from is None else await find_api(tx, clone_from)
    if source is not None:
        properties = {**source.properties, **properties}
    api = await make(tx, properties, tags)
    if source is None:
        await add_usual_models(tx, api.id)
        return api
    ids = {source.root: api.root}
    found = sorted(await resources.list(tx, source.id), key=lambda one: one.path.count("/") if one.parent else -1)
    for one in found:
        ids.setdefault(one.id, new_id(6))
        copied = msgspec.structs.replace(one, api=api.id, id=ids[one.id], parent=ids.get(one.parent, ""))
        await resources.put(tx, copied)
    for part in await parts.list(tx, source.id):
        await parts.put(tx, msgspec.structs.replace(part, api=api.id))
    return api


@transactional
async def _all(tx: Transaction) -> list[RestApi]:
    return await rest_apis.list(tx)


@transactional
async def _update(tx: Transaction, api_id: str, operations: list[dict[str, Any]]) -> RestApi:
    api = await find_api(tx, api_id)
    configured = {"endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4"}, **api.properties}
    changed = patches.patched(configured, _FIELDS, operations)
    check_properties(changed)
    updated = msgspec.structs.replace(api, properties=changed)
    await rest_apis.put(tx, updated)
    return updated


@transactional
async def _delete(tx: Transaction, api_id: str) -> None:
    await find_api(tx, api_id)
    for mapping in await mappings.list(tx):
        if mapping.api == api_id:
            raise bad(f"Deleting API {api_id} is not possible: {mapping.domain} has a base path mapping to it")
    for plan in await usage_plans.list(tx):
        kept = [one for one in plan.properties.get("apiStages") or [] if one["apiId"] != api_id]
        if len(kept) != len(plan.properties.get("apiStages") or []):
            await usage_plans.put(tx, msgspec.structs.replace(plan, properties={**plan.properties, "apiStages": kept}))
    for space in (resources, parts, stages, deployments):
        await space.delete_all(tx, api_id)
    await rest_apis.delete(tx, api_id)
    await places.delete(tx, api_id)


@transactional
async def _find_account(tx: Transaction) -> Account:
    return await accounts.get(tx) or Account()


@transactional
async def _update_account(tx: Transaction, operations: list[dict[str, Any]]) -> Account:
    account = await accounts.get(tx) or Account()
    document = present({"cloudwatchRoleArn": account.role})
    changed = patches.patched(document, {"cloudwatchRoleArn": patches.text, "features": patches.members}, operations)
    updated = Account(changed.get("cloudwatchRoleArn") or None)
    await accounts.put(tx, updated)
    return updated
