"""Usage plans: which keys may use which stages, how fast, and how much."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.places import new_id, places
from kumoi.http_api.throttle import Throttles
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, not_found, page, present
from kumoi.services.apigateway.records import (
    UsagePlan,
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


@apigateway.operation
async def create_usage_plan(
    call: Call, name: str, tags: dict[str, str] | None = None, **properties: Any
) -> dict[str, Any]:
    """Create a plan."""
    return describe(await _create(call.state, present({"name": name, **properties}), tags or {}))


@apigateway.operation
async def get_usage_plan(call: Call, usagePlanId: str) -> dict[str, Any]:
    """A plan."""
    return describe(await find_plan(call.state, usagePlanId))


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
async def find_plan(tx: Transaction, plan_id: str) -> UsagePlan:
    """The plan; NotFoundException when there is none."""
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
    plan = await find_plan(tx, plan_id)
    changed = patches.patched(plan.properties, _FIELDS, operations)
    await _check(tx, changed)
    updated = msgspec.structs.replace(plan, properties=changed)
    await usage_plans.put(tx, updated)
    return updated


@transactional
async def _delete(tx: Transaction, plan_id: str) -> None:
    plan = await find_plan(tx, plan_id)
    if plan.properties.get("apiStages"):
        raise bad("Cannot delete usage plan with associated API stages: remove them first")
    for one in await plan_keys.list(tx, plan_id):
        await plans_of_keys.delete(tx, one.key, plan_id)
    await plan_keys.delete_all(tx, plan_id)
    await usages.delete_all(tx, plan_id)
    await usage_plans.delete(tx, plan_id)
