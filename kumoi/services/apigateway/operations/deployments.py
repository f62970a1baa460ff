"""Deployments: snapshots of an API that stages serve."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.places import new_id
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, page, present
from kumoi.services.apigateway.lookup import find_api, find_deployment
from kumoi.services.apigateway.operations.stages import check_canary, new_stage
from kumoi.services.apigateway.records import (
    Deployment,
    RestApi,
    Stage,
    deployments,
    parts,
    resources,
    stages,
)
from kumoi.state import Transaction, transactional

SERVED = ("Authorizer", "Model", "RequestValidator", "GatewayResponse")


def describe(deployment: Deployment, embed: list[str] | None = None) -> dict[str, Any]:
    """A deployment as the API answers it; a summary of its methods where `apisummary` is embedded."""
    said: dict[str, Any] = {
        "id": deployment.id,
        "createdDate": deployment.created,
        "description": deployment.description,
    }
    if "apisummary" in (embed or ()):
        said["apiSummary"] = {
            resource.path: {
                name: {
                    "authorizationType": method["authorizationType"],
                    "apiKeyRequired": method.get("apiKeyRequired", False),
                }
                for name, method in resource.methods.items()
            }
            for resource in deployment.resources
            if resource.methods
        }
    return present(said)


@apigateway.operation
async def create_deployment(
    call: Call,
    restApiId: str,
    stageName: str | None = None,
    stageDescription: str | None = None,
    description: str | None = None,
    cacheClusterEnabled: bool = False,
    cacheClusterSize: str | None = None,
    variables: dict[str, str] | None = None,
    canarySettings: dict[str, Any] | None = None,
    tracingEnabled: bool | None = None,
) -> dict[str, Any]:
    """Snapshot the API, and have a stage serve it, or its canary; the stage is made where there is none.

    What is empty is not given: Terraform always sends a stage's name and description, and both may be empty.
    """
    settings = present(
        {
            "description": stageDescription or None,
            "cacheClusterSize": cacheClusterSize,
            "cacheClusterEnabled": cacheClusterEnabled or None,
            "variables": variables or None,
            "tracingEnabled": tracingEnabled,
        }
    )
    return describe(await _create(call.state, restApiId, description or None, stageName, settings, canarySettings))


@apigateway.operation
async def get_deployment(
    call: Call, restApiId: str, deploymentId: str, embed: list[str] | None = None
) -> dict[str, Any]:
    """A deployment."""
    return describe(await find_deployment(call.state, restApiId, deploymentId), embed)


@apigateway.operation
async def get_deployments(
    call: Call, restApiId: str, position: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """An API's deployments, the newest first."""
    found = sorted(await _all(call.state, restApiId), key=lambda one: -one.created)
    return page([describe(one) for one in found], position, limit)


@apigateway.operation
async def update_deployment(
    call: Call, restApiId: str, deploymentId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a deployment's description."""
    return describe(await _update(call.state, restApiId, deploymentId, patchOperations or []))


@apigateway.operation
async def delete_deployment(call: Call, restApiId: str, deploymentId: str) -> None:
    """Delete a deployment that no stage serves."""
    await _delete(call.state, restApiId, deploymentId)


async def snapshot(tx: Transaction, api: RestApi, description: str | None) -> Deployment:
    """Store a snapshot of an API; BadRequestException for one that cannot be served."""
    found = await resources.list(tx, api.id)
    methods = [method for resource in found for method in resource.methods.values()]
    if not methods:
        raise bad("The REST API doesn't contain any methods")
    if any("methodIntegration" not in method for method in methods):
        raise bad("No integration defined for method")
    held: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in SERVED:
        held[kind] = {part.id: part.properties for part in await parts.list(tx, api.id, kind)}
    made = Deployment(
        api=api.id,
        id=new_id(6),
        created=tx.now,
        description=description,
        properties=api.properties,
        resources=found,
        parts=held,
    )
    await deployments.put(tx, made)
    return made


def served_by(stage: Stage) -> set[str]:
    """The deployments that a stage serves: its own, and its canary's."""
    return {stage.deployment, (stage.properties.get("canarySettings") or {}).get("deploymentId", "")}


@transactional
async def _create(
    tx: Transaction,
    api_id: str,
    description: str | None,
    stage_name: str | None,
    settings: dict[str, Any],
    canary: dict[str, Any] | None,
) -> Deployment:
    api = await find_api(tx, api_id)
    made = await snapshot(tx, api, description)
    if not stage_name:
        if settings or canary:
            raise bad("Stage name is required to set a stage's description or variables")
        return made
    stage = await stages.get(tx, api_id, stage_name)
    if canary:
        if stage is None:
            raise bad("A canary needs a stage that serves a deployment already")
        properties = {**stage.properties, "canarySettings": {**canary, "deploymentId": made.id}}
        await check_canary(tx, api_id, properties)
        stage = msgspec.structs.replace(stage, updated=tx.now, properties=properties)
    elif stage is None:
        stage = new_stage(tx, api_id, stage_name, made.id, settings, {})
    else:
        stage = msgspec.structs.replace(
            stage, deployment=made.id, updated=tx.now, properties={**stage.properties, **settings}
        )
    await stages.put(tx, stage)
    return made


@transactional
async def _all(tx: Transaction, api_id: str) -> list[Deployment]:
    await find_api(tx, api_id)
    return await deployments.list(tx, api_id)


@transactional
async def _update(tx: Transaction, api_id: str, deployment_id: str, operations: list[dict[str, Any]]) -> Deployment:
    found = await find_deployment(tx, api_id, deployment_id)
    document = present({"description": found.description})
    changed = patches.patched(document, {"description": patches.text}, operations)
    updated = msgspec.structs.replace(found, description=changed.get("description"))
    await deployments.put(tx, updated)
    return updated


@transactional
async def _delete(tx: Transaction, api_id: str, deployment_id: str) -> None:
    await find_deployment(tx, api_id, deployment_id)
    if any(deployment_id in served_by(stage) for stage in await stages.list(tx, api_id)):
        raise bad("Active stages pointing to this deployment must be moved or deleted")
    await deployments.delete(tx, api_id, deployment_id)
