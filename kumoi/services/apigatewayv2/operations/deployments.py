"""Deployments: create, get, list, update, delete."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.apigatewayv2 import apigatewayv2
from kumoi.services.apigatewayv2.deploying import deploy, point
from kumoi.services.apigatewayv2.errors import bad, conflict, not_found, page, present
from kumoi.services.apigatewayv2.lookup import find_api, find_stage
from kumoi.services.apigatewayv2.records import Deployment, deployments, parts, stages
from kumoi.state import Transaction, transactional


def describe(deployment: Deployment) -> dict[str, Any]:
    """A deployment as the API answers it."""
    return present(
        {
            "AutoDeployed": deployment.auto,
            "CreatedDate": deployment.created,
            "DeploymentId": deployment.id,
            "DeploymentStatus": "DEPLOYED",
            "Description": deployment.description,
        }
    )


@apigatewayv2.operation
async def create_deployment(
    call: Call, ApiId: str, StageName: str | None = None, Description: str | None = None
) -> dict[str, Any]:
    """Snapshot the API, and have a stage serve it."""
    return describe(await _create(call.state, ApiId, StageName, Description))


@apigatewayv2.operation
async def get_deployment(call: Call, ApiId: str, DeploymentId: str) -> dict[str, Any]:
    """A deployment."""
    return describe(await _find(call.state, ApiId, DeploymentId))


@apigatewayv2.operation
async def get_deployments(
    call: Call, ApiId: str, MaxResults: str | None = None, NextToken: str | None = None
) -> dict[str, Any]:
    """An API's deployments, the newest first."""
    found = sorted(await _all(call.state, ApiId), key=lambda one: -one.created)
    shown, more = page(found, MaxResults, NextToken)
    return {"Items": [describe(one) for one in shown], **more}


@apigatewayv2.operation
async def update_deployment(
    call: Call, ApiId: str, DeploymentId: str, Description: str | None = None
) -> dict[str, Any]:
    """Change a deployment's description."""
    return describe(await _update(call.state, ApiId, DeploymentId, Description))


@apigatewayv2.operation
async def delete_deployment(call: Call, ApiId: str, DeploymentId: str) -> None:
    """Delete a deployment that no stage serves."""
    await _delete(call.state, ApiId, DeploymentId)


@transactional
async def _create(tx: Transaction, api_id: str, stage_name: str | None, description: str | None) -> Deployment:
    api = await find_api(tx, api_id)
    if not await parts.list(tx, api_id, "Route", limit=1):
        raise bad("At least one route is required before deploying the Api.")
    made = await deploy(tx, api, description=description)
    if stage_name is not None:
        stage = await find_stage(tx, api_id, stage_name)
        if stage.auto_deploy:
            raise bad(f"Stage {stage_name} has AutoDeploy: its deployments are automatic")
        await point(tx, stage, made)
    return made


@transactional
async def _find(tx: Transaction, api_id: str, deployment: str) -> Deployment:
    await find_api(tx, api_id)
    found = await deployments.get(tx, api_id, deployment)
    if found is None:
        raise not_found("Deployment", deployment)
    return found


@transactional
async def _all(tx: Transaction, api_id: str) -> list[Deployment]:
    await find_api(tx, api_id)
    return await deployments.list(tx, api_id)


@transactional
async def _update(tx: Transaction, api_id: str, deployment: str, description: str | None) -> Deployment:
    found = await _find(tx, api_id, deployment)
    changed = found if description is None else msgspec.structs.replace(found, description=description)
    await deployments.put(tx, changed)
    return changed


@transactional
async def _delete(tx: Transaction, api_id: str, deployment: str) -> None:
    await _find(tx, api_id, deployment)
    for stage in await stages.list(tx, api_id):
        if stage.deployment == deployment:
            raise conflict(f"Active stages with name: {stage.name} must be deleted, or point elsewhere, first")
    await deployments.delete(tx, api_id, deployment)
