"""Stages: create, get, list, update, delete, and their access log and route settings."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.authorizers import VerdictCache
from kumoi.http_api.connections import Connections
from kumoi.http_api.places import mappings
from kumoi.http_api.throttle import Throttles
from kumoi.services.apigatewayv2 import apigatewayv2
from kumoi.services.apigatewayv2.deploying import deploy, point
from kumoi.services.apigatewayv2.errors import bad, conflict, not_found, page, present
from kumoi.services.apigatewayv2.lookup import find_api, find_stage
from kumoi.services.apigatewayv2.records import Stage, deployments, stages
from kumoi.services.apigatewayv2.websocket.session import Sessions
from kumoi.state import Transaction, transactional

_NAME = re.compile(r"\$default|[A-Za-z0-9_-]{1,128}")
_VARIABLE = re.compile(r"[A-Za-z0-9_]{1,64}")
_VALUE = re.compile(r"[A-Za-z0-9\-._~:/?#&=,@]*")


def describe(stage: Stage) -> dict[str, Any]:
    """A stage as the API answers it."""
    return present(
        {
            "StageName": stage.name,
            "AutoDeploy": stage.auto_deploy,
            "ApiGatewayManaged": stage.managed or None,
            "CreatedDate": stage.created,
            "LastUpdatedDate": stage.updated,
            "DeploymentId": stage.deployment or None,
            "DefaultRouteSettings": {"DetailedMetricsEnabled": False},
            "RouteSettings": {},
            "StageVariables": {},
            "Tags": stage.tags,
            **stage.properties,
        }
    )


def _check(properties: dict[str, Any]) -> None:
    for name, value in (properties.get("StageVariables") or {}).items():
        if not _VARIABLE.fullmatch(name) or len(value) > 512 or not _VALUE.fullmatch(value):
            raise bad(f"Stage variable {name} is invalid: names are alphanumeric, values at most 512 URL characters")
    log = properties.get("AccessLogSettings")
    if log:
        if not log.get("Format") or not log.get("DestinationArn"):
            raise bad("AccessLogSettings needs both DestinationArn and Format")
        if not re.fullmatch(r"arn:[^:]+:logs:[^:]+:\d{12}:log-group:[^:]+(:\*)?", log["DestinationArn"]):
            raise bad(f"Invalid access log destination {log['DestinationArn']}: it is the ARN of a log group")


@apigatewayv2.operation
async def create_stage(
    call: Call,
    ApiId: str,
    StageName: str,
    AutoDeploy: bool = False,
    DeploymentId: str | None = None,
    Tags: dict[str, str] | None = None,
    **properties: Any,
) -> dict[str, Any]:
    """Create a stage, which serves a deployment, or with AutoDeploy whatever the API becomes."""
    if not _NAME.fullmatch(StageName):
        raise bad(f"Stage name only allows a-zA-Z0-9_- (or $default) and up to 128 characters, not {StageName}")
    _check(properties)
    if AutoDeploy and DeploymentId is not None:
        raise bad("A stage with AutoDeploy chooses its deployment itself: leave DeploymentId out")
    stage = Stage(
        api=ApiId,
        name=StageName,
        created=call.now,
        updated=call.now,
        properties=properties,
        auto_deploy=AutoDeploy,
        deployment=DeploymentId or "",
        tags=Tags or {},
    )
    return describe(await _create(call.state, stage))


@apigatewayv2.operation
async def get_stage(call: Call, ApiId: str, StageName: str) -> dict[str, Any]:
    """A stage."""
    return describe(await find_stage(call.state, ApiId, StageName))


@apigatewayv2.operation
async def get_stages(
    call: Call, ApiId: str, MaxResults: str | None = None, NextToken: str | None = None
) -> dict[str, Any]:
    """An API's stages."""
    shown, more = page(await _all(call.state, ApiId), MaxResults, NextToken)
    return {"Items": [describe(stage) for stage in shown], **more}


