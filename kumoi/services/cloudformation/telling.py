"""Stacks and their resources as the API tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from kumoi.services.cloudformation.records import Source, Stack, StackResource
from kumoi.services.cloudformation.template.parameters import HIDDEN


def describe(stack: Stack) -> dict[str, Any]:
    """A stack as DescribeStacks answers it."""
    declared = orjson.loads(stack.source.processed).get("Parameters", {})
    answer: dict[str, Any] = {
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": moment(stack.created),
        "StackStatus": stack.status,
        "DisableRollback": stack.on_failure == "DO_NOTHING",
        "RollbackConfiguration": {},
        "EnableTerminationProtection": stack.protected,
        "DriftInformation": {"StackDriftStatus": stack.drift, **_checked(stack.drift_checked)},
        "Capabilities": list(stack.source.capabilities),
        "NotificationARNs": list(stack.notifications),
        "Tags": [{"Key": key, "Value": value} for key, value in stack.source.tags.items()],
        "Parameters": parameters_of(declared, stack.source),
        "Outputs": [
            {
                "OutputKey": one.key,
                "OutputValue": one.value,
                **({"Description": one.description} if one.description else {}),
                **({"ExportName": one.export} if one.export else {}),
            }
            for one in stack.outputs
        ],
    }
    optional = {
        "StackStatusReason": stack.reason,
        "LastUpdatedTime": moment(stack.updated),
        "DeletionTime": moment(stack.deleted),
        "Description": orjson.loads(stack.source.processed).get("Description"),
        "RoleARN": stack.role,
        "ParentId": stack.parent,
        "RootId": stack.root,
        "ChangeSetId": stack.change_set,
    }
    return answer | {name: value for name, value in optional.items() if value}


def parameters_of(declared: dict[str, Any], source: Source) -> list[dict[str, str]]:
    """The parameters of a source as the API tells them, secrets hidden."""
    told = []
    for name, declaration in declared.items():
        value = str(source.parameters.get(name, declaration.get("Default", "")))
        hidden = str(declaration.get("NoEcho", "false")).lower() == "true"
        entry = {"ParameterKey": name, "ParameterValue": HIDDEN if hidden else value}
        if name in source.looked_up:
            entry["ResolvedValue"] = source.looked_up[name]
        told.append(entry)
    return told


def summary(stack: Stack) -> dict[str, Any]:
    """A stack as ListStacks answers it."""
    whole = describe(stack)
    wanted = ("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus")
    told = {name: whole[name] for name in (*wanted, "StackStatusReason", "ParentId", "RootId") if name in whole}
    return told | {"DriftInformation": whole["DriftInformation"]}


def resource_of(resource: StackResource) -> dict[str, Any]:
    """A resource as DescribeStackResources answers it."""
    told: dict[str, Any] = {
        "LogicalResourceId": resource.name,
        "ResourceType": resource.type,
        "Timestamp": moment(resource.when),
        "ResourceStatus": resource.status,
        "DriftInformation": {"StackResourceDriftStatus": resource.drift, **_checked(resource.drift_checked)},
    }
    if resource.made is not None:
        told["PhysicalResourceId"] = resource.made.physical_id
    if resource.reason:
        told["ResourceStatusReason"] = resource.reason
    return told


def _checked(when: float | None) -> dict[str, Any]:
    return {} if when is None else {"LastCheckTimestamp": moment(when)}


def moment(when: float | None) -> datetime | None:
    """An epoch time as the API shows it."""
    return None if when is None else datetime.fromtimestamp(round(when, 3), UTC)
