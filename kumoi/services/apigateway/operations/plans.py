"""Usage plans: which keys may use which stages, how fast, and how much; what they have used."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.places import new_id, places
from kumoi.http_api.throttle import Throttles
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, conflict, not_found, page, present
from kumoi.services.apigateway.operations.keys import add_to_plan, find_key
from kumoi.services.apigateway.quotas import day_of, left_today
from kumoi.services.apigateway.records import (
    ApiKey,
    Usage,
    UsagePlan,
    api_keys,
    plan_keys,
    plans_of_keys,
    rest_apis,
    stages,
    usage_plans,
    usages,
)
from kumoi.state import Transaction, transactional

_THROTTLE: patches.Fields = {"rateLimit": patches.number, "burstLimit": patches.whole}


def _stages(document: dict[str, Any], op: str, path: list[str], value: str | None) -> None:
    """`/apiStages` with the value `api:stage`, or `/apiStages/api:stage/throttle/…`."""
    held: list[dict[str, Any]] = list(document.get("apiStages") or [])
    name = path[1] if len(path) > 1 else value or ""
    api, _, stage = name.partition(":")
    if not api or not stage:
        raise bad(f"Invalid API stage {name}: it has the form apiId:stage")
    found = next((one for one in held if (one["apiId"], one["stage"]) == (api, stage)), None)
    if len(path) == 1 or (len(path) == 2 and op == "remove"):
        if op == "add" and found is None:
            held.append({"apiId": api, "stage": stage})
        elif op == "remove":
            held = [one for one in held if one is not found]
    elif found is None:
        raise bad(f"Invalid API stage {name}: the plan has no such stage")
    else:
        held[held.index(found)] = {**found, "throttle": _stage_throttle(found, op, path[2:], value)}
    document["apiStages"] = held


def _stage_throttle(held: dict[str, Any], op: str, path: list[str], value: str | None) -> dict[str, Any]:
    """`throttle/PATH/METHOD/rateLimit` of a stage."""
    throttle = dict(held.get("throttle") or {})
    if path[:1] != ["throttle"]:
        raise bad("Invalid patch path: it goes on with throttle")
    if len(path) == 1:
        if op != "remove":
            raise bad("Invalid patch path: it names a path, a method and a limit")
        return {}
    if path[-1] in _THROTTLE:
        key = "/".join(path[1:-1])
        settings = dict(throttle.get(key) or {})
        _THROTTLE[path[-1]](settings, op, [path[-1]], value)
        throttle[key] = settings
    elif op == "remove":
        throttle.pop("/".join(path[1:]), None)
    else:
        raise bad(f"Invalid patch path: {path[-1]} is no limit")
    return throttle


_FIELDS: patches.Fields = {
    "name": patches.text,
    "description": patches.text,
    "productCode": patches.text,
    "throttle": patches.within(_THROTTLE),
    "quota": patches.within({"limit": patches.whole, "offset": patches.whole, "period": patches.text}),
    "apiStages": _stages,
}


def describe(plan: UsagePlan) -> dict[str, Any]:
    """A plan as the API answers it."""
    return {"id": plan.id, "apiStages": [], **plan.properties, "tags": plan.tags}


def describe_key(key: ApiKey) -> dict[str, Any]:
    """A plan's key as the API answers it."""
    return present({"id": key.id, "type": "API_KEY", "value": key.value, "name": key.properties.get("name")})


@apigateway.operation
async def create_usage_plan(
    call: Call, name: str, tags: dict[str, str] | None = None, **properties: Any
) -> dict[str, Any]:
    """Create a plan."""
    return describe(await _create(call.state, present({"name": name, **properties}), tags or {}))


@apigateway.operation
async def get_usage_plan(call: Call, usagePlanId: str) -> dict[str, Any]:
    """A plan."""
    return describe(await _find(call.state, usagePlanId))


