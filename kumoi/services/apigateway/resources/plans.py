"""`AWS::ApiGateway::ApiKey`, `UsagePlan`, `UsagePlanKey`."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.services.apigateway.properties import (
    escaped,
    lowered,
    members,
    patch,
    patches,
    typed,
)
from kumoi.services.apigateway.resources.asking import ask, resource_type


async def _create_key(call: ResourceCall) -> Resource:
    own = call.properties
    given = members(own, "Description", "Enabled", "Value", "CustomerId")
    stages = [members(one, "RestApiId", "StageName") for one in own.get("StageKeys") or ()]
    name = own.get("Name") or call.name("Name", 128)
    answer = await ask(call, "CreateApiKey", name=name, stageKeys=stages or None, tags=call.all_tags(), **given)
    return Resource(answer["id"], {"APIKeyId": answer["id"]})


async def _update_key(call: ResourceCall) -> Resource:
    operations = patches(call.before, call.properties, "Description", "Enabled", "CustomerId")
    await ask(call, "UpdateApiKey", apiKey=call.physical_id, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_key(call: ResourceCall) -> None:
    await ask(call, "DeleteApiKey", apiKey=call.physical_id)


def _api_stages(properties: Any) -> list[dict[str, Any]]:
    made = []
    for one in properties.get("ApiStages") or ():
        throttle = {path: typed("", limits) for path, limits in (one.get("Throttle") or {}).items()}
        made.append({"apiId": one["ApiId"], "stage": one["Stage"], **({"throttle": throttle} if throttle else {})})
    return made


async def _create_plan(call: ResourceCall) -> Resource:
    own = call.properties
    answer = await ask(
        call,
        "CreateUsagePlan",
        name=own.get("UsagePlanName") or call.name("UsagePlanName", 128),
        apiStages=_api_stages(own) or None,
        tags=call.all_tags(),
        **members(own, "Description", "Throttle", "Quota"),
    )
    return Resource(answer["id"], {"Id": answer["id"]})


async def _update_plan(call: ResourceCall) -> Resource:
    own, before = call.properties, call.before
    operations = patches(before, own, "Description")
    if own.get("UsagePlanName"):
        operations.append(patch("/name", own["UsagePlanName"]))
    for name in ("Throttle", "Quota"):
        given = own.get(name) or {}
        if before.get(name) and not given:
            operations.append({"op": "remove", "path": f"/{lowered(name)}"})
        operations += [patch(f"/{lowered(name)}/{lowered(key)}", value) for key, value in given.items()]
    held = {(one["apiId"], one["stage"]) for one in _api_stages(before)}
    wanted = {(one["apiId"], one["stage"]): one for one in _api_stages(own)}
    operations += [{"op": "remove", "path": "/apiStages", "value": ":".join(one)} for one in held - wanted.keys()]
    operations += [{"op": "add", "path": "/apiStages", "value": ":".join(one)} for one in wanted.keys() - held]
    for one in wanted.values():
        place = f"/apiStages/{one['apiId']}:{one['stage']}/throttle"
        for path, limits in (one.get("throttle") or {}).items():
            operations += [patch(f"{place}/{escaped(path)}/{name}", value) for name, value in limits.items()]
    await ask(call, "UpdateUsagePlan", usagePlanId=call.physical_id, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_plan(call: ResourceCall) -> None:
    operations = [
        {"op": "remove", "path": "/apiStages", "value": f"{one['apiId']}:{one['stage']}"}
        for one in (await ask(call, "GetUsagePlan", usagePlanId=call.physical_id)).get("apiStages") or ()
    ]
    if operations:
        await ask(call, "UpdateUsagePlan", usagePlanId=call.physical_id, patchOperations=operations)
    await ask(call, "DeleteUsagePlan", usagePlanId=call.physical_id)


async def _create_plan_key(call: ResourceCall) -> Resource:
    given = members(call.properties, "UsagePlanId", "KeyId", "KeyType")
    await ask(call, "CreateUsagePlanKey", **given)
    identity = f"{given['keyId']}:{given['usagePlanId']}"
    return Resource(identity, {"Id": identity})


async def _delete_plan_key(call: ResourceCall) -> None:
    key, _, plan = call.physical_id.partition(":")
    await ask(call, "DeleteUsagePlanKey", usagePlanId=plan, keyId=key)


TYPES = (
    resource_type("ApiKey", _create_key, _delete_key, _update_key, "Name", "Value", "GenerateDistinctId"),
    resource_type("UsagePlan", _create_plan, _delete_plan, _update_plan),
    resource_type("UsagePlanKey", _create_plan_key, _delete_plan_key),
)
