"""GraphQL APIs: create, get, list, update, delete; and their environment variables."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.doorway.host_names import HostNames
from kumoi.services.appsync import appsync
from kumoi.services.appsync.domain_names import abandon
from kumoi.services.appsync.errors import bad_request, not_built
from kumoi.services.appsync.lookup import find_api
from kumoi.services.appsync.naming import addresses, api_arn, page
from kumoi.services.appsync.places import leave_place, take_place
from kumoi.services.appsync.providers import check
from kumoi.services.appsync.realtime.hub import Hub
from kumoi.services.appsync.records import Api, apis, caches, functions, resolvers, schemas
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_VARIABLE = re.compile(r"[A-Za-z]+\w*")


@appsync.operation
async def create_graphql_api(
    call: Call, name: str, authenticationType: str, tags: dict[str, str] | None = None, **given: Any
) -> dict[str, Any]:
    """Create an API; the tag `_custom_id_` fixes its id."""
    if given.get("apiType", "GRAPHQL") != "GRAPHQL":
        raise not_built("merged APIs")
    properties = {"name": name, "authenticationType": authenticationType, **given}
    check(properties)
    api = await _create(call.state, properties, tags or {}, call.now)
    return {"graphqlApi": describe(call, api)}


@appsync.operation
async def get_graphql_api(call: Call, apiId: str) -> dict[str, Any]:
    """An API."""
    return {"graphqlApi": describe(call, await find_api(call.state, apiId))}


@appsync.operation
async def list_graphql_apis(
    call: Call,
    nextToken: str | None = None,
    maxResults: int | None = None,
    apiType: str = "GRAPHQL",
    owner: str = "CURRENT_ACCOUNT",
) -> dict[str, Any]:
    """APIs by id; there are none of other accounts, and none that are merged."""
    found = await _all(call.state) if (apiType, owner) == ("GRAPHQL", "CURRENT_ACCOUNT") else []
    shown, more = page(found, lambda api: api.id, nextToken, maxResults)
    return {"graphqlApis": [describe(call, api) for api in shown], **more}


@appsync.operation
async def update_graphql_api(
    call: Call, apiId: str, name: str, authenticationType: str, **given: Any
) -> dict[str, Any]:
    """Replace what an API is configured with: what is left out is no longer configured."""
    properties = {"name": name, "authenticationType": authenticationType, **given}
    check(properties)
    return {"graphqlApi": describe(call, await _update(call.state, apiId, properties))}


@appsync.operation
async def delete_graphql_api(call: Call, apiId: str) -> None:
    """Delete an API with everything in it."""
    await _delete(call.state, apiId)
    await call.part(Hub).close_all(api=apiId)
    await abandon(call.part(HostNames), call.doorway.state, apiId)  # type: ignore[type-abstract]


@appsync.operation
async def put_graphql_api_environment_variables(
    call: Call, apiId: str, environmentVariables: dict[str, str]
) -> dict[str, Any]:
    """Replace the variables that resolvers see as `ctx.env`."""
    for name in environmentVariables:
        if not _VARIABLE.fullmatch(name):
            raise bad_request(f"The environment variable {name} has to begin with a letter and hold word characters.")
    await _set_environment(call.state, apiId, environmentVariables)
    return {"environmentVariables": environmentVariables}


@appsync.operation
async def get_graphql_api_environment_variables(call: Call, apiId: str) -> dict[str, Any]:
    """The variables that resolvers see as `ctx.env`."""
    return {"environmentVariables": (await find_api(call.state, apiId)).environment}


def describe(call: Call, api: Api) -> dict[str, Any]:
    """An API as clients see it."""
    return {
        "xrayEnabled": False,
        "visibility": "GLOBAL",
        "apiType": "GRAPHQL",
        "introspectionConfig": "ENABLED",
        "queryDepthLimit": 0,
        "resolverCountLimit": 0,
        "owner": call.account,
        **api.properties,
        "apiId": api.id,
        "arn": api_arn(call, api.id),
        "tags": api.tags,
        **addresses(call.doorway.endpoint, call.region, api.id),
    }


@transactional
async def _create(tx: Transaction, properties: dict[str, Any], tags: dict[str, str], now: float) -> Api:
    api = Api(id=await take_place(tx, tags), created=now, properties=properties, tags=tags)
    await apis.put(tx, api)
    return api


@transactional
async def _all(tx: Transaction) -> list[Api]:
    return await apis.list(tx)


@transactional
async def _update(tx: Transaction, api_id: str, properties: dict[str, Any]) -> Api:
    api = await find_api(tx, api_id)
    fixed = {name: api.properties[name] for name in ("visibility", "apiType") if name in api.properties}
    api = msgspec.structs.replace(api, properties={**fixed, **properties})
    await apis.put(tx, api)
    return api


@transactional
async def _delete(tx: Transaction, api_id: str) -> None:
    await find_api(tx, api_id)
    for space in (functions, resolvers):
        await space.delete_all(tx, api_id)
    await schemas.delete(tx, api_id)
    await caches.delete(tx, api_id)
    await apis.delete(tx, api_id)
    await leave_place(tx, api_id)


@transactional
async def _set_environment(tx: Transaction, api_id: str, variables: dict[str, str]) -> None:
    if len(variables) > 50:
        raise aws_error("BadRequestException", "An API can have up to 50 environment variables.")
    await apis.put(tx, msgspec.structs.replace(await find_api(tx, api_id), environment=variables))
