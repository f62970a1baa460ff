"""What may be set of a stack: its termination protection and its stack policy."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.lookup import find_stack
from kumoi.services.cloudformation.records import stacks
from kumoi.services.cloudformation.stack_policy import read_policy
from kumoi.services.cloudformation.stored_text import read_stored
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


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
    """Set the policy that a stack's updates are held to."""
    policy = await policy_text(call, StackPolicyBody, StackPolicyURL)
    if policy is None:
        raise aws_error("ValidationError", "You must specify either StackPolicyURL or StackPolicyBody")
    await _change(call.state, StackName, {"policy": policy})


async def policy_text(call: Call, body: str | None, url: str | None) -> str | None:
    """A stack policy, sent or in S3, checked; None where none is given."""
    if body is not None and url is not None:
        raise aws_error("ValidationError", "You cannot specify both StackPolicyURL and StackPolicyBody")
    text = await read_stored(call, url) if url is not None else body
    if text is not None:
        read_policy(text)
    return text


@cloudformation.operation
async def get_stack_policy(call: Call, StackName: str) -> dict[str, Any]:
    """The stack's policy."""
    stack = await find_stack(call.state, StackName)
    return {"StackPolicyBody": stack.policy} if stack.policy else {}


@transactional
async def _change(tx: Transaction, name: str, changes: dict[str, Any]) -> str:
    stack = await find_stack(tx, name)
    await stacks.put(tx, msgspec.structs.replace(stack, **changes))
    return stack.id
