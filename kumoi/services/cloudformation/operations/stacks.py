"""Stacks: create, update, delete, describe."""

from __future__ import annotations

from collections.abc import Container
from functools import partial
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.creation import add_stack, new_stack
from kumoi.services.cloudformation.deployment import Deployment
from kumoi.services.cloudformation.differences import differs
from kumoi.services.cloudformation.engine import Engine
from kumoi.services.cloudformation.journal import begin
from kumoi.services.cloudformation.lookup import all_stacks, find_stack, known_stack, live_stacks, no_stack
from kumoi.services.cloudformation.operations.settings import policy_text
from kumoi.services.cloudformation.outputs import check_exports
from kumoi.services.cloudformation.records import Stack
from kumoi.services.cloudformation.sam import SERVERLESS, SamTranslator
from kumoi.services.cloudformation.sources import check_expansion, source_of, template_text
from kumoi.services.cloudformation.telling import describe, summary
from kumoi.wire.errors import aws_error

NOTHING_TO_DO = "No updates are to be performed."
UPDATABLE = frozenset(
    (
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "CREATE_FAILED",
        "UPDATE_FAILED",
    )
)

IMPORTABLE = UPDATABLE - {"CREATE_FAILED", "UPDATE_FAILED"}
"""Where no resource stands half-made: an import that fails lets go what it took in, and nothing else."""

ABORTABLE = frozenset(("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"))
"""A stack that is being made, or unmade, may be deleted all the same."""

DELETABLE = (
    UPDATABLE
    | ABORTABLE
    | {
        *("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"),
    }
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
    StackPolicyURL: str | None = None,
    Tags: list[dict[str, str]] | None = None,
    ClientRequestToken: str | None = None,
    EnableTerminationProtection: bool = False,
    RetainExceptOnCreate: bool | None = None,
    DeploymentConfig: dict[str, Any] | None = None,
    DisableValidation: bool | None = None,
) -> dict[str, Any]:
    """Make a stack; it is often complete when this answers."""
    if DisableRollback is not None and OnFailure is not None:
        raise aws_error("ValidationError", "You can specify either DisableRollback or OnFailure, but not both.")
    keeping = DisableRollback or rollback_disabled(DeploymentConfig)
    text = await template_text(call, TemplateBody, TemplateURL)
    source = await source_of(call, text, Parameters, Tags, Capabilities)
    check_expansion(source)
    stack = new_stack(
        call,
        StackName,
        "CREATE_IN_PROGRESS",
        source,
        on_failure=OnFailure or ("DO_NOTHING" if keeping else "ROLLBACK"),
        protected=EnableTerminationProtection,
        role=RoleARN,
        notifications=tuple(NotificationARNs or ()),
        policy=await policy_text(call, StackPolicyBody, StackPolicyURL),
    )
    await add_stack(call, stack, "User Initiated")
    await call.part(Engine).run(stack, Deployment.create)
    return {"StackId": stack.id}


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
    StackPolicyURL: str | None = None,
    StackPolicyDuringUpdateURL: str | None = None,
    NotificationARNs: list[str] | None = None,
    Tags: list[dict[str, str]] | None = None,
    DisableRollback: bool | None = None,
    RetainExceptOnCreate: bool | None = None,
    ClientRequestToken: str | None = None,
    DeploymentConfig: dict[str, Any] | None = None,
    DisableValidation: bool | None = None,
) -> dict[str, Any]:
    """Change a stack; ValidationError when that would change nothing."""
    stack = await find_stack(call.state, StackName, bracketed=True)
    check_updatable(stack)
    text = stack.source.template if UsePreviousTemplate else await template_text(call, TemplateBody, TemplateURL)
    source = await source_of(call, text, Parameters, Tags, Capabilities, stack.source)
    check_expansion(source)
    if not await differs(call, stack, source):
        raise aws_error("ValidationError", NOTHING_TO_DO)
    keeping = DisableRollback or rollback_disabled(DeploymentConfig)
    changes: dict[str, Any] = {"wanted": source, "on_failure": "DO_NOTHING" if keeping else "ROLLBACK"}
    if StackPolicyBody is not None or StackPolicyURL is not None:
        changes["policy"] = await policy_text(call, StackPolicyBody, StackPolicyURL)
    if StackPolicyDuringUpdateBody is not None or StackPolicyDuringUpdateURL is not None:
        changes["policy_once"] = await policy_text(call, StackPolicyDuringUpdateBody, StackPolicyDuringUpdateURL)
    if RoleARN is not None:
        changes["role"] = RoleARN
    if NotificationARNs is not None:
        changes["notifications"] = tuple(NotificationARNs)
    stack = await begin(
        call.state, stack.id, UPDATABLE, _not_updatable(stack), "UPDATE_IN_PROGRESS", call.now, **changes
    )
    await call.part(Engine).run(stack, Deployment.update)
    return {"StackId": stack.id}


