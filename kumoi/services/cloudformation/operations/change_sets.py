"""Change sets: what would change, kept until it is carried out or thrown away."""

from __future__ import annotations

from collections.abc import Container
from functools import partial
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.creation import add_stack, new_stack
from kumoi.services.cloudformation.deployment import Deployment
from kumoi.services.cloudformation.differences import changes_of, check_unclaimed, imports_of, outputs_or_tags_differ
from kumoi.services.cloudformation.engine import Engine, Run
from kumoi.services.cloudformation.journal import begin
from kumoi.services.cloudformation.lookup import find_stack, known_stack
from kumoi.services.cloudformation.operations.stacks import IMPORTABLE, UPDATABLE, check_updatable, rollback_disabled
from kumoi.services.cloudformation.records import ChangeSet, Stack, change_sets
from kumoi.services.cloudformation.sources import source_of, template_text
from kumoi.services.cloudformation.telling import moment, parameters_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


@cloudformation.operation
async def create_change_set(
    call: Call,
    StackName: str,
    ChangeSetName: str,
    TemplateBody: str | None = None,
    TemplateURL: str | None = None,
    UsePreviousTemplate: bool = False,
    Parameters: list[dict[str, Any]] | None = None,
    Capabilities: list[str] | None = None,
    ResourceTypes: list[str] | None = None,
    RoleARN: str | None = None,
    RollbackConfiguration: dict[str, Any] | None = None,
    NotificationARNs: list[str] | None = None,
    Tags: list[dict[str, str]] | None = None,
    ClientToken: str | None = None,
    Description: str | None = None,
    ChangeSetType: str = "UPDATE",
    ResourcesToImport: list[dict[str, Any]] | None = None,
    IncludeNestedStacks: bool | None = None,
    OnStackFailure: str | None = None,
    ImportExistingResources: bool | None = None,
    DeploymentConfig: dict[str, Any] | None = None,
    DisableValidation: bool | None = None,
) -> dict[str, Any]:
    """Work out what would change, for a stack that is there or one that is to be."""
    imports = ChangeSetType == "IMPORT"
    if imports != bool(ResourcesToImport):
        raise aws_error("ValidationError", "ResourcesToImport is for change sets of type IMPORT, which need it.")
    stack = await known_stack(call.state, StackName)
    if stack is not None and stack.deleted is not None:
        stack = None
    creates = ChangeSetType == "CREATE" or (imports and (stack is None or stack.status == "REVIEW_IN_PROGRESS"))
    if stack is None and not creates:
        raise aws_error("ValidationError", f"Stack [{StackName}] does not exist")
    if stack is not None and creates and stack.status != "REVIEW_IN_PROGRESS":
        raise aws_error(
            "ValidationError",
            f"Stack [{StackName}] already exists and cannot be created again with the changeSet [{ChangeSetName}].",
        )
    if stack is not None and not creates:
        check_updatable(stack, IMPORTABLE if imports else UPDATABLE)
    before = stack.source if stack is not None and not creates else None
    text = before.template if UsePreviousTemplate and before else await template_text(call, TemplateBody, TemplateURL)
    source = await source_of(call, text, Parameters, Tags, Capabilities, before)
    if stack is None:
        stack = new_stack(call, StackName, "REVIEW_IN_PROGRESS", source)
        await add_stack(call, stack, "User Initiated")
    made = ChangeSet(
        id=call.arn("cloudformation", f"changeSet/{ChangeSetName}/{uuid()}"),
        name=ChangeSetName,
        stack=stack.id,
        kind=ChangeSetType,
        status="CREATE_COMPLETE",
        execution="AVAILABLE",
        created=call.now,
        source=source,
        description=Description,
        on_failure=OnStackFailure or ("DO_NOTHING" if rollback_disabled(DeploymentConfig) else None),
        role=RoleARN,
        notifications=tuple(NotificationARNs or ()),
    )
    try:
        if imports:
            found = await imports_of(call, stack, source, ResourcesToImport or ())
            made = msgspec.structs.replace(made, imports={one.name: one.physical_id for one in found})
        else:
            found = await changes_of(call, stack, source)
        changes = tuple(change.told() for change in found)
    except AwsError as error:
        made = msgspec.structs.replace(made, status="FAILED", execution="UNAVAILABLE", reason=error.message)
    else:
        if before is not None and not changes and not outputs_or_tags_differ(before, source):
            made = msgspec.structs.replace(made, status="FAILED", execution="UNAVAILABLE", reason=NO_CHANGES)
        else:
            made = msgspec.structs.replace(made, changes=changes)
    await _add(call.state, made)
    return {"Id": made.id, "StackId": stack.id}


@cloudformation.operation
async def describe_change_set(
    call: Call,
    ChangeSetName: str,
    StackName: str | None = None,
    NextToken: str | None = None,
    IncludePropertyValues: bool | None = None,
) -> dict[str, Any]:
    """A change set with its changes."""
    stack, found = await _find(call.state, ChangeSetName, StackName)
    declared = orjson.loads(found.source.processed).get("Parameters", {})
    answer: dict[str, Any] = {
        **_summary(stack, found),
        "Parameters": parameters_of(declared, found.source),
        "NotificationARNs": list(found.notifications),
        "RollbackConfiguration": {},
        "Capabilities": list(found.source.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in found.source.tags.items()],
        "Changes": list(found.changes),
    }
    if found.on_failure:
        answer["OnStackFailure"] = found.on_failure
    return answer


