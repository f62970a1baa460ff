"""Finding stacks by name or by id, and the errors that say there is none."""

from __future__ import annotations

from kumoi.services.cloudformation.records import Stack, StackResource, names, resources, stacks
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


def no_stack(name: str, *, bracketed: bool = False) -> AwsError:
    """ValidationError; deployers read its text."""
    told = f"Stack [{name}] does not exist" if bracketed else f"Stack with id {name} does not exist"
    return aws_error("ValidationError", told)


@transactional
async def find_stack(tx: Transaction, name: str, *, bracketed: bool = False) -> Stack:
    """The stack of a name (one that is not deleted) or of an id."""
    stack = await known_stack(tx, name)
    if stack is None:
        raise no_stack(name, bracketed=bracketed)
    return stack


@transactional
async def known_stack(tx: Transaction, name: str) -> Stack | None:
    """The stack of a name or of an id, if there is one."""
    if name.startswith("arn:"):
        return await stacks.get(tx, name)
    current = await names.get(tx, name)
    return None if current is None else await stacks.get(tx, current.id)


@transactional
async def live_stacks(tx: Transaction) -> list[Stack]:
    """The stacks of the place that are not deleted: those that have their names."""
    found = [await stacks.get(tx, one.id) for one in await names.list(tx)]
    return [stack for stack in found if stack is not None]


@transactional
async def all_stacks(tx: Transaction) -> list[Stack]:
    """Every stack of the place, deleted ones too: there may be many, which nobody needs but ListStacks."""
    return await stacks.list(tx)


@transactional
async def resources_of(tx: Transaction, stack_id: str) -> list[StackResource]:
    """The resources of a stack."""
    return await resources.list(tx, stack_id)
