"""Deployment groups: which configuration, role and rollback the deployments of an application have."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.codedeploy import codedeploy
from kumoi.services.codedeploy.operations.applications import find_application, tags_of
from kumoi.services.codedeploy.operations.configurations import find_configuration
from kumoi.services.codedeploy.records import Group, groups
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

ALL_AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"


@codedeploy.operation
async def create_deployment_group(
    call: Call,
    applicationName: str,
    deploymentGroupName: str,
    serviceRoleArn: str,
    deploymentConfigName: str = ALL_AT_ONCE,
    triggerConfigurations: list[dict[str, Any]] | None = None,
    alarmConfiguration: dict[str, Any] | None = None,
    autoRollbackConfiguration: dict[str, Any] | None = None,
    deploymentStyle: dict[str, Any] | None = None,
    outdatedInstancesStrategy: str | None = None,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Make a group; triggers, and what concerns servers, are kept without effect."""
    await find_application(call.state, applicationName)
    await find_configuration(call.state, deploymentConfigName)
    made = Group(
        application=applicationName,
        name=deploymentGroupName,
        id=uuid(),
        config=deploymentConfigName,
        role=serviceRoleArn,
        rollback=events_of(autoRollbackConfiguration),
        tags=tags_of(tags or []),
        stated=_stated(triggerConfigurations, alarmConfiguration, deploymentStyle, outdatedInstancesStrategy),
    )
    await _add(call.state, made)
    return {"deploymentGroupId": made.id}


@codedeploy.operation
async def update_deployment_group(
    call: Call,
    applicationName: str,
    currentDeploymentGroupName: str,
    newDeploymentGroupName: str | None = None,
    deploymentConfigName: str | None = None,
    serviceRoleArn: str | None = None,
    triggerConfigurations: list[dict[str, Any]] | None = None,
    alarmConfiguration: dict[str, Any] | None = None,
    autoRollbackConfiguration: dict[str, Any] | None = None,
    deploymentStyle: dict[str, Any] | None = None,
    outdatedInstancesStrategy: str | None = None,
) -> dict[str, Any]:
    """Change what is given."""
    found = await find_group(call.state, applicationName, currentDeploymentGroupName)
    changes: dict[str, Any] = {
        "stated": found.stated
        | _stated(triggerConfigurations, alarmConfiguration, deploymentStyle, outdatedInstancesStrategy)
    }
    if deploymentConfigName is not None:
        await find_configuration(call.state, deploymentConfigName)
        changes["config"] = deploymentConfigName
    if serviceRoleArn is not None:
        changes["role"] = serviceRoleArn
    if autoRollbackConfiguration is not None:
        changes["rollback"] = events_of(autoRollbackConfiguration)
    if newDeploymentGroupName is not None:
        changes["name"] = newDeploymentGroupName
    await _replace(call.state, found, msgspec.structs.replace(found, **changes))
    return {}


@codedeploy.operation
async def get_deployment_group(call: Call, applicationName: str, deploymentGroupName: str) -> dict[str, Any]:
    """A group."""
    await find_application(call.state, applicationName)
    found = await find_group(call.state, applicationName, deploymentGroupName)
    told: dict[str, Any] = {
        "applicationName": found.application,
        "deploymentGroupId": found.id,
        "deploymentGroupName": found.name,
        "deploymentConfigName": found.config,
        "serviceRoleArn": found.role,
        "autoRollbackConfiguration": {"enabled": bool(found.rollback), "events": list(found.rollback)},
        "computePlatform": "Lambda",
        "outdatedInstancesStrategy": "UPDATE",
        **found.stated,
    }
    return {"deploymentGroupInfo": told}


@codedeploy.operation
async def list_deployment_groups(call: Call, applicationName: str, nextToken: str | None = None) -> dict[str, Any]:
    """The names of an application's groups."""
    await find_application(call.state, applicationName)
    found = await _all(call.state, applicationName)
    return {"applicationName": applicationName, "deploymentGroups": [one.name for one in found]}


@codedeploy.operation
async def delete_deployment_group(call: Call, applicationName: str, deploymentGroupName: str) -> dict[str, Any]:
    """Delete a group; nothing when there is none."""
    await _remove(call.state, applicationName, deploymentGroupName)
    return {"hooksNotCleanedUp": []}


def events_of(stated: dict[str, Any] | None) -> tuple[str, ...]:
    """The events that traffic is shifted back at."""
    return tuple((stated or {}).get("events") or ()) if (stated or {}).get("enabled") else ()


def alarms_of(stated: dict[str, Any] | None) -> tuple[str, ...]:
    """The alarms that end a deployment."""
    if not (stated or {}).get("enabled"):
        return ()
    return tuple(str(one["name"]) for one in (stated or {}).get("alarms") or () if one.get("name"))


def _stated(triggers: Any, alarms: Any, style: Any, outdated: Any) -> dict[str, Any]:
    given = {
        "triggerConfigurations": triggers,
        "alarmConfiguration": alarms,
        "deploymentStyle": style,
        "outdatedInstancesStrategy": outdated,
    }
    return {name: value for name, value in given.items() if value is not None}


@transactional
async def find_group(tx: Transaction, application: str, name: str) -> Group:
    """The group of a name; DeploymentGroupDoesNotExistException."""
    found = await groups.get(tx, application, name)
    if found is None:
        raise aws_error("DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}")
    return found


@transactional
async def _add(tx: Transaction, made: Group) -> None:
    if await groups.get(tx, made.application, made.name) is not None:
        raise aws_error("DeploymentGroupAlreadyExistsException", f"Deployment Group already exists: {made.name}")
    await groups.put(tx, made)


@transactional
async def _replace(tx: Transaction, before: Group, after: Group) -> None:
    if before.name != after.name:
        if await groups.get(tx, after.application, after.name) is not None:
            raise aws_error("DeploymentGroupAlreadyExistsException", f"Deployment Group already exists: {after.name}")
        await groups.delete(tx, before.application, before.name)
    await groups.put(tx, after)


@transactional
async def _all(tx: Transaction, application: str) -> list[Group]:
    return await groups.list(tx, application)


@transactional
async def _remove(tx: Transaction, application: str, name: str) -> None:
    await groups.delete(tx, application, name)
