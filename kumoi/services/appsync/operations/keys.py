"""API keys: their expiry counts in whole hours; an expired key stays for 60 days and may be renewed."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import not_found
from kumoi.services.appsync.lookup import find_any
from kumoi.services.appsync.naming import new_id, page
from kumoi.services.appsync.records import ApiKey, Place, keys, places
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_KEYS = 50
_HOUR, _DAY = 3_600, 86_400


@appsync.operation
async def create_api_key(
    call: Call, apiId: str, description: str | None = None, expires: int | None = None
) -> dict[str, Any]:
    """Create a key; for seven days where nothing else is said."""
    until = _expiry(expires, call.now)
    key = ApiKey(api=apiId, id=f"da2-{new_id()}", expires=until, deletes=until + 60 * _DAY, description=description)
    await _create(call.state, key, call.now)
    return {"apiKey": _describe(key)}


@appsync.operation
async def list_api_keys(
    call: Call, apiId: str, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The keys of an API, expired ones too."""
    shown, more = page(await _all(call.state, apiId, call.now), lambda key: key.id, nextToken, maxResults)
    return {"apiKeys": [_describe(key) for key in shown], **more}


@appsync.operation
async def update_api_key(
    call: Call, apiId: str, id: str, description: str | None = None, expires: int | None = None
) -> dict[str, Any]:
    """Describe or renew a key."""
    until = None if expires is None else _expiry(expires, call.now)
    return {"apiKey": _describe(await _update(call.state, apiId, id, description, until, call.now))}


@appsync.operation
async def delete_api_key(call: Call, apiId: str, id: str) -> None:
    """Delete a key."""
    await _delete(call.state, apiId, id, call.now)


def _expiry(stated: int | None, now: float) -> float:
    until = now + 7 * _DAY if stated is None else stated
    # A moment a little under a day from now is what "in one day", rounded down to the hour, comes to.
    if stated is not None and not now + _DAY - _HOUR <= until <= now + 365 * _DAY:
        raise aws_error(
            "ApiKeyValidityOutOfBoundsException",
            "API key must be valid for a minimum of 1 day and a maximum of 365 days.",
        )
    return until // _HOUR * _HOUR


def _describe(key: ApiKey) -> dict[str, Any]:
    described: dict[str, Any] = {"id": key.id, "expires": int(key.expires), "deletes": int(key.deletes)}
    if key.description is not None:
        described["description"] = key.description
    return described


@transactional
async def _all(tx: Transaction, api_id: str, now: float) -> list[ApiKey]:
    await find_any(tx, api_id)
    return [key for key in await keys.list(tx, api_id) if key.deletes > now]


@transactional
async def _create(tx: Transaction, key: ApiKey, now: float) -> None:
    if len(await _all(tx, key.api, now)) >= MAX_KEYS:
        raise aws_error("ApiKeyLimitExceededException", f"An API can have up to {MAX_KEYS} keys.")
    await keys.put(tx, key)
    await places.put(tx, Place(key.id, key.api, tx.account, tx.region))


async def _find(tx: Transaction, api_id: str, id: str, now: float) -> ApiKey:
    await find_any(tx, api_id)
    key = await keys.get(tx, api_id, id)
    if key is None or key.deletes <= now:
        raise not_found(f"API key {id} not found.")
    return key


@transactional
async def _update(
    tx: Transaction, api_id: str, id: str, description: str | None, until: float | None, now: float
) -> ApiKey:
    key = await _find(tx, api_id, id, now)
    if description is not None:
        key = msgspec.structs.replace(key, description=description)
    if until is not None:
        key = msgspec.structs.replace(key, expires=until, deletes=until + 60 * _DAY)
    await keys.put(tx, key)
    return key


@transactional
async def _delete(tx: Transaction, api_id: str, id: str, now: float) -> None:
    await _find(tx, api_id, id, now)
    await keys.delete(tx, api_id, id)
    await places.delete(tx, id)
