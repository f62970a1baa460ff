"""API keys: create, import, get, list, update, delete."""

from __future__ import annotations

import csv
import io
import secrets
import string
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.places import new_id
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, conflict, not_found, page, present
from kumoi.services.apigateway.records import (
    ApiKey,
    KeyValue,
    PlanKey,
    PlanOfKey,
    api_keys,
    key_values,
    plan_keys,
    plans_of_keys,
    usage_plans,
    usages,
)
from kumoi.state import Transaction, transactional

_FIELDS: patches.Fields = {
    "name": patches.text,
    "description": patches.text,
    "enabled": patches.flag,
    "customerId": patches.text,
    "stages": patches.members,
}


def describe(key: ApiKey, *, value: bool = False) -> dict[str, Any]:
    """A key as the API answers it; its value only where it is asked for."""
    said = {
        "id": key.id,
        "enabled": False,
        "stageKeys": [],
        "createdDate": key.created,
        "lastUpdatedDate": key.updated,
        **key.properties,
        "tags": key.tags,
    }
    return {**said, "value": key.value} if value else said


@apigateway.operation
async def create_api_key(
    call: Call,
    name: str | None = None,
    description: str | None = None,
    enabled: bool = False,
    generateDistinctId: bool = True,
    value: str | None = None,
    stageKeys: list[dict[str, str]] | None = None,
    customerId: str | None = None,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Create a key, with a value of its own where none, or an empty one, is given."""
    properties = present({"name": name, "description": description, "enabled": enabled, "customerId": customerId})
    properties["stageKeys"] = [f"{one.get('restApiId')}/{one.get('stageName')}" for one in stageKeys or ()]
    return describe(await _create(call.state, properties, value, tags or {}), value=True)


@apigateway.operation
async def import_api_keys(
    call: Call,
    body: bytes,
    format: str,
    failOnWarnings: bool = False,
) -> dict[str, Any]:
    """Create the keys of a CSV file with a header: name, key, description, enabled, usageplanIds."""
    try:
        rows = list(csv.DictReader(io.StringIO(body.decode())))
    except (UnicodeDecodeError, csv.Error) as error:
        raise bad(f"Invalid CSV file: {error}") from None
    if not rows or "key" not in {str(name).strip().lower() for name in rows[0]}:
        raise bad("The CSV file needs a header with at least the columns name and key")
    return {"ids": await _import(call.state, rows), "warnings": []}


@apigateway.operation
async def get_api_key(call: Call, apiKey: str, includeValue: bool = False) -> dict[str, Any]:
    """A key."""
    return describe(await find_key(call.state, apiKey), value=includeValue)


@apigateway.operation
async def get_api_keys(
    call: Call,
    position: str | None = None,
    limit: int | None = None,
    nameQuery: str | None = None,
    customerId: str | None = None,
    includeValues: bool = False,
) -> dict[str, Any]:
    """The keys of the region: all, those whose names begin so, or a customer's."""
    found = [
        describe(key, value=includeValues)
        for key in await _all(call.state)
        if (nameQuery is None or (key.properties.get("name") or "").startswith(nameQuery))
        and customerId in (None, key.properties.get("customerId"))
    ]
    return page(found, position, limit)


@apigateway.operation
async def update_api_key(
    call: Call, apiKey: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a key."""
    return describe(await _update(call.state, apiKey, patchOperations or []))


@apigateway.operation
async def delete_api_key(call: Call, apiKey: str) -> None:
    """Delete a key, and take it from its usage plans."""
    await _delete(call.state, apiKey)


@transactional
async def find_key(tx: Transaction, key_id: str) -> ApiKey:
    """The key; NotFoundException when there is none."""
    found = await api_keys.get(tx, key_id)
    if found is None:
        raise not_found("Invalid API Key identifier specified")
    return found


async def add_to_plan(tx: Transaction, plan_id: str, key_id: str) -> None:
    """Put a key into a usage plan; a key is in one plan of an API's stage only."""
    plan = await usage_plans.get(tx, plan_id)
    if plan is None:
        raise not_found("Invalid Usage Plan ID specified")
    if await plan_keys.get(tx, plan_id, key_id) is not None:
        raise conflict("Usage plan key already exists for this usage plan")
    mine = {(one["apiId"], one["stage"]) for one in plan.properties.get("apiStages") or ()}
    for other in await plans_of_keys.list(tx, key_id):
        held = await usage_plans.get(tx, other.plan)
        theirs = {(one["apiId"], one["stage"]) for one in (held.properties.get("apiStages") if held else None) or ()}
        if mine & theirs:
            api, stage = sorted(mine & theirs)[0]
            raise conflict(f"API Key {key_id} is already in a usage plan of the API stage {api}:{stage}")
    await plan_keys.put(tx, PlanKey(plan_id, key_id))
    await plans_of_keys.put(tx, PlanOfKey(key_id, plan_id))


async def make(tx: Transaction, properties: dict[str, Any], value: str | None, tags: dict[str, str]) -> ApiKey:
    """Store a new key."""
    if value and not 20 <= len(value) <= 128:
        raise bad("API Key value should be at least 20 characters" if len(value) < 20 else "API Key value is too long")
    alphabet = string.ascii_letters + string.digits
    secret = value or "".join(secrets.choice(alphabet) for _ in range(40))
    if await key_values.get(tx, secret) is not None:
        raise conflict("API Key already exists")
    now = float(int(tx.now))
    key = ApiKey(id=new_id(), value=secret, created=now, updated=now, properties=properties, tags=tags)
    await api_keys.put(tx, key)
    await key_values.put(tx, KeyValue(secret, key.id))
    return key


@transactional
async def _create(tx: Transaction, properties: dict[str, Any], value: str | None, tags: dict[str, str]) -> ApiKey:
    return await make(tx, properties, value, tags)


@transactional
async def _import(tx: Transaction, rows: list[dict[str, Any]]) -> list[str]:
    made: list[str] = []
    for row in rows:
        cells = {str(name).strip().lower(): value.strip() for name, value in row.items() if isinstance(value, str)}
        properties = present({"name": cells.get("name") or None, "description": cells.get("description") or None})
        properties["enabled"] = cells.get("enabled", "true").lower() != "false"
        key = await make(tx, properties, cells.get("key") or None, {})
        for plan in filter(None, (cells.get("usageplanids") or "").split(",")):
            await add_to_plan(tx, plan.strip(), key.id)
        made.append(key.id)
    return made


@transactional
async def _all(tx: Transaction) -> list[ApiKey]:
    return await api_keys.list(tx)


@transactional
async def _update(tx: Transaction, key_id: str, operations: list[dict[str, Any]]) -> ApiKey:
    key = await find_key(tx, key_id)
    document = {**key.properties, "stages": key.properties.get("stageKeys") or []}
    changed = patches.patched(document, _FIELDS, operations)
    changed["stageKeys"] = changed.pop("stages")
    updated = msgspec.structs.replace(key, properties=changed, updated=float(int(tx.now)))
    await api_keys.put(tx, updated)
    return updated


@transactional
async def _delete(tx: Transaction, key_id: str) -> None:
    key = await find_key(tx, key_id)
    for one in await plans_of_keys.list(tx, key_id):
        await plan_keys.delete(tx, one.plan, key_id)
        await usages.delete_all(tx, one.plan, key_id)
    await plans_of_keys.delete_all(tx, key_id)
    await key_values.delete(tx, key.value)
    await api_keys.delete(tx, key_id)
