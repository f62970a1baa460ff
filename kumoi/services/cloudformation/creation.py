"""How a stack begins: its record, under a name that no other stack has."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cloudformation.engine import note_place
from kumoi.services.cloudformation.journal import set_status
from kumoi.services.cloudformation.records import NamedStack, Source, Stack, names, stacks
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


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
