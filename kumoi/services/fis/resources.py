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
    if stated.get("ExperimentReportConfiguration"):
        given["experimentReportConfiguration"] = _report(stated["ExperimentReportConfiguration"])
    return given


def _report(stated: dict[str, Any]) -> dict[str, Any]:
    """A report configuration, whose output is called otherwise in templates."""
    report: dict[str, Any] = _lowered(stated)
    outputs = report.get("outputs")
    if isinstance(outputs, dict) and "experimentReportS3Configuration" in outputs:
        report["outputs"] = {"s3Configuration": outputs["experimentReportS3Configuration"]}
    return report


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


async def _create_account(call: ResourceCall) -> Resource:
    call.required("AccountId", "ExperimentTemplateId", "RoleArn")
    given = _account(call)
    await call.ask("fis", "CreateTargetAccountConfiguration", clientToken=call.token, **given)
    return Resource(f"{given['experimentTemplateId']}|{given['accountId']}")


async def _update_account(call: ResourceCall) -> Resource:
    await call.ask("fis", "UpdateTargetAccountConfiguration", **_account(call))
    return Resource(call.physical_id)


async def _delete_account(call: ResourceCall) -> None:
    template, _, account = call.physical_id.partition("|")
    await call.ask("fis", "DeleteTargetAccountConfiguration", experimentTemplateId=template, accountId=account)


def _account(call: ResourceCall) -> dict[str, Any]:
    return {name: str(value) for name, value in _lowered(dict(call.properties)).items()}


RESOURCES = (
    ResourceType("AWS::FIS::ExperimentTemplate", _create, _delete, _update),
    ResourceType(
        "AWS::FIS::TargetAccountConfiguration",
        _create_account,
        _delete_account,
        _update_account,
        replaced_by=frozenset({"AccountId", "ExperimentTemplateId"}),
    ),
)
