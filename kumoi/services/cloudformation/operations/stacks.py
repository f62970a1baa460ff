"""Stacks: create, update, delete, describe; their resources, exports and settings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.deployment import Deployment
from kumoi.services.cloudformation.engine import Engine, note_place
from kumoi.services.cloudformation.journal import set_status
from kumoi.services.cloudformation.lookup import all_stacks, find_stack, known_stack, no_stack, resources_of
from kumoi.services.cloudformation.planning import plan
from kumoi.services.cloudformation.records import NamedStack, Source, Stack, StackResource, names, stacks
from kumoi.services.cloudformation.scope import exports_of, scope_of, wanted_resources
from kumoi.services.cloudformation.sources import source_of, template_text
from kumoi.services.cloudformation.template.intrinsics import Unresolved
from kumoi.services.cloudformation.template.parameters import HIDDEN
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

NOTHING_TO_DO = "No updates are to be performed."
UPDATABLE = frozenset(
    (
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "CREATE_FAILED",
        "UPDATE_FAILED",
    )
)


@cloudformation.operation
async def create_stack(
    call: Call,
    StackName: str,
    TemplateBody: str | None = None,
    TemplateURL: str | None = None,
    Parameters: list[dict[str, Any]] | None = None,
    DisableRollback: bool | None = None,
    RollbackConfiguration: dict[str, Any] | None = None,
    TimeoutInMinutes: int | None = None,
    NotificationARNs: list[str] | None = None,
    Capabilities: list[str] | None = None,
    ResourceTypes: list[str] | None = None,
    RoleARN: str | None = None,
    OnFailure: str | None = None,
    StackPolicyBody: str | None = None,
    Tags: list[dict[str, str]] | None = None,
    ClientRequestToken: str | None = None,
    EnableTerminationProtection: bool = False,
) -> dict[str, Any]:
    """Make a stack; it is often complete when this answers."""
    if DisableRollback is not None and OnFailure is not None:
        raise aws_error("ValidationError", "You can specify either DisableRollback or OnFailure, but not both.")
    text = await template_text(call, TemplateBody, TemplateURL)
    source = await source_of(call, text, Parameters, Tags, Capabilities)
    stack = new_stack(
        call,
        StackName,
        "CREATE_IN_PROGRESS",
        source,
        on_failure=OnFailure or ("DO_NOTHING" if DisableRollback else "ROLLBACK"),
        protected=EnableTerminationProtection,
        role=RoleARN,
        notifications=tuple(NotificationARNs or ()),
        policy=StackPolicyBody,
    )
    await add_stack(call, stack, "User Initiated")
    await call.part(Engine).run(stack, Deployment.create)
    return {"StackId": stack.id}


def new_stack(call: Call, name: str, status: str, source: Source, **settings: Any) -> Stack:
    """The record of a stack that begins."""
    return Stack(
        id=call.arn("cloudformation", f"stack/{name}/{uuid()}"),
        name=name,
        account=call.account,
        region=call.region,
        status=status,
        created=call.now,
        source=source,
        wanted=source,
        **settings,
    )


async def add_stack(call: Call, stack: Stack, reason: str | None) -> None:
    """Store a new stack under its name; AlreadyExistsException when the name is taken."""
    await _claim(call.state, stack)
    await set_status(call.state, stack, stack.status, call.now, reason)


@transactional
async def _claim(tx: Transaction, stack: Stack) -> None:
    if await names.get(tx, stack.name) is not None:
        raise aws_error("AlreadyExistsException", f"Stack [{stack.name}] already exists")
    await names.put(tx, NamedStack(stack.name, stack.id))
    await stacks.put(tx, stack)
    await note_place(tx)


@cloudformation.operation
async def update_stack(
    call: Call,
    StackName: str,
    TemplateBody: str | None = None,
    TemplateURL: str | None = None,
    UsePreviousTemplate: bool = False,
    StackPolicyDuringUpdateBody: str | None = None,
    Parameters: list[dict[str, Any]] | None = None,
    Capabilities: list[str] | None = None,
    ResourceTypes: list[str] | None = None,
    RoleARN: str | None = None,
    RollbackConfiguration: dict[str, Any] | None = None,
    StackPolicyBody: str | None = None,
    NotificationARNs: list[str] | None = None,
    Tags: list[dict[str, str]] | None = None,
    DisableRollback: bool | None = None,
    ClientRequestToken: str | None = None,
) -> dict[str, Any]:
    """Change a stack; ValidationError when that would change nothing."""
    stack = await find_stack(call.state, StackName, bracketed=True)
    check_updatable(stack)
    text = stack.source.template if UsePreviousTemplate else await template_text(call, TemplateBody, TemplateURL)
    source = await source_of(call, text, Parameters, Tags, Capabilities, stack.source)
    if not await changes_of(call, stack, source) and not _outputs_differ(stack.source, source):
        raise aws_error("ValidationError", NOTHING_TO_DO)
    stack = await set_status(call.state, stack, "UPDATE_IN_PROGRESS", call.now, "User Initiated", wanted=source)
    await call.part(Engine).run(stack, Deployment.update)
    return {"StackId": stack.id}


def check_updatable(stack: Stack) -> None:
    """Refuse to change a stack that something is under way for, or that failed to be made."""
    if stack.status not in UPDATABLE:
        raise aws_error("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated.")


async def changes_of(call: Call, stack: Stack, source: Source) -> list[dict[str, Any]]:
    """What a source would change, as DescribeChangeSet tells it."""
    existing = {one.name: one for one in await resources_of(call.state, stack.id)}
    template = orjson.loads(source.processed)

    def reference(name: str) -> Any:
        made = existing[name].made if name in existing else None
        if made is None:
            raise Unresolved(name)
        return made.physical_id if made.ref is None else made.ref

    def attribute(name: str, wanted: str) -> Any:
        made = existing[name].made if name in existing else None
        if made is None or wanted not in made.attributes:
            raise Unresolved(name)
        return made.attributes[wanted]

    scope = scope_of(stack, source, template, await exports_of(call.state), reference, attribute)
    wanted = wanted_resources(template, scope)
    return [change.told() for change in plan(wanted, existing, call.doorway.registry.resource_types, scope)]


def _outputs_differ(before: Source, after: Source) -> bool:
    return bool(
        orjson.loads(before.processed).get("Outputs") != orjson.loads(after.processed).get("Outputs")
        or before.tags != after.tags
    )


@cloudformation.operation
async def delete_stack(
    call: Call,
    StackName: str,
    RetainResources: list[str] | None = None,
    RoleARN: str | None = None,
    ClientRequestToken: str | None = None,
    DeletionMode: str | None = None,
) -> None:
    """Delete a stack with its resources; nothing happens when there is no such stack."""
    stack = await known_stack(call.state, StackName)
    if stack is None or stack.deleted is not None:
        return
    if stack.protected:
        raise aws_error(
            "ValidationError", f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        )
    await _check_exports_unused(call, stack)
    await call.part(Engine).ended(stack.id)
    stack = await find_stack(call.state, stack.id)
    stack = await set_status(call.state, stack, "DELETE_IN_PROGRESS", call.now, "User Initiated")
    await call.part(Engine).run(stack, Deployment.delete)


async def _check_exports_unused(call: Call, stack: Stack) -> None:
    exported = {output.export for output in stack.outputs if output.export}
    if not exported:
        return
    for other in await all_stacks(call.state):
        used = exported & set(other.imports)
        if other.deleted is None and other.id != stack.id and used:
            raise aws_error(
                "ValidationError", f"Export {sorted(used)[0]} cannot be deleted as it is in use by {other.name}"
            )


@cloudformation.operation
async def describe_stacks(call: Call, StackName: str | None = None, NextToken: str | None = None) -> dict[str, Any]:
    """One stack, or all that are not deleted."""
    if StackName is not None:
        return {"Stacks": [describe(await find_stack(call.state, StackName))]}
    found = [one for one in await all_stacks(call.state) if one.deleted is None]
    found.sort(key=lambda stack: -stack.created)
    return {"Stacks": [describe(stack) for stack in found]}


@cloudformation.operation
async def list_stacks(
    call: Call, NextToken: str | None = None, StackStatusFilter: list[str] | None = None
) -> dict[str, Any]:
    """Summaries of all stacks, deleted ones too."""
    found = [one for one in await all_stacks(call.state) if not StackStatusFilter or one.status in StackStatusFilter]
    found.sort(key=lambda stack: -stack.created)
    return {"StackSummaries": [_summary(stack) for stack in found]}


@cloudformation.operation
async def describe_stack_resource(call: Call, StackName: str, LogicalResourceId: str) -> dict[str, Any]:
    """One resource of a stack."""
    stack = await find_stack(call.state, StackName, bracketed=True)
    for resource in await resources_of(call.state, stack.id):
        if resource.name == LogicalResourceId:
            detail = _resource(resource)
            detail["LastUpdatedTimestamp"] = detail.pop("Timestamp")
            return {"StackResourceDetail": {"StackName": stack.name, "StackId": stack.id, **detail}}
    raise aws_error("ValidationError", f"Resource {LogicalResourceId} does not exist for stack {stack.name}")


@cloudformation.operation
async def describe_stack_resources(
    call: Call,
    StackName: str | None = None,
    LogicalResourceId: str | None = None,
    PhysicalResourceId: str | None = None,
) -> dict[str, Any]:
    """The resources of a stack, or of the stack that a physical resource belongs to."""
    if StackName is not None:
        found = [await find_stack(call.state, StackName)]
    elif PhysicalResourceId is not None:
        found = [one for one in await all_stacks(call.state) if one.deleted is None]
    else:
        raise aws_error("ValidationError", "Either StackName or PhysicalResourceId must be specified.")
    told: list[dict[str, Any]] = []
    for stack in found:
        owned = [
            {"StackName": stack.name, "StackId": stack.id, **_resource(one)}
            for one in await resources_of(call.state, stack.id)
        ]
        if PhysicalResourceId is None or any(one.get("PhysicalResourceId") == PhysicalResourceId for one in owned):
            told += owned
    if StackName is None and not told:
        raise no_stack(str(PhysicalResourceId))
    return {"StackResources": [one for one in told if LogicalResourceId in (None, one["LogicalResourceId"])]}


@cloudformation.operation
async def list_stack_resources(call: Call, StackName: str, NextToken: str | None = None) -> dict[str, Any]:
    """Summaries of a stack's resources."""
    stack = await find_stack(call.state, StackName)
    summaries = []
    for resource in await resources_of(call.state, stack.id):
        summary = _resource(resource)
        summary["LastUpdatedTimestamp"] = summary.pop("Timestamp")
        summaries.append(summary)
    return {"StackResourceSummaries": summaries}