@apigateway.operation
async def get_usage_plans(
    call: Call, position: str | None = None, keyId: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """The plans of the region, or those that a key is in."""
    return page([describe(plan) for plan in await _all(call.state, keyId)], position, limit)


@apigateway.operation
async def update_usage_plan(
    call: Call, usagePlanId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a plan; its throttles begin anew."""
    said = describe(await _update(call.state, usagePlanId, patchOperations or []))
    call.part(Throttles).forget(usagePlanId)
    return said


@apigateway.operation
async def delete_usage_plan(call: Call, usagePlanId: str) -> None:
    """Delete a plan that serves no stage."""
    await _delete(call.state, usagePlanId)


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


async def _check(tx: Transaction, properties: dict[str, Any]) -> None:
    if not (properties.get("name") or "").strip():
        raise bad("Usage Plan name cannot be blank")
    quota = properties.get("quota")
    if quota and (quota.get("limit", 0) < 1 or quota.get("period") not in ("DAY", "WEEK", "MONTH")):
        raise bad("Usage Plan quota must have a limit of at least 1 and a period of DAY, WEEK or MONTH")
    if quota and not 0 <= quota.get("offset", 0) < {"DAY": 1, "WEEK": 7, "MONTH": 28}[quota["period"]]:
        raise bad("Usage Plan quota offset must lie within its period")
    throttle = properties.get("throttle") or {}
    if throttle.get("rateLimit", 1) < 0 or throttle.get("burstLimit", 1) < 0:
        raise bad("Usage Plan throttle limits must not be negative")
    for one in properties.get("apiStages") or ():
        if not one.get("apiId") or not one.get("stage"):
            raise bad("Usage Plan API stages have an apiId and a stage")
        place = await places.get(tx, one["apiId"])
        if place is not None and place.kind == "WEBSOCKET" and (place.account, place.region) == (tx.account, tx.region):
            continue  # its stages are another service's
        if await rest_apis.get(tx, one["apiId"]) is None:
            raise not_found(f"Invalid API identifier specified {tx.account}:{one['apiId']}")
        if await stages.get(tx, one["apiId"], one["stage"]) is None:
            raise not_found(f"API Stage not found: {one['apiId']}:{one['stage']}")


@transactional
async def _create(tx: Transaction, properties: dict[str, Any], tags: dict[str, str]) -> UsagePlan:
    if properties.get("quota"):
        properties = {**properties, "quota": {"offset": 0, **properties["quota"]}}
    await _check(tx, properties)
    plan = UsagePlan(id=new_id(6), properties=properties, tags=tags)
    await usage_plans.put(tx, plan)
    return plan


@transactional
async def _find(tx: Transaction, plan_id: str) -> UsagePlan:
    plan = await usage_plans.get(tx, plan_id)
    if plan is None:
        raise not_found("Invalid Usage Plan ID specified")
    return plan


@transactional
async def _all(tx: Transaction, key_id: str | None) -> list[UsagePlan]:
    found = await usage_plans.list(tx)
    if key_id is None:
        return found
    within = {one.plan for one in await plans_of_keys.list(tx, key_id)}
    return [plan for plan in found if plan.id in within]


@transactional
async def _update(tx: Transaction, plan_id: str, operations: list[dict[str, Any]]) -> UsagePlan:
    plan = await _find(tx, plan_id)
    changed = patches.patched(plan.properties, _FIELDS, operations)
    await _check(tx, changed)
    updated = msgspec.structs.replace(plan, properties=changed)
    await usage_plans.put(tx, updated)
    return updated


@transactional
async def _delete(tx: Transaction, plan_id: str) -> None:
    plan = await _find(tx, plan_id)
    if plan.properties.get("apiStages"):
        raise bad("Cannot delete usage plan with associated API stages: remove them first")
    for one in await plan_keys.list(tx, plan_id):
        await plans_of_keys.delete(tx, one.key, plan_id)
    await plan_keys.delete_all(tx, plan_id)
    await usages.delete_all(tx, plan_id)
    await usage_plans.delete(tx, plan_id)


@transactional
async def _add_key(tx: Transaction, plan_id: str, key_id: str) -> ApiKey:
    await _find(tx, plan_id)
    key = await find_key(tx, key_id)
    await add_to_plan(tx, plan_id, key_id)
    return key


@transactional
async def _plan_key(tx: Transaction, plan_id: str, key_id: str) -> ApiKey:
    await _find(tx, plan_id)
    if await plan_keys.get(tx, plan_id, key_id) is None:
        raise not_found("Invalid Usage Plan Key identifier specified")
    return await find_key(tx, key_id)


@transactional
async def _plan_keys(tx: Transaction, plan_id: str) -> list[ApiKey]:
    await _find(tx, plan_id)
    found = [await api_keys.get(tx, one.key) for one in await plan_keys.list(tx, plan_id)]
    return [key for key in found if key is not None]


@transactional
async def _remove_key(tx: Transaction, plan_id: str, key_id: str) -> None:
    await _find(tx, plan_id)
    if not await plan_keys.delete(tx, plan_id, key_id):
        raise not_found("Invalid Usage Plan Key identifier specified")
    await plans_of_keys.delete(tx, key_id, plan_id)
    await usages.delete_all(tx, plan_id, key_id)


@transactional
async def _usage(tx: Transaction, plan_id: str, key_id: str | None, days: list[str]) -> dict[str, list[list[int]]]:
    plan = await _find(tx, plan_id)
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
    plan = await _find(tx, plan_id)
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