@cloudformation.operation
async def list_change_sets(call: Call, StackName: str, NextToken: str | None = None) -> dict[str, Any]:
    """The change sets of a stack."""
    stack = await find_stack(call.state, StackName, bracketed=True)
    return {"Summaries": [_summary(stack, one) for one in await _all(call.state, stack.id)]}


@cloudformation.operation
async def delete_change_set(call: Call, ChangeSetName: str, StackName: str | None = None) -> dict[str, Any]:
    """Throw a change set away."""
    try:
        stack, found = await _find(call.state, ChangeSetName, StackName)
    except AwsError as error:
        if error.code != "ChangeSetNotFound" or StackName is None:
            raise
        return {}  # there is none: that is what was wanted
    await _drop(call.state, stack.id, found.name)
    return {}


@cloudformation.operation
async def execute_change_set(
    call: Call,
    ChangeSetName: str,
    StackName: str | None = None,
    ClientRequestToken: str | None = None,
    DisableRollback: bool | None = None,
    RetainExceptOnCreate: bool | None = None,
) -> dict[str, Any]:
    """Carry a change set out; the stack's others are obsolete then."""
    stack, found = await _find(call.state, ChangeSetName, StackName)
    if found.execution != "AVAILABLE":
        raise aws_error(
            "InvalidChangeSetStatus",
            f"ChangeSet [{found.id}] cannot be executed in its current status of [{found.status}]",
        )
    creates = stack.status == "REVIEW_IN_PROGRESS"
    fit = IMPORTABLE if found.imports else UPDATABLE
    if not creates:
        check_updatable(stack, fit)
    if found.imports:
        told = [one["ResourceChange"] for one in found.changes]
        await check_unclaimed(call, {(one["ResourceType"], one["PhysicalResourceId"]) for one in told})
    on_failure = "DO_NOTHING" if DisableRollback else found.on_failure or "ROLLBACK"
    status = "IMPORT_IN_PROGRESS" if found.imports else "CREATE_IN_PROGRESS" if creates else "UPDATE_IN_PROGRESS"
    changes: dict[str, Any] = {"wanted": found.source, "on_failure": on_failure, "change_set": found.id}
    if creates:
        changes["source"] = found.source
    if found.role is not None:
        changes["role"] = found.role
    if found.notifications:
        changes["notifications"] = found.notifications
    allowed = ("REVIEW_IN_PROGRESS",) if creates else fit
    refusal = f"Stack:{stack.id} is in {{}} state and can not be updated."
    stack = await _execute(call.state, stack.id, allowed, refusal, status, call.now, changes)
    run: Run = Deployment.create if creates else Deployment.update
    if found.imports:
        run = partial(Deployment.take_in, imports=found.imports)
    await call.part(Engine).run(stack, run)
    return {}


def _summary(stack: Stack, found: ChangeSet) -> dict[str, Any]:
    told = {
        "ChangeSetName": found.name,
        "ChangeSetId": found.id,
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": moment(found.created),
        "Status": found.status,
        "ExecutionStatus": found.execution,
    }
    if found.reason:
        told["StatusReason"] = found.reason
    if found.description:
        told["Description"] = found.description
    return told


@transactional
async def _find(tx: Transaction, name: str, stack_name: str | None) -> tuple[Stack, ChangeSet]:
    if stack_name is None:
        if not name.startswith("arn:"):
            raise aws_error(
                "ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN."
            )
        for one in await change_sets.list(tx):
            if one.id == name:
                return await find_stack(tx, one.stack), one
        raise aws_error("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")
    stack = await find_stack(tx, stack_name, bracketed=True)
    bare = name.split("/")[1] if name.startswith("arn:") and "/" in name else name
    found = await change_sets.get(tx, stack.id, bare)
    if found is None:
        raise aws_error("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")
    return stack, found


@transactional
async def _add(tx: Transaction, made: ChangeSet) -> None:
    known = await change_sets.get(tx, made.stack, made.name)
    # The AWS CLI names change sets by the second: one that failed for want of changes makes room for the next.
    if known is not None and known.status != "FAILED":
        raise aws_error("AlreadyExistsException", f"ChangeSet {made.name} already exists")
    await change_sets.put(tx, made)


@transactional
async def _all(tx: Transaction, stack_id: str) -> list[ChangeSet]:
    return await change_sets.list(tx, stack_id)


@transactional
async def _execute(
    tx: Transaction,
    stack_id: str,
    allowed: Container[str],
    refusal: str,
    status: str,
    now: float,
    changes: dict[str, Any],
) -> Stack:
    """What a change set says begins and all of the stack's are gone, or neither."""
    stack = await begin(tx, stack_id, allowed, refusal, status, now, **changes)
    await change_sets.delete_all(tx, stack_id)
    return stack


@transactional
async def _drop(tx: Transaction, stack_id: str, name: str) -> None:
    await change_sets.delete(tx, stack_id, name)
