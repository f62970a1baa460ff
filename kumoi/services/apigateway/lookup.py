"""Finding what an API has, or saying as AWS does that there is none."""

from __future__ import annotations

from typing import Any

from kumoi.services.apigateway.errors import not_found
from kumoi.services.apigateway.records import Deployment, Resource, RestApi, Stage, deployments, resources, rest_apis
from kumoi.services.apigateway.records import stages as stage_space
from kumoi.state import Transaction, transactional


@transactional
async def find_api(tx: Transaction, api_id: str) -> RestApi:
    """The API; NotFoundException when there is none."""
    api = await rest_apis.get(tx, api_id)
    if api is None:
        raise not_found(f"Invalid API identifier specified {tx.account}:{api_id}")
    return api


@transactional
async def find_resource(tx: Transaction, api_id: str, resource_id: str) -> Resource:
    """The resource; NotFoundException when there is none."""
    await find_api(tx, api_id)
    found = await resources.get(tx, api_id, resource_id)
    if found is None:
        raise not_found("Invalid Resource identifier specified")
    return found


def method_of(resource: Resource, http_method: str) -> dict[str, Any]:
    """The method of a resource; NotFoundException when there is none."""
    found = resource.methods.get(http_method)
    if found is None:
        raise not_found("Invalid Method identifier specified")
    return found


def integration_of(method: dict[str, Any]) -> dict[str, Any]:
    """The integration of a method; NotFoundException when there is none."""
    found: dict[str, Any] | None = method.get("methodIntegration")
    if found is None:
        raise not_found("Invalid Integration identifier specified")
    return found


@transactional
async def find_stage(tx: Transaction, api_id: str, name: str) -> Stage:
    """The stage; NotFoundException when there is none."""
    await find_api(tx, api_id)
    stage = await stage_space.get(tx, api_id, name)
    if stage is None:
        raise not_found("Invalid stage identifier specified")
    return stage


@transactional
async def find_deployment(tx: Transaction, api_id: str, deployment_id: str) -> Deployment:
    """The deployment; NotFoundException when there is none."""
    await find_api(tx, api_id)
    found = await deployments.get(tx, api_id, deployment_id)
    if found is None:
        raise not_found("Invalid Deployment identifier specified")
    return found
