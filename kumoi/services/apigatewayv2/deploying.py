"""Deployments: what stages serve is a snapshot, made by CreateDeployment or, with AutoDeploy, by every change."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.http_api.places import new_id
from kumoi.services.apigatewayv2.records import Api, Deployment, Stage, apis, deployments, parts, stages
from kumoi.state import Transaction

SERVED = ("Route", "Integration", "Authorizer", "IntegrationResponse", "Model", "RouteResponse")


async def deploy(
    tx: Transaction, api: Api, *, description: str | None = None, auto: bool = False, now: float = 0.0
) -> Deployment:
    """Snapshot an API."""
    snapshot: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in SERVED:
        found = await parts.list(tx, api.id, kind)
        snapshot[kind] = {part.id: {**part.properties, "Parent": part.parent} for part in found}
    made = Deployment(
        api=api.id,
        id=new_id(6),
        created=now or tx.now,
        description=description,
        auto=auto,
        cors=api.properties.get("CorsConfiguration"),
        parts=snapshot,
    )
    await deployments.put(tx, made)
    return made


async def point(tx: Transaction, stage: Stage, deployment: Deployment) -> Stage:
    """Have a stage serve a deployment; the automatic one that it served before goes."""
    if stage.deployment and stage.deployment != deployment.id:
        before = await deployments.get(tx, stage.api, stage.deployment)
        if before is not None and before.auto:
            await deployments.delete(tx, stage.api, before.id)
    changed = msgspec.structs.replace(stage, deployment=deployment.id, updated=tx.now)
    await stages.put(tx, changed)
    return changed


async def changed(tx: Transaction, api_id: str) -> None:
    """An API's parts changed: stages with AutoDeploy serve the change."""
    following = [stage for stage in await stages.list(tx, api_id) if stage.auto_deploy]
    api = await apis.get(tx, api_id)
    if not following or api is None:
        return
    for stage in following:
        await point(tx, stage, await deploy(tx, api, auto=True))