@apigatewayv2.operation
async def update_stage(
    call: Call,
    ApiId: str,
    StageName: str,
    AutoDeploy: bool | None = None,
    DeploymentId: str | None = None,
    **properties: Any,
) -> dict[str, Any]:
    """Change a stage's members, or which deployment it serves; of its variables those that are given.

    A variable with an empty value is taken away.
    """
    _check(properties)
    stage = await _update(call.state, ApiId, StageName, AutoDeploy, DeploymentId, properties)
    call.part(Throttles).forget(ApiId)
    return describe(stage)


@apigatewayv2.operation
async def delete_stage(call: Call, ApiId: str, StageName: str) -> None:
    """Delete a stage; its WebSockets are closed."""
    await _delete(call.state, ApiId, StageName)
    await call.part(Sessions).close_all(call.part(Connections).of_api(ApiId, StageName))


@apigatewayv2.operation
async def delete_access_log_settings(call: Call, ApiId: str, StageName: str) -> None:
    """Stop a stage's access log."""
    await _update(call.state, ApiId, StageName, None, None, {"AccessLogSettings": None})


@apigatewayv2.operation
async def delete_route_settings(call: Call, ApiId: str, StageName: str, RouteKey: str) -> None:
    """Take a route's own settings away."""
    stage = await find_stage(call.state, ApiId, StageName)
    kept = dict(stage.properties.get("RouteSettings") or {})
    if kept.pop(RouteKey, None) is None:
        raise not_found("RouteSettings", RouteKey)
    await _update(call.state, ApiId, StageName, None, None, {"RouteSettings": kept})
    call.part(Throttles).forget(ApiId)


@apigatewayv2.operation
async def reset_authorizers_cache(call: Call, ApiId: str, StageName: str) -> None:
    """Forget what the authorizers of a stage have said."""
    await find_stage(call.state, ApiId, StageName)
    call.part(VerdictCache).forget(ApiId, StageName)


@transactional
async def _create(tx: Transaction, stage: Stage) -> Stage:
    api = await find_api(tx, stage.api)
    if api.protocol == "WEBSOCKET" and stage.name == "$default":
        raise bad("Stage name only allows a-zA-Z0-9_- and up to 128 characters for WEBSOCKET APIs")
    if await stages.get(tx, stage.api, stage.name) is not None:
        raise conflict("Stage already exists")
    if stage.deployment and await deployments.get(tx, stage.api, stage.deployment) is None:
        raise not_found("Deployment", stage.deployment)
    if stage.auto_deploy:
        return await point(tx, stage, await deploy(tx, api, auto=True))
    await stages.put(tx, stage)
    return stage


@transactional
async def _all(tx: Transaction, api_id: str) -> list[Stage]:
    await find_api(tx, api_id)
    return await stages.list(tx, api_id)


@transactional
async def _update(
    tx: Transaction,
    api_id: str,
    name: str,
    auto_deploy: bool | None,
    deployment: str | None,
    given: dict[str, Any],
) -> Stage:
    stage = await find_stage(tx, api_id, name)
    properties = present({**stage.properties, **given})
    if given.get("StageVariables") is not None:
        both = {**(stage.properties.get("StageVariables") or {}), **given["StageVariables"]}
        properties["StageVariables"] = {name: value for name, value in both.items() if value}
    stage = msgspec.structs.replace(
        stage,
        properties=properties,
        auto_deploy=stage.auto_deploy if auto_deploy is None else auto_deploy,
        updated=tx.now,
    )
    if deployment is not None:
        if stage.auto_deploy:
            raise bad("Deployments of a stage with AutoDeploy are automatic: DeploymentId cannot be set")
        chosen = await deployments.get(tx, api_id, deployment)
        if chosen is None:
            raise not_found("Deployment", deployment)
        return await point(tx, stage, chosen)
    if auto_deploy:
        return await point(tx, stage, await deploy(tx, await find_api(tx, api_id), auto=True))
    await stages.put(tx, stage)
    return stage


@transactional
async def _delete(tx: Transaction, api_id: str, name: str) -> None:
    await find_stage(tx, api_id, name)
    for mapping in await mappings.list(tx):
        if (mapping.api, mapping.stage) == (api_id, name):
            raise conflict(f"Cannot delete stage {name}: {mapping.domain} maps to it")
    await stages.delete(tx, api_id, name)
