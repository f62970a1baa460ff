"""Data sources: create, get, list, update, delete."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import bad_request, not_found
from kumoi.services.appsync.lookup import find_any
from kumoi.services.appsync.naming import api_arn, page
from kumoi.services.appsync.records import DataSource, data_sources
from kumoi.state import Transaction, transactional

_CONFIG = {
    "AWS_LAMBDA": "lambdaConfig",
    "AMAZON_DYNAMODB": "dynamodbConfig",
    "HTTP": "httpConfig",
    "RELATIONAL_DATABASE": "relationalDatabaseConfig",
    "AMAZON_OPENSEARCH_SERVICE": "openSearchServiceConfig",
    "AMAZON_ELASTICSEARCH": "elasticsearchConfig",
    "AMAZON_EVENTBRIDGE": "eventBridgeConfig",
}


@appsync.operation
async def create_data_source(call: Call, apiId: str, name: str, type: str, **given: Any) -> dict[str, Any]:
    """Create a data source."""
    source = _made(apiId, name, type, given)
    await _create(call.state, source)
    return {"dataSource": _describe(call, source)}


@appsync.operation
async def update_data_source(call: Call, apiId: str, name: str, type: str, **given: Any) -> dict[str, Any]:
    """Replace what a data source is."""
    source = _made(apiId, name, type, given)
    await _update(call.state, source)
    return {"dataSource": _describe(call, source)}


@appsync.operation
async def get_data_source(call: Call, apiId: str, name: str) -> dict[str, Any]:
    """A data source."""
    return {"dataSource": _describe(call, await find_source(call.state, apiId, name))}


@appsync.operation
async def list_data_sources(
    call: Call, apiId: str, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The data sources of an API, by name."""
    shown, more = page(await _all(call.state, apiId), lambda source: source.name, nextToken, maxResults)
    return {"dataSources": [_describe(call, source) for source in shown], **more}


@appsync.operation
async def delete_data_source(call: Call, apiId: str, name: str) -> None:
    """Delete a data source."""
    await _delete(call.state, apiId, name)


@transactional
async def find_source(tx: Transaction, api_id: str, name: str) -> DataSource:
    """The data source of that name; raises NotFoundException."""
    await find_any(tx, api_id)
    source = await data_sources.get(tx, api_id, name)
    if source is None:
        raise not_found(f"No data source found named {name}")
    return source


def _made(api_id: str, name: str, kind: str, given: dict[str, Any]) -> DataSource:
    member = _CONFIG.get(kind)
    if member is not None and member not in given:
        raise bad_request(f"{member} is required for a data source of type {kind}.")
    config = given.get("dynamodbConfig") or {}
    if config.get("versioned") and not (config.get("deltaSyncConfig") or {}).get("deltaSyncTableName"):
        raise bad_request("deltaSyncConfig is required for a versioned data source.")
    return DataSource(api=api_id, name=name, properties={"type": kind, **given})


def _describe(call: Call, source: DataSource) -> dict[str, Any]:
    arn = api_arn(call, source.api, f"datasources/{source.name}")
    return {"dataSourceArn": arn, "name": source.name, **source.properties}


@transactional
async def _create(tx: Transaction, source: DataSource) -> None:
    await find_any(tx, source.api)
    if await data_sources.get(tx, source.api, source.name) is not None:
        raise bad_request(f"Data source with name {source.name} already exists")
    await data_sources.put(tx, source)


@transactional
async def _update(tx: Transaction, source: DataSource) -> None:
    await find_source(tx, source.api, source.name)
    await data_sources.put(tx, source)


@transactional
async def _all(tx: Transaction, api_id: str) -> list[DataSource]:
    await find_any(tx, api_id)
    return await data_sources.list(tx, api_id)


@transactional
async def _delete(tx: Transaction, api_id: str, name: str) -> None:
    await find_source(tx, api_id, name)
    await data_sources.delete(tx, api_id, name)
