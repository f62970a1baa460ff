"""Going back by hand: cancel an update, go on with a rollback that failed, roll back what failed and was kept."""

from __future__ import annotations

from functools import partial
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.deployment import Deployment
from kumoi.services.cloudformation.engine import Engine
from kumoi.services.cloudformation.journal import begin
from kumoi.services.cloudformation.lookup import find_stack, resources_of
from kumoi.wire.errors import aws_error


@cloudformation.operation
async def cancel_update_stack(call: Call, StackName: str, ClientRequestToken: str | None = None) -> None:
    """Begin nothing more of an update: it is rolled back."""
    stack = await find_stack(call.state, StackName)
    if stack.status != "UPDATE_IN_PROGRESS":
        raise aws_error("ValidationError", "CancelUpdateStack cannot be called from current stack status")
    call.part(Engine).call_off(stack.id)


@cloudformation.operation
async def continue_update_rollback(
    call: Call,
    StackName: str,
    RoleARN: str | None = None,
    ResourcesToSkip: list[str] | None = None,
    ClientRequestToken: str | None = None,
) -> dict[str, Any]:
    """Try a rollback that failed again; skipped resources count as rolled back."""
    stack = await find_stack(call.state, StackName)
    skipped = tuple(ResourcesToSkip or ())
    failed = {one.name for one in await resources_of(call.state, stack.id) if one.status == "UPDATE_FAILED"}
    unknown = [name for name in skipped if name not in failed]
    if stack.status == "UPDATE_ROLLBACK_FAILED" and unknown:
        raise aws_error(
            "ValidationError",
            f"Resources to skip [{', '.join(unknown)}] are not in the UPDATE_FAILED state; only such may be skipped.",
        )
    refusal = f"Stack:{stack.id} is in {{}} state and can not continue update rollback."
    status = "UPDATE_ROLLBACK_IN_PROGRESS"
    stack = await begin(call.state, stack.id, ("UPDATE_ROLLBACK_FAILED",), refusal, status, call.now, **_in(RoleARN))
    await call.part(Engine).run(stack, partial(Deployment.roll_back, skipped=skipped))
    return {}


@cloudformation.operation
async def rollback_stack(
    call: Call,
    StackName: str,
    RoleARN: str | None = None,
    ClientRequestToken: str | None = None,
    RetainExceptOnCreate: bool | None = None,
    DeploymentConfig: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Roll back what failed and was kept as it was (DisableRollback)."""
    stack = await find_stack(call.state, StackName)
    created = stack.status == "CREATE_FAILED"
    refusal = f"Stack:{stack.id} is in {{}} state and can not be rolled back."
    status = "ROLLBACK_IN_PROGRESS" if created else "UPDATE_ROLLBACK_IN_PROGRESS"
    failed = ("CREATE_FAILED", "UPDATE_FAILED")
    stack = await begin(call.state, stack.id, failed, refusal, status, call.now, **_in(RoleARN))
    await call.part(Engine).run(stack, Deployment.roll_back_creation if created else Deployment.roll_back)
    return {"StackId": stack.id}


def _in(role: str | None) -> dict[str, str]:
    """The stack's change where a role to act in was given."""
    return {} if role is None else {"role": role}
