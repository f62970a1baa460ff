"""Deployment configurations: how traffic is shifted; AWS's own, and users'."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.codedeploy import codedeploy
from kumoi.services.codedeploy.records import Configuration, configurations
from kumoi.services.codedeploy.rules import PREDEFINED, predefined
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_MEMBERS = {
    "TimeBasedCanary": ("timeBasedCanary", "canaryPercentage", "canaryInterval"),
    "TimeBasedLinear": ("timeBasedLinear", "linearPercentage", "linearInterval"),
}


@codedeploy.operation
async def create_deployment_config(
    call: Call,
    deploymentConfigName: str,
    trafficRoutingConfig: dict[str, Any] | None = None,
    computePlatform: str = "Server",
) -> dict[str, Any]:
    """Make a configuration for functions."""
    if computePlatform != "Lambda":
        raise aws_error("InvalidComputePlatformException", "Kumoi's codedeploy deploys functions: use Lambda.")
    kind = str((trafficRoutingConfig or {}).get("type", "AllAtOnce"))
    percentage, minutes = 100, 0
    if kind in _MEMBERS:
        member, share, interval = _MEMBERS[kind]
        told = (trafficRoutingConfig or {}).get(member) or {}
        percentage, minutes = int(told.get(share, 0)), int(told.get(interval, 0))
        if not 0 < percentage < 100 or not 0 < minutes <= 2880:
            raise aws_error(
                "InvalidTrafficRoutingConfigurationException",
                f"{share} must be between 1 and 99 percent, {interval} between 1 and 2880 minutes",
            )
    made = Configuration(
        name=deploymentConfigName, id=uuid(), created=call.now, kind=kind, percentage=percentage, minutes=minutes
    )
    await _add(call.state, made)
    return {"deploymentConfigId": made.id}


@codedeploy.operation
async def get_deployment_config(call: Call, deploymentConfigName: str) -> dict[str, Any]:
    """A configuration."""
    found = await find_configuration(call.state, deploymentConfigName)
    routing: dict[str, Any] = {"type": found.kind}
    if found.kind in _MEMBERS:
        member, share, interval = _MEMBERS[found.kind]
        routing[member] = {share: found.percentage, interval: found.minutes}
    return {
        "deploymentConfigInfo": {
            "deploymentConfigId": found.id,
            "deploymentConfigName": found.name,
            "createTime": datetime.fromtimestamp(found.created, UTC),
            "computePlatform": "Lambda",
            "trafficRoutingConfig": routing,
        }
    }


@codedeploy.operation
async def list_deployment_configs(call: Call, nextToken: str | None = None) -> dict[str, Any]:
    """The names of configurations, AWS's own first."""
    return {"deploymentConfigsList": [*PREDEFINED, *(one.name for one in await _all(call.state))]}


@codedeploy.operation
async def delete_deployment_config(call: Call, deploymentConfigName: str) -> None:
    """Delete a configuration of a user's."""
    if predefined(deploymentConfigName) is not None:
        raise aws_error("InvalidOperationException", "A predefined deployment configuration cannot be deleted")
    await _remove(call.state, deploymentConfigName)


@transactional
async def find_configuration(tx: Transaction, name: str) -> Configuration:
    """The configuration of a name; DeploymentConfigDoesNotExistException."""
    found = predefined(name) or await configurations.get(tx, name)
    if found is None:
        raise aws_error("DeploymentConfigDoesNotExistException", f"No Deployment Configuration found for name: {name}")
    return found


@transactional
async def _add(tx: Transaction, made: Configuration) -> None:
    if predefined(made.name) is not None or await configurations.get(tx, made.name) is not None:
        raise aws_error(
            "DeploymentConfigAlreadyExistsException", f"Deployment Configuration already exists: {made.name}"
        )
    await configurations.put(tx, made)


@transactional
async def _all(tx: Transaction) -> list[Configuration]:
    return await configurations.list(tx)


@transactional
async def _remove(tx: Transaction, name: str) -> None:
    await configurations.delete(tx, name)
