"""An API's cache: create, get, update, flush, delete. It is there at once, and no machine is started for it."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import bad_request, not_found
from kumoi.services.appsync.lookup import find_api
from kumoi.services.appsync.records import ApiCache, caches
from kumoi.state import Transaction, transactional

MAX_SECONDS = 3600


@appsync.operation
async def create_api_cache(call: Call, apiId: str, **given: Any) -> dict[str, Any]:
    """Give an API a cache."""
    return {"apiCache": _describe(await _create(call.state, apiId, _checked(given)))}


@appsync.operation
async def get_api_cache(call: Call, apiId: str) -> dict[str, Any]:
    """An API's cache."""
    return {"apiCache": _describe(await _find(call.state, apiId))}


@appsync.operation
async def update_api_cache(call: Call, apiId: str, **given: Any) -> dict[str, Any]:
    """Change an API's cache, which is empty then."""
    return {"apiCache": _describe(await _change(call.state, apiId, _checked(given)))}


@appsync.operation
async def flush_api_cache(call: Call, apiId: str) -> None:
    """Empty an API's cache."""
    await _change(call.state, apiId, {})


@appsync.operation
async def delete_api_cache(call: Call, apiId: str) -> None:
    """Take an API's cache away."""
    await _delete(call.state, apiId)


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    if not 1 <= given["ttl"] <= MAX_SECONDS:
        raise bad_request(f"The TTL has to be between 1 and {MAX_SECONDS} seconds.")
    return given


def _describe(cache: ApiCache) -> dict[str, Any]:
    return {
        "transitEncryptionEnabled": False,
        "atRestEncryptionEnabled": False,
        "healthMetricsConfig": "DISABLED",
        **cache.properties,
        "status": "AVAILABLE",
    }


@transactional
async def _find(tx: Transaction, api_id: str) -> ApiCache:
    await find_api(tx, api_id)
    cache = await caches.get(tx, api_id)
    if cache is None:
        raise not_found(f"Unable to find the cache of the API {api_id}.")
    return cache


@transactional
async def _create(tx: Transaction, api_id: str, properties: dict[str, Any]) -> ApiCache:
    await find_api(tx, api_id)
    if await caches.get(tx, api_id) is not None:
        raise bad_request(f"The API {api_id} has a cache already.")
    cache = ApiCache(api=api_id, version=uuid(), properties=properties)
    await caches.put(tx, cache)
    return cache


@transactional
async def _change(tx: Transaction, api_id: str, properties: dict[str, Any]) -> ApiCache:
    before = await _find(tx, api_id)
    cache = ApiCache(api=api_id, version=uuid(), properties={**before.properties, **properties})
    await caches.put(tx, cache)
    return cache


@transactional
async def _delete(tx: Transaction, api_id: str) -> None:
    await _find(tx, api_id)
    await caches.delete(tx, api_id)
