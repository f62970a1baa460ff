"""`AWS::ApiGateway::Deployment` and `Stage`, with the settings of methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.services.apigateway.properties import (
    escaped,
    lowered,
    map_patches,
    members,
    patch,
    patches,
    typed,
)
from kumoi.services.apigateway.resources.asking import ask, resource_type
from kumoi.wire.errors import AwsError

_STAGE = ("DeploymentId", "Description", "TracingEnabled", "DocumentationVersion", "ClientCertificateId")
_SETTINGS = {
    "ThrottlingBurstLimit": "throttling/burstLimit",
    "ThrottlingRateLimit": "throttling/rateLimit",
    "LoggingLevel": "logging/loglevel",
    "DataTraceEnabled": "logging/dataTrace",
    "MetricsEnabled": "metrics/enabled",
    "CachingEnabled": "caching/enabled",
    "CacheTtlInSeconds": "caching/ttlInSeconds",
    "CacheDataEncrypted": "caching/dataEncrypted",
}


async def _create_deployment(call: ResourceCall) -> Resource:
    given = members(call.properties, "RestApiId", "Description", "StageName")
    description = call.properties.get("StageDescription") or {}
    answer = await ask(
        call,
        "CreateDeployment",
        **given,
        variables=typed("variables", description["Variables"]) if description.get("Variables") else None,
        stageDescription=description.get("Description"),
    )
    made = Resource(answer["id"], {"DeploymentId": answer["id"]})
    if given.get("stageName"):
        call.begin(made)
        operations = _settings_patches(description.get("MethodSettings") or ())
        if operations:
            stage = {"restApiId": given["restApiId"], "stageName": given["stageName"]}
            await ask(call, "UpdateStage", **stage, patchOperations=operations)
    return made


async def _update_deployment(call: ResourceCall) -> Resource:
    operations = patches(call.before, call.properties, "Description")
    place = {"restApiId": call.properties["RestApiId"], "deploymentId": call.physical_id}
    await ask(call, "UpdateDeployment", **place, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_deployment(call: ResourceCall) -> None:
    """Delete a deployment, and the stage that was made along with it where that still serves it."""
    api_id, stage_name = call.properties["RestApiId"], call.properties.get("StageName")
    if stage_name:
        try:
            stage = await ask(call, "GetStage", restApiId=api_id, stageName=stage_name)
            if stage["deploymentId"] == call.physical_id:
                await ask(call, "DeleteStage", restApiId=api_id, stageName=stage_name)
        except AwsError as error:
            if error.code != "NotFoundException":
                raise
    await ask(call, "DeleteDeployment", restApiId=api_id, deploymentId=call.physical_id)


def _settings_patches(settings: Any) -> list[dict[str, str]]:
    operations: list[dict[str, str]] = []
    for setting in settings:
        path, method = str(setting.get("ResourcePath") or "/*"), str(setting.get("HttpMethod") or "*")
        key = "*" if path in ("/*", "*") else path if "~1" in path else escaped(path)
        key = key.removeprefix("/") if key.startswith("/~1") else key
        for name, place in _SETTINGS.items():
            if setting.get(name) is not None:
                operations.append(patch(f"/{key}/{method}/{place}", setting[name]))
    return operations


async def _create_stage(call: ResourceCall) -> Resource:
    own = call.properties
    name = own.get("StageName") or call.name("StageName", 100).replace(".", "-")
    await ask(
        call,
        "CreateStage",
        stageName=name,
        canarySettings=typed("", own["CanarySetting"]) if own.get("CanarySetting") else None,
        tags=call.all_tags(),
        **members(own, "RestApiId", "Variables", *_STAGE),
    )
    made = Resource(name)
    operations = [*_settings_patches(own.get("MethodSettings") or ()), *_log_patches(own)]
    if operations:
        call.begin(made)
        await ask(call, "UpdateStage", restApiId=own["RestApiId"], stageName=name, patchOperations=operations)
    return made


def _log_patches(properties: Any) -> list[dict[str, str]]:
    log = properties.get("AccessLogSetting") or {}
    return [patch(f"/accessLogSettings/{lowered(name)}", value) for name, value in log.items()]


def _canary_patches(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str]]:
    if not after:
        return [{"op": "remove", "path": "/canarySettings"}] if before else []
    overrides = "StageVariableOverrides"
    plain = [patch(f"/canarySettings/{lowered(name)}", value) for name, value in after.items() if name != overrides]
    place = f"/canarySettings/{lowered(overrides)}"
    return [*plain, *map_patches(place, before.get(overrides) or {}, after.get(overrides) or {})]


async def _update_stage(call: ResourceCall) -> Resource:
    own, before = call.properties, call.before
    operations = patches(before, own, *_STAGE)
    operations += map_patches("/variables", before.get("Variables") or {}, own.get("Variables") or {})
    operations += [*_settings_patches(own.get("MethodSettings") or ()), *_log_patches(own)]
    operations += _canary_patches(before.get("CanarySetting") or {}, own.get("CanarySetting") or {})
    if before.get("AccessLogSetting") and not own.get("AccessLogSetting"):
        operations.append({"op": "remove", "path": "/accessLogSettings"})
    place = {"restApiId": own["RestApiId"], "stageName": call.physical_id}
    if operations:
        await ask(call, "UpdateStage", **place, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_stage(call: ResourceCall) -> None:
    await ask(call, "DeleteStage", restApiId=call.properties["RestApiId"], stageName=call.physical_id)


TYPES = (
    resource_type(
        "Deployment",
        _create_deployment,
        _delete_deployment,
        _update_deployment,
        "RestApiId",
        "StageName",
    ),
    resource_type("Stage", _create_stage, _delete_stage, _update_stage, "RestApiId", "StageName"),
)
