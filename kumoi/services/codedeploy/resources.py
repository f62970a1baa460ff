"""CodeDeploy's CloudFormation resource types. Source: "AWS CodeDeploy resource type reference"."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType


def _lowered(value: Any) -> Any:
    """Properties as the API has them: the same names, beginning small; texts of booleans as booleans."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lowered(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_lowered(one) for one in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _application_name(call: ResourceCall) -> str:
    return call.name("ApplicationName", 100)


async def _create_application(call: ResourceCall) -> Resource:
    name = _application_name(call)
    platform = call.properties.get("ComputePlatform", "Server")
    await call.ask("codedeploy", "CreateApplication", applicationName=name, computePlatform=platform)
    return Resource(name)


async def _delete_application(call: ResourceCall) -> None:
    await call.ask("codedeploy", "DeleteApplication", applicationName=call.physical_id)


def _group_name(call: ResourceCall) -> str:
    return call.name("DeploymentGroupName", 100)


_GROUP = (
    *("DeploymentConfigName", "ServiceRoleArn", "TriggerConfigurations", "AlarmConfiguration"),
    *("AutoRollbackConfiguration", "DeploymentStyle"),
)


async def _create_group(call: ResourceCall) -> Resource:
    call.required("ApplicationName", "ServiceRoleArn")
    name, application = _group_name(call), call.properties["ApplicationName"]
    settings = _lowered(call.given(*_GROUP))
    await call.ask(
        "codedeploy", "CreateDeploymentGroup", applicationName=application, deploymentGroupName=name, **settings
    )
    return Resource(name)


async def _update_group(call: ResourceCall) -> Resource:
    await call.ask(
        "codedeploy",
        "UpdateDeploymentGroup",
        applicationName=call.properties["ApplicationName"],
        currentDeploymentGroupName=call.physical_id,
        **_lowered(call.given(*_GROUP)),
    )
    return Resource(call.physical_id)


async def _delete_group(call: ResourceCall) -> None:
    application = call.properties["ApplicationName"]
    await call.ask(
        "codedeploy", "DeleteDeploymentGroup", applicationName=application, deploymentGroupName=call.physical_id
    )


def _config_name(call: ResourceCall) -> str:
    return call.name("DeploymentConfigName", 100)


async def _create_config(call: ResourceCall) -> Resource:
    name = _config_name(call)
    routing = _lowered(call.properties.get("TrafficRoutingConfig"))
    await call.ask(
        "codedeploy",
        "CreateDeploymentConfig",
        deploymentConfigName=name,
        trafficRoutingConfig=routing,
        computePlatform=call.properties.get("ComputePlatform", "Server"),
    )
    return Resource(name)


async def _delete_config(call: ResourceCall) -> None:
    await call.ask("codedeploy", "DeleteDeploymentConfig", deploymentConfigName=call.physical_id)


RESOURCES = (
    ResourceType("AWS::CodeDeploy::Application", _create_application, _delete_application, expected=_application_name),
    ResourceType(
        "AWS::CodeDeploy::DeploymentGroup",
        _create_group,
        _delete_group,
        _update_group,
        replaced_by=frozenset(("ApplicationName", "DeploymentGroupName")),
        expected=_group_name,
    ),
    ResourceType("AWS::CodeDeploy::DeploymentConfig", _create_config, _delete_config, expected=_config_name),
)