def rollback_disabled(config: dict[str, Any] | None) -> bool:
    """Whether a DeploymentConfig keeps what failed; its modes do not differ here: resources are ready at once."""
    return bool((config or {}).get("DisableRollback"))


def check_updatable(stack: Stack, among: Container[str] = UPDATABLE) -> None:
    """Refuse to change a stack that something is under way for, or that failed to be made."""
    if stack.status not in among:
        raise aws_error("ValidationError", _not_updatable(stack).format(stack.status))


def _not_updatable(stack: Stack) -> str:
    return f"Stack:{stack.id} is in {{}} state and can not be updated."


@cloudformation.operation
async def delete_stack(
    call: Call,
    StackName: str,
    RetainResources: list[str] | None = None,
    RoleARN: str | None = None,
    ClientRequestToken: str | None = None,
    DeletionMode: str | None = None,
    DeploymentConfig: dict[str, Any] | None = None,
) -> None:
    """Delete a stack with its resources; nothing happens when there is no such stack."""
    stack = await known_stack(call.state, StackName)
    if stack is None or stack.deleted is not None:
        return
    if stack.protected:
        raise aws_error(
            "ValidationError", f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        )
    if RetainResources and stack.status != "DELETE_FAILED":
        raise aws_error(
            "ValidationError",
            f"Invalid operation on stack [{stack.id}]. When you delete a stack, specify which resources to retain "
            "only when the stack is in the DELETE_FAILED state.",
        )
    await check_exports(call.state, stack, ())
    if stack.status == "DELETE_IN_PROGRESS":
        return
    if stack.status in ABORTABLE:
        await call.part(Engine).abort(stack.id)
    refusal = f"Stack [{stack.id}] cannot be deleted while in status {{}}"
    role = {} if RoleARN is None else {"role": RoleARN}
    stack = await begin(call.state, stack.id, DELETABLE, refusal, "DELETE_IN_PROGRESS", call.now, **role)
    await call.part(Engine).run(stack, partial(Deployment.delete, retained=tuple(RetainResources or ())))


@cloudformation.operation
async def describe_stacks(call: Call, StackName: str | None = None, NextToken: str | None = None) -> dict[str, Any]:
    """One stack, or all that are not deleted."""
    if StackName is not None:
        stack = await known_stack(call.state, StackName)
        if stack is None:
            call.part(SamTranslator).expect()  # a deployer looks for what it is about to make
            raise no_stack(StackName)
        if SERVERLESS in stack.source.template:
            call.part(SamTranslator).expect()
        return {"Stacks": [describe(stack)]}
    found = await live_stacks(call.state)
    found.sort(key=lambda stack: -stack.created)
    return {"Stacks": [describe(stack) for stack in found]}


@cloudformation.operation
async def list_stacks(
    call: Call, NextToken: str | None = None, StackStatusFilter: list[str] | None = None
) -> dict[str, Any]:
    """Summaries of all stacks, deleted ones too."""
    found = [one for one in await all_stacks(call.state) if not StackStatusFilter or one.status in StackStatusFilter]
    found.sort(key=lambda stack: -stack.created)
    return {"StackSummaries": [summary(stack) for stack in found]}