@cloudformation.operation
async def update_termination_protection(
    call: Call, EnableTerminationProtection: bool, StackName: str
) -> dict[str, Any]:
    """Have a stack refuse to be deleted, or not."""
    return {"StackId": await _change(call.state, StackName, {"protected": EnableTerminationProtection})}


@cloudformation.operation
async def set_stack_policy(
    call: Call, StackName: str, StackPolicyBody: str | None = None, StackPolicyURL: str | None = None
) -> None:
    """Keep a stack policy; it has no effect."""
    await _change(call.state, StackName, {"policy": StackPolicyBody})


@cloudformation.operation
async def get_stack_policy(call: Call, StackName: str) -> dict[str, Any]:
    """The stack policy that is kept."""
    stack = await find_stack(call.state, StackName)
    return {"StackPolicyBody": stack.policy} if stack.policy else {}


@cloudformation.operation
async def list_exports(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """What stacks export."""
    return {
        "Exports": [
            {"ExportingStackId": stack.id, "Name": output.export, "Value": output.value}
            for stack in await all_stacks(call.state)
            if stack.deleted is None
            for output in stack.outputs
            if output.export
        ]
    }


@cloudformation.operation
async def list_imports(call: Call, ExportName: str, NextToken: str | None = None) -> dict[str, Any]:
    """The stacks that import a value."""
    found = [one.name for one in await all_stacks(call.state) if one.deleted is None and ExportName in one.imports]
    if not found:
        raise aws_error("ValidationError", f"Export '{ExportName}' is not imported by any stack.")
    return {"Imports": found}


@transactional
async def _change(tx: Transaction, name: str, changes: dict[str, Any]) -> str:
    stack = await find_stack(tx, name)
    await stacks.put(tx, msgspec.structs.replace(stack, **changes))
    return stack.id


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
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
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


def _summary(stack: Stack) -> dict[str, Any]:
    whole = describe(stack)
    wanted = ("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus")
    summary = {name: whole[name] for name in (*wanted, "StackStatusReason", "ParentId") if name in whole}
    return summary | {"DriftInformation": whole["DriftInformation"]}


def _resource(resource: StackResource) -> dict[str, Any]:
    told: dict[str, Any] = {
        "LogicalResourceId": resource.name,
        "ResourceType": resource.type,
        "Timestamp": moment(resource.when),
        "ResourceStatus": resource.status,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
    if resource.made is not None:
        told["PhysicalResourceId"] = resource.made.physical_id
    if resource.reason:
        told["ResourceStatusReason"] = resource.reason
    return told


def moment(when: float | None) -> datetime | None:
    """An epoch time as the API shows it."""
    return None if when is None else datetime.fromtimestamp(round(when, 3), UTC)
