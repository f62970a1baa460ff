"""DescribeStackEvents: what happened to a stack, the newest first."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.lookup import find_stack
from kumoi.services.cloudformation.records import EVENTS, Stack, StackEvent
from kumoi.services.cloudformation.telling import moment
from kumoi.state import Transaction, transactional

PAGE = 100


@cloudformation.operation
async def describe_stack_events(call: Call, StackName: str, NextToken: str | None = None) -> dict[str, Any]:
    """A page of events."""
    stack = await find_stack(call.state, StackName, bracketed=True)
    skip = int(NextToken) if NextToken and NextToken.isdigit() else 0
    found = (await _events(call.state, stack.id))[::-1]
    answer: dict[str, Any] = {"StackEvents": [_told(stack, event) for event in found[skip : skip + PAGE]]}
    if len(found) > skip + PAGE:
        answer["NextToken"] = str(skip + PAGE)
    return answer


@transactional
async def _events(tx: Transaction, stack_id: str) -> list[StackEvent]:
    found: list[StackEvent] = []
    after = 0
    while rows := await tx.read_stream((EVENTS, stack_id), after=after, limit=1000):
        found += [msgspec.msgpack.decode(row[2], type=StackEvent) for row in rows]
        after = rows[-1][0]
    return found


def _told(stack: Stack, event: StackEvent) -> dict[str, Any]:
    told = {
        "StackId": stack.id,
        "StackName": stack.name,
        "EventId": event.id,
        "LogicalResourceId": event.name,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": moment(event.when),
        "ResourceStatus": event.status,
    }
    if event.reason:
        told["ResourceStatusReason"] = event.reason
    if event.properties:
        told["ResourceProperties"] = event.properties
    return told
