"""Stages: create, get, list, update, delete; flushing their caches."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.authorizers import VerdictCache
from kumoi.http_api.places import mappings
from kumoi.http_api.throttle import Throttles
from kumoi.names import Arn
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, conflict, present, unbuilt
from kumoi.services.apigateway.lookup import find_api, find_deployment, find_stage
from kumoi.services.apigateway.records import Stage, deployments, stages
from kumoi.state import Transaction, transactional

_NAME = re.compile(r"[a-zA-Z0-9_\-]{1,128}")
_VARIABLE = re.compile(r"[A-Za-z0-9_]{1,64}")
_SETTINGS: dict[str, tuple[str, patches.Change]] = {
    "metrics/enabled": ("metricsEnabled", patches.flag),
    "logging/dataTrace": ("dataTraceEnabled", patches.flag),
    "logging/loglevel": ("loggingLevel", patches.text),
    "throttling/burstLimit": ("throttlingBurstLimit", patches.whole),
    "throttling/rateLimit": ("throttlingRateLimit", patches.number),
    "caching/ttlInSeconds": ("cacheTtlInSeconds", patches.whole),
    "caching/enabled": ("cachingEnabled", patches.flag),
    "caching/dataEncrypted": ("cacheDataEncrypted", patches.flag),
    "caching/requireAuthorizationForCacheControl": ("requireAuthorizationForCacheControl", patches.flag),
    "caching/unauthorizedCacheControlHeaderStrategy": ("unauthorizedCacheControlHeaderStrategy", patches.text),
}
_SETTING = re.compile(rf"/(?P<key>.*/[^/]+)/(?P<setting>{'|'.join(_SETTINGS)})")
_USUAL_SETTINGS = {
    "metricsEnabled": False,
    "dataTraceEnabled": False,
    "throttlingBurstLimit": 5000,
    "throttlingRateLimit": 10000.0,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}
_FIELDS: patches.Fields = {
    "deploymentId": patches.text,
    "description": patches.text,
    "cacheClusterEnabled": patches.flag,
    "cacheClusterSize": patches.text,
    "clientCertificateId": patches.text,
    "documentationVersion": patches.text,
    "accessLogSettings": patches.within({"destinationArn": patches.text, "format": patches.text}),
    "variables": patches.mapping(),
    "tracingEnabled": patches.flag,
    "canarySettings": patches.within(
        {
            "percentTraffic": patches.number,
            "deploymentId": patches.text,
            "useStageCache": patches.flag,
            "stageVariableOverrides": patches.mapping(),
        }
    ),
}
_OVERRIDES = "/canarySettings/stageVariableOverrides"


def describe(stage: Stage) -> dict[str, Any]:
    """A stage as the API answers it."""
    return {
        "stageName": stage.name,
        "deploymentId": stage.deployment,
        "cacheClusterEnabled": False,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {},
        "tracingEnabled": False,
        **stage.properties,
        "createdDate": stage.created,
        "lastUpdatedDate": stage.updated,
        "tags": stage.tags,
    }


@apigateway.operation
async def create_stage(
    call: Call,
    restApiId: str,
    stageName: str,
    deploymentId: str,
    tags: dict[str, str] | None = None,
    **properties: Any,
) -> dict[str, Any]:
    """Have a deployment served under a name."""
    return describe(await _create(call.state, restApiId, stageName, deploymentId, present(properties), tags or {}))


@apigateway.operation
async def get_stage(call: Call, restApiId: str, stageName: str) -> dict[str, Any]:
    """A stage."""
    return describe(await find_stage(call.state, restApiId, stageName))


@apigateway.operation
async def get_stages(call: Call, restApiId: str, deploymentId: str | None = None) -> dict[str, Any]:
    """An API's stages, or those that serve a deployment."""
    found = await _all(call.state, restApiId)
    return {"item": [describe(one) for one in found if deploymentId in (None, one.deployment)]}


