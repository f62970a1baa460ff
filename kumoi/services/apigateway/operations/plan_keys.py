"""The keys of usage plans, and what they have used."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from kumoi.doorway import Call
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, conflict, not_found, page, present
from kumoi.services.apigateway.operations.keys import add_to_plan, find_key
from kumoi.services.apigateway.operations.plans import find_plan
from kumoi.services.apigateway.quotas import day_of, left_today
from kumoi.services.apigateway.records import (
    ApiKey,
    Usage,
    api_keys,
    plan_keys,
    plans_of_keys,
    usages,
)
from kumoi.state import Transaction, transactional


def describe_key(key: ApiKey) -> dict[str, Any]:
    """A plan's key as the API answers it."""
    return present({"id": key.id, "type": "API_KEY", "value": key.value, "name": key.properties.get("name")})


@apigateway.operation
async def create_usage_plan_key(call: Call, usagePlanId: str, keyId: str, keyType: str) -> dict[str, Any]:
    """Put a key into a plan."""
    if keyType != "API_KEY":
        raise bad("Invalid key type: it must be API_KEY")
    return describe_key(await _add_key(call.state, usagePlanId, keyId))


@apigateway.operation
async def get_usage_plan_key(call: Call, usagePlanId: str, keyId: str) -> dict[str, Any]:
    """A key of a plan."""
    return describe_key(await _plan_key(call.state, usagePlanId, keyId))


@apigateway.operation
async def get_usage_plan_keys(
    call: Call, usagePlanId: str, position: str | None = None, limit: int | None = None, nameQuery: str | None = None
) -> dict[str, Any]:
    """A plan's keys."""
    found = await _plan_keys(call.state, usagePlanId)
    shown = [describe_key(key) for key in found if (key.properties.get("name") or "").startswith(nameQuery or "")]
    return page(shown, position, limit)


@apigateway.operation
async def delete_usage_plan_key(call: Call, usagePlanId: str, keyId: str) -> None:
    """Take a key from a plan."""
    await _remove_key(call.state, usagePlanId, keyId)


@apigateway.operation
async def get_usage(
    call: Call,
    usagePlanId: str,
    startDate: str,
    endDate: str,
    keyId: str | None = None,
    position: str | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """What a plan's keys used on each day of a span: pairs of used and remaining."""
    try:
        first, last = date.fromisoformat(startDate), date.fromisoformat(endDate)
    except ValueError:
        raise bad("Usage dates have the form YYYY-MM-DD") from None
    if last < first or (last - first).days > 366:
        raise bad("Invalid date range: the end comes after the start, by at most a year")
    days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
    used = await _usage(call.state, usagePlanId, keyId, days)
    shown = page(sorted(used), position, limit)
    said = {
        "usagePlanId": usagePlanId,
        "startDate": startDate,
        "endDate": endDate,
        "items": {name: used[name] for name in shown["items"]},
    }
    return {**said, "position": shown["position"]} if "position" in shown else said


@apigateway.operation
async def update_usage(
    call: Call, usagePlanId: str, keyId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Set how many requests a key has left today (`/remaining`)."""
    document = patches.patched({}, {"remaining": patches.whole}, patchOperations or [])
    today = day_of(call.now)
    left = document.get("remaining")
    items = await _set_remaining(call.state, usagePlanId, keyId, today, left)
    return {"usagePlanId": usagePlanId, "startDate": today, "endDate": today, "items": items}


@transactional
async def _add_key(tx: Transaction, plan_id: str, key_id: str) -> ApiKey:
    await find_plan(tx, plan_id)
    key = await find_key(tx, key_id)
    await add_to_plan(tx, plan_id, key_id)
    return key


@transactional
async def _plan_key(tx: Transaction, plan_id: str, key_id: str) -> ApiKey:
    await find_plan(tx, plan_id)
    if await plan_keys.get(tx, plan_id, key_id) is None:
        raise not_found("Invalid Usage Plan Key identifier specified")
    return await find_key(tx, key_id)


@transactional
async def _plan_keys(tx: Transaction, plan_id: str) -> list[ApiKey]:
    await find_plan(tx, plan_id)
    found = [await api_keys.get(tx, one.key) for one in await plan_keys.list(tx, plan_id)]
    return [key for key in found if key is not None]


@transactional
async def _remove_key(tx: Transaction, plan_id: str, key_id: str) -> None:
    await find_plan(tx, plan_id)
    if not await plan_keys.delete(tx, plan_id, key_id):
        raise not_found("Invalid Usage Plan Key identifier specified")
    await plans_of_keys.delete(tx, key_id, plan_id)
    await usages.delete_all(tx, plan_id, key_id)


@transactional
async def _usage(tx: Transaction, plan_id: str, key_id: str | None, days: list[str]) -> dict[str, list[list[int]]]:
    plan = await find_plan(tx, plan_id)
    keys = [key_id] if key_id else [one.key for one in await plan_keys.list(tx, plan_id)]
    limit = (plan.properties.get("quota") or {}).get("limit", 0)
    said: dict[str, list[list[int]]] = {}
    for key in keys:
        found = {one.day: one for one in await usages.list(tx, plan_id, key)}
        if not found and key_id is None:
            continue
        said[key] = [[found[day].used, found[day].remaining] if day in found else [0, limit] for day in days]
    return said


@transactional
async def _set_remaining(
    tx: Transaction, plan_id: str, key_id: str, today: str, left: int | None
) -> dict[str, list[list[int]]]:
    plan = await find_plan(tx, plan_id)
    if await plan_keys.get(tx, plan_id, key_id) is None:
        raise not_found("Invalid Usage Plan Key identifier specified")
    quota = plan.properties.get("quota")
    if not quota:
        raise conflict("The usage plan has no quota")
    held = await usages.get(tx, plan_id, key_id, today) or Usage(
        plan_id, key_id, today, 0, await left_today(tx, plan, key_id, today)
    )
    if left is not None:
        held = Usage(plan_id, key_id, today, held.used, max(left, 0))
        await usages.put(tx, held)
    return {key_id: [[held.used, held.remaining]]}
