"""FIS's CloudFormation resource type. Source: "AWS Fault Injection Service resource type reference"."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType


def _lowered(value: Any) -> Any:
    """Members as the API has them: the same names, beginning small."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lowered(one) for name, one in value.items()}
    return [_lowered(one) for one in value] if isinstance(value, list) else value


def _texts(value: Any) -> dict[str, str]:
    return {str(name): str(one) for name, one in (value or {}).items()}


def _template(call: ResourceCall) -> dict[str, Any]:
    """The members of a template; names of targets, actions, parameters and tags stay as they are spelled."""
    stated = call.properties
    targets, actions = {}, {}
    for name, target in (stated.get("Targets") or {}).items():
        targets[name] = _lowered(target)
        for member in ("resourceTags", "parameters"):
            if member in targets[name]:
                targets[name][member] = _texts(target[member[:1].upper() + member[1:]])
    for name, action in stated["Actions"].items():
        actions[name] = _lowered(action)
        for member in ("parameters", "targets"):
            if member in actions[name]:
                actions[name][member] = _texts(action[member[:1].upper() + member[1:]])
    given: dict[str, Any] = {
        "description": stated["Description"],
        "roleArn": stated["RoleArn"],
        "stopConditions": _lowered(stated["StopConditions"]),
        "targets": targets,
        "actions": actions,
    }
    if stated.get("LogConfiguration"):
        given["logConfiguration"] = _lowered(stated["LogConfiguration"])
        given["logConfiguration"]["logSchemaVersion"] = int(given["logConfiguration"]["logSchemaVersion"])
    if stated.get("ExperimentOptions"):
        given["experimentOptions"] = _lowered(stated["ExperimentOptions"])
    return given


async def _create(call: ResourceCall) -> Resource:
    call.required("Actions", "Description", "RoleArn", "StopConditions", "Targets")
    made = await call.ask(
        "fis", "CreateExperimentTemplate", clientToken=call.token, tags=call.all_tags(), **_template(call)
    )
    name = made["experimentTemplate"]["id"]
    return Resource(name, {"Id": name})


async def _update(call: ResourceCall) -> Resource:
    given = _template(call)
    if "experimentOptions" in given:
        given["experimentOptions"].pop("accountTargeting", None)
    await call.ask("fis", "UpdateExperimentTemplate", id=call.physical_id, **given)
    return Resource(call.physical_id, call.attributes)


async def _delete(call: ResourceCall) -> None:
    await call.ask("fis", "DeleteExperimentTemplate", id=call.physical_id)


RESOURCES = (ResourceType("AWS::FIS::ExperimentTemplate", _create, _delete, _update),)
