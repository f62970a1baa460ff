"""Actions and target types: what there is."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.fis import fis
from kumoi.services.fis.catalogue import ACTIONS, PARAMETERS, TARGETS, ActionKind
from kumoi.services.fis.paging import page
from kumoi.services.fis.rules import not_found


@fis.operation
async def list_actions(call: Call, maxResults: int | None = None, nextToken: str | None = None) -> dict[str, Any]:
    """Every action, those too that Kumoi cannot take."""
    shown, more = page(list(ACTIONS.values()), lambda one: one.id, nextToken, maxResults)
    return {"actions": [_told(call, one) for one in shown], **more}


@fis.operation
async def get_action(call: Call, id: str) -> dict[str, Any]:
    """An action with its parameters."""
    found = ACTIONS.get(id)
    if found is None:
        raise not_found(f"The action {id} does not exist.")
    parameters = {name: {"required": required} for name, required in found.parameters.items()}
    return {"action": {**_told(call, found), "parameters": parameters}}


@fis.operation
async def list_target_resource_types(
    call: Call, maxResults: int | None = None, nextToken: str | None = None
) -> dict[str, Any]:
    """Every type of targets."""
    shown, more = page(list(TARGETS.values()), lambda one: one.id, nextToken, maxResults)
    found = [{"resourceType": one.id, "description": one.description} for one in shown]
    return {"targetResourceTypes": found, **more}


@fis.operation
async def get_target_resource_type(call: Call, resourceType: str) -> dict[str, Any]:
    """A type of targets with its parameters."""
    found = TARGETS.get(resourceType)
    if found is None:
        raise not_found(f"The target resource type {resourceType} does not exist.")
    parameters = {
        name: {"description": told, "required": False} for name, told in PARAMETERS.get(resourceType, {}).items()
    }
    return {
        "targetResourceType": {
            "resourceType": found.id,
            "description": found.description,
            "parameters": parameters,
        }
    }


def _told(call: Call, one: ActionKind) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": one.id,
        "arn": call.arn("fis", f"action/{one.id}"),
        "description": one.description,
        "tags": {},
    }
    if one.targets:
        told["targets"] = {name: {"resourceType": kind} for name, kind in one.targets.items()}
    return told
