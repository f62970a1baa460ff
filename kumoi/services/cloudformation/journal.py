"""Where a deployment has come to: the stack and its resources as they are now, stored with each step.

Every step is written down before and after it is taken, together with its event, so that what a crash interrupts can
be rolled back.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Doorway
from kumoi.names import uuid
from kumoi.services.cloudformation.notices import announce
from kumoi.services.cloudformation.records import (
    EVENTS,
    STACK,
    Stack,
    StackEvent,
    StackResource,
    drifts,
    names,
    resources,
    stacks,
)
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error


class Journal:
    """The record of one operation on one stack. `live` are its resources by logical name."""

    def __init__(self, doorway: Doorway, stack: Stack) -> None:
        self.doorway = doorway
        self.state: State = doorway.state.at(stack.account, stack.region)
        self.stack = stack
        self.live: dict[str, StackResource] = {}

    async def open(self) -> None:
        """Read the resources as they are stored."""
        self.live = {one.name: one for one in await _resources(self.state, self.stack.id)}

    @property
    def now(self) -> float:
        """The platform's time."""
        return self.doorway.clock.now()

    async def note(
        self, resource: StackResource, status: str, reason: str | None = None, properties: dict[str, Any] | None = None
    ) -> StackResource:
        """Store where a resource has come to, and tell it as an event; what is deleted only leaves an event."""
        resource = msgspec.structs.replace(resource, status=status, reason=reason, when=self.now)
        deleted = status.startswith("DELETE")
        if not deleted:
            self.live[resource.name] = resource
        event = StackEvent(
            id=f"{resource.name}-{status}-{uuid()}",
            name=resource.name,
            physical_id=resource.made.physical_id if resource.made else "",
            type=resource.type,
            status=status,
            when=resource.when,
            reason=reason,
            properties=None if properties is None else orjson.dumps(properties, default=str).decode(),
        )
        await _noted(self.state, self.stack, None if deleted else resource, event)
        return resource

    async def keep(self, resource: StackResource) -> None:
        """Store a resource without an event."""
        self.live[resource.name] = resource
        await _put(self.state, resource)

    async def finish(self, status: str, **changes: Any) -> None:
        """The operation is done: resources and stack are what it made of them, all of them or, after a crash, none."""
        done = [one for one in self.live.values() if one.fresh or one.before is not None]
        done = [msgspec.structs.replace(one, before=None, fresh=False) for one in done]
        self.stack = await _finished(self.state, done, self.stack, status, self.now, changes)
        self.live.update((one.name, one) for one in done)

    async def forget(self, name: str) -> None:
        """A resource is none of the stack's any more."""
        await _forget(self.state, self.live.pop(name))

    async def become(self, status: str, reason: str | None = None, **changes: Any) -> None:
        """The stack's own status, and its event."""
        self.stack = await set_status(self.state, self.stack, status, self.now, reason, **changes)


async def set_status(
    place: State | Transaction, stack: Stack, status: str, now: float, reason: str | None = None, **changes: Any
) -> Stack:
    """Store a stack's status with its event; the stack as it is then."""
    if status == "UPDATE_IN_PROGRESS":
        changes.setdefault("updated", now)
    changed = msgspec.structs.replace(stack, status=status, reason=reason, **changes)
    event = StackEvent(
        id=uuid(), name=stack.name, physical_id=stack.id, type=STACK, status=status, when=now, reason=reason
    )
    await _stack_noted(place, changed, event)
    return changed


@transactional
async def begin(
    tx: Transaction, /, stack_id: str, allowed: Container[str], refusal: str, status: str, now: float, **changes: Any
) -> Stack:
    """An operation on a stack begins, unless another is under way: `refusal` says so, with the status for `{}`."""
    stack = await stacks.get(tx, stack_id)
    if stack is None or stack.status not in allowed:
        raise aws_error("ValidationError", refusal.format("DELETE_COMPLETE" if stack is None else stack.status))
    return await set_status(tx, stack, status, now, "User Initiated", **changes)


@transactional
async def _stack_noted(tx: Transaction, stack: Stack, event: StackEvent) -> None:
    await stacks.put(tx, stack)
    await tx.append((EVENTS, stack.id), msgspec.msgpack.encode(event))
    announce(tx, stack, event)
    if stack.status == "DELETE_COMPLETE":
        current = await names.get(tx, stack.name)
        if current is not None and current.id == stack.id:
            await names.delete(tx, stack.name)


@transactional
async def _noted(tx: Transaction, stack: Stack, resource: StackResource | None, event: StackEvent) -> None:
    if resource is not None:
        await resources.put(tx, resource)
    await tx.append((EVENTS, stack.id), msgspec.msgpack.encode(event))
    announce(tx, stack, event)


@transactional
async def _finished(
    tx: Transaction, done: list[StackResource], stack: Stack, status: str, now: float, changes: dict[str, Any]
) -> Stack:
    for resource in done:
        await resources.put(tx, resource)
    return await set_status(tx, stack, status, now, **changes)


@transactional
async def _put(tx: Transaction, resource: StackResource) -> None:
    await resources.put(tx, resource)


@transactional
async def _forget(tx: Transaction, resource: StackResource) -> None:
    await resources.delete(tx, resource.stack, resource.name)
    await drifts.delete(tx, resource.stack, resource.name)


@transactional
async def _resources(tx: Transaction, stack_id: str) -> list[StackResource]:
    return await resources.list(tx, stack_id)
