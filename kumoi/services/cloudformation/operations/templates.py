"""Templates: get a stack's, summarise and validate others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.doorway.resource_types import ResourceType
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.lookup import find_stack
from kumoi.services.cloudformation.records import change_sets
from kumoi.services.cloudformation.sources import parsed, template_text
from kumoi.services.cloudformation.template.graph import dependencies
from kumoi.services.cloudformation.template.parsing import check_resources
from kumoi.services.cloudformation.transforms import named_transforms, transform
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@cloudformation.operation
async def get_template(
    call: Call, StackName: str | None = None, ChangeSetName: str | None = None, TemplateStage: str = "Original"
) -> dict[str, Any]:
    """The template a stack was made from, as it was sent or after its transforms."""
    if StackName is None:
        raise aws_error("ValidationError", "StackName is required if ChangeSetName is not specified.")
    stack = await find_stack(call.state, StackName)
    source = stack.source
    if ChangeSetName is not None:
        source = await _source_of_change_set(call.state, stack.id, ChangeSetName)
    processed = TemplateStage == "Processed"
    return {
        "TemplateBody": source.processed if processed else source.template,
        "StagesAvailable": ["Original", "Processed"],
    }


@transactional
async def _source_of_change_set(tx: Transaction, stack_id: str, name: str) -> Any:
    found = await change_sets.get(tx, stack_id, name.split("/")[1] if name.startswith("arn:") else name)
    if found is None:
        raise aws_error("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")
    return found.source


@cloudformation.operation
async def get_template_summary(
    call: Call,
    TemplateBody: str | None = None,
    TemplateURL: str | None = None,
    StackName: str | None = None,
    StackSetName: str | None = None,
    TemplateSummaryConfig: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What a template declares, and which capabilities it needs."""
    if StackName is not None:
        text = (await find_stack(call.state, StackName)).source.template
    else:
        text = await template_text(call, TemplateBody, TemplateURL)
    template = await parsed(text)
    summary = _declared(template)
    if "Transform" not in template:
        check_resources(template)
    summary["ResourceTypes"] = sorted(
        {str(one["Type"]) for one in template.get("Resources", {}).values() if isinstance(one, dict) and "Type" in one}
    )
    types = await asyncio.to_thread(lambda: call.doorway.registry.resource_types)
    summary["ResourceIdentifierSummaries"] = _identifiers(template.get("Resources", {}), types)
    if "Metadata" in template:
        summary["Metadata"] = orjson.dumps(template["Metadata"]).decode()
    if "AWSTemplateFormatVersion" in template:
        summary["Version"] = str(template["AWSTemplateFormatVersion"])
    return summary


def _identifiers(resources: Mapping[str, Any], types: Mapping[str, ResourceType]) -> list[dict[str, Any]]:
    """By what resources of importable types are identified."""
    named: dict[str, list[str]] = {}
    for name, one in resources.items():
        kind = one.get("Type") if isinstance(one, dict) else None
        if isinstance(kind, str) and kind in types and types[kind].identifier:
            named.setdefault(kind, []).append(name)
    return [
        {"ResourceType": kind, "LogicalResourceIds": names, "ResourceIdentifiers": [types[kind].identifier]}
        for kind, names in sorted(named.items())
    ]


@cloudformation.operation
async def validate_template(
    call: Call, TemplateBody: str | None = None, TemplateURL: str | None = None
) -> dict[str, Any]:
    """Whether a template is one, and what it declares."""
    template = await parsed(await template_text(call, TemplateBody, TemplateURL))
    if "Transform" not in template:
        check_resources(template)
        dependencies(template["Resources"])
    summary = _declared(template)
    for parameter in summary["Parameters"]:
        parameter.pop("ParameterType", None)
        parameter.pop("ParameterConstraints", None)
    return summary


@cloudformation.operation
async def estimate_template_cost(
    call: Call,
    TemplateBody: str | None = None,
    TemplateURL: str | None = None,
    Parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Where costs are shown; they are not estimated from templates."""
    await transform(call, await parsed(await template_text(call, TemplateBody, TemplateURL)), {})
    return {"Url": f"{call.doorway.endpoint}/_kumoi/info"}


def _declared(template: dict[str, Any]) -> dict[str, Any]:
    parameters = []
    for name, declaration in template.get("Parameters", {}).items():
        told: dict[str, Any] = {
            "ParameterKey": name,
            "ParameterType": str(declaration.get("Type", "String")),
            "NoEcho": str(declaration.get("NoEcho", "false")).lower() == "true",
            "ParameterConstraints": {},
        }
        if "Default" in declaration:
            told["DefaultValue"] = str(declaration["Default"])
        if "Description" in declaration:
            told["Description"] = declaration["Description"]
        if "AllowedValues" in declaration:
            told["ParameterConstraints"] = {"AllowedValues": [str(one) for one in declaration["AllowedValues"]]}
        parameters.append(told)
    answer: dict[str, Any] = {"Parameters": parameters}
    if "Description" in template:
        answer["Description"] = template["Description"]
    iam = [
        one
        for one in template.get("Resources", {}).values()
        if isinstance(one, dict) and str(one.get("Type", "")).startswith("AWS::IAM::")
    ]
    if iam:
        named = any(name.endswith("Name") for one in iam for name in one.get("Properties") or ())
        answer["Capabilities"] = ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"]
        answer["CapabilitiesReason"] = "The following resource(s) require capabilities: [AWS::IAM]"
    transforms = [name for name, _ in named_transforms(template)]
    if transforms:
        answer["DeclaredTransforms"] = transforms
    return answer