@apigateway.operation
async def update_stage(
    call: Call, restApiId: str, stageName: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a stage."""
    said = describe(await _update(call.state, restApiId, stageName, patchOperations or []))
    call.part(Throttles).forget(restApiId)
    return said


@apigateway.operation
async def delete_stage(call: Call, restApiId: str, stageName: str) -> None:
    """Delete a stage."""
    await _delete(call.state, restApiId, stageName)


@apigateway.operation
async def flush_stage_authorizers_cache(call: Call, restApiId: str, stageName: str) -> None:
    """Forget what authorizers said."""
    await find_stage(call.state, restApiId, stageName)
    call.part(VerdictCache).forget(restApiId, stageName)


@apigateway.operation
async def flush_stage_cache(call: Call, restApiId: str, stageName: str) -> None:
    """Forget cached answers: there are none, as answers are not cached."""
    await find_stage(call.state, restApiId, stageName)


def new_stage(
    tx: Transaction, api_id: str, name: str, deployment: str, properties: dict[str, Any], tags: dict[str, str]
) -> Stage:
    """A new stage; BadRequestException for one that cannot be."""
    if not _NAME.fullmatch(name):
        raise bad("Stage name only allows a-zA-Z0-9_-")
    _check(properties)
    now = float(int(tx.now))
    return Stage(
        api=api_id, name=name, created=now, updated=now, deployment=deployment, properties=properties, tags=tags
    )


_STREAMS = "amazon-apigateway-"
"""How the names of delivery streams begin that take access logs."""


def _check(properties: dict[str, Any]) -> None:
    for name in properties.get("variables") or ():
        if not _VARIABLE.fullmatch(name):
            raise bad(f"Stage variable name only allows a-zA-Z0-9_: {name}")
    log = properties.get("accessLogSettings")
    if log and log.get("destinationArn"):
        try:
            destination = Arn.parse(log["destinationArn"])
        except ValueError:
            raise bad(f"Invalid ARN specified in the request: {log['destinationArn']}") from None
        stream = destination.resource.partition("/")[2]
        if destination.service == "firehose" and not stream.startswith(_STREAMS):
            raise bad(f"The name of the delivery stream must begin with {_STREAMS}: {stream}")
        if destination.service not in ("logs", "firehose"):
            raise unbuilt("access logs elsewhere than in a log group or a delivery stream")


def patched_settings(held: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    """Method settings after a patch operation; None where its path is not of one. Keys are `path/METHOD` or `*/*`."""
    path, op = operation.get("path") or "", operation.get("op")
    if op == "remove" and path.count("/") >= 2 and (key := _settings_key(path[1:])) in held:
        return {name: one for name, one in held.items() if name != key}
    match = _SETTING.fullmatch(path)
    if match is None:
        return None
    key = _settings_key(match["key"])
    name, change = _SETTINGS[match["setting"]]
    setting = dict(held.get(key) or _USUAL_SETTINGS)
    change(setting, op or "replace", [name], operation.get("value"))
    if setting.get("loggingLevel", "OFF") not in ("OFF", "ERROR", "INFO"):
        raise bad("Invalid logging level: it must be one of OFF, ERROR, INFO")
    return {**held, key: setting}


def _settings_key(text: str) -> str:
    path, _, method = text.rpartition("/")
    path = path.replace("~1", "/").replace("~0", "~")
    return f"{path.lstrip('/') if path not in ('/', '*') else path}/{method}"


@transactional
async def _create(
    tx: Transaction, api_id: str, name: str, deployment: str, properties: dict[str, Any], tags: dict[str, str]
) -> Stage:
    await find_api(tx, api_id)
    if await deployments.get(tx, api_id, deployment) is None:
        raise bad("Deployment id does not exist")
    if await stages.get(tx, api_id, name) is not None:
        raise conflict("Stage already exists")
    stage = new_stage(tx, api_id, name, deployment, properties, tags)
    await check_canary(tx, api_id, properties)
    await stages.put(tx, stage)
    return stage


async def check_canary(tx: Transaction, api_id: str, properties: dict[str, Any]) -> None:
    """Raise BadRequestException for canary settings that cannot be."""
    canary = properties.get("canarySettings")
    if not canary:
        return
    if not 0.0 <= canary.get("percentTraffic", 0.0) <= 100.0:
        raise bad("Canary percentTraffic must be between 0.0 and 100.0")
    deployment = canary.get("deploymentId")
    if deployment and await deployments.get(tx, api_id, deployment) is None:
        raise bad("Deployment id does not exist")


@transactional
async def _all(tx: Transaction, api_id: str) -> list[Stage]:
    await find_api(tx, api_id)
    return await stages.list(tx, api_id)


@transactional
async def _update(tx: Transaction, api_id: str, name: str, operations: list[dict[str, Any]]) -> Stage:
    stage = await find_stage(tx, api_id, name)
    settings: dict[str, Any] = stage.properties.get("methodSettings") or {}
    document = {**stage.properties, "deploymentId": stage.deployment}
    for operation in operations:
        path = operation.get("path") or ""
        if operation.get("op") == "copy" and (path, operation.get("from")) == ("/variables", _OVERRIDES):
            overrides = (document.get("canarySettings") or {}).get("stageVariableOverrides") or {}
            document["variables"] = {**(document.get("variables") or {}), **overrides}
            continue
        changed = patched_settings(settings, operation)
        if changed is not None:
            settings = changed
            continue
        if path.split("/")[1:2] and path.split("/")[1] not in _FIELDS:
            known = ", ".join(f"/{field}" for field in _FIELDS)
            raise bad(
                f"Invalid method setting path: {path}. Must be one of: [{known}, /{{resourcePath}}/{{httpMethod}}/…]"
            )
        document = patches.patched(document, _FIELDS, [operation])
    deployment = document.pop("deploymentId", "")
    if deployment != stage.deployment:
        await find_deployment(tx, api_id, deployment)
    if document.get("accessLogSettings") == {}:
        del document["accessLogSettings"]
    _check(document)
    await check_canary(tx, api_id, document)
    updated = msgspec.structs.replace(
        stage, updated=float(int(tx.now)), deployment=deployment, properties={**document, "methodSettings": settings}
    )
    await stages.put(tx, updated)
    return updated


@transactional
async def _delete(tx: Transaction, api_id: str, name: str) -> None:
    await find_stage(tx, api_id, name)
    for mapping in await mappings.list(tx):
        if (mapping.api, mapping.stage) == (api_id, name):
            raise bad(f"Stage {name} is mapped below {mapping.domain}: delete the base path mapping first")
    await stages.delete(tx, api_id, name)
