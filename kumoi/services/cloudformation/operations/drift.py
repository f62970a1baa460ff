"""Drift detection: whether resources still are what their template says, looked up when asked.

A detection is over when DetectStackDrift answers: whoever polls its status finds it complete.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.acting import Acting
from kumoi.services.cloudformation.drift import drift_of
from kumoi.services.cloudformation.journal import Journal
from kumoi.services.cloudformation.lookup import find_stack
from kumoi.services.cloudformation.records import (
    Drift,
    DriftDetection,
    Stack,
    StackResource,
    detections,
    drifts,
    resources,
    stacks,
)
from kumoi.services.cloudformation.telling import moment
from kumoi.services.cloudformation.types import Types
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

AT_ONCE = 10
PAGE = 100
_SETTLED = ("_COMPLETE", "UPDATE_ROLLBACK_FAILED", "IMPORT_ROLLBACK_FAILED")


@cloudformation.operation
async def detect_stack_drift(call: Call, StackName: str, LogicalResourceIds: list[str] | None = None) -> dict[str, Any]:
    """Look at a stack's resources, all or some; the id of what was found."""
    stack = await _settled(call, StackName)
    acting = await _acting(call, stack)
    wanted = _chosen(acting, LogicalResourceIds)
    slots = asyncio.Semaphore(AT_ONCE)

    async def look(resource: StackResource) -> Drift | AwsError:
        async with slots:
            try:
                return await drift_of(acting, resource)
            except AwsError as error:
                return error

    found = await asyncio.gather(*(look(one) for one in wanted))
    failed = [one for one in found if isinstance(one, AwsError)]
    if failed:
        raise aws_error("ValidationError", f"A resource could not be read: {failed[0].message} ({failed[0].code})")
    checked = [one for one in found if isinstance(one, Drift)]
    drifted = [one for one in checked if one.status in ("MODIFIED", "DELETED")]
    detection = DriftDetection(
        id=uuid(),
        stack=stack.id,
        status="DRIFTED" if drifted else "IN_SYNC",
        drifted=len(drifted),
        when=call.now,
    )
    await _keep(call.state, checked, detection)
    return {"StackDriftDetectionId": detection.id}


@cloudformation.operation
async def describe_stack_drift_detection_status(call: Call, StackDriftDetectionId: str) -> dict[str, Any]:
    """What a detection has found."""
    found = await _detection(call.state, StackDriftDetectionId)
    if found is None:
        raise aws_error("ValidationError", f"Drift detection [{StackDriftDetectionId}] does not exist")
    return {
        "StackId": found.stack,
        "StackDriftDetectionId": found.id,
        "StackDriftStatus": found.status,
        "DetectionStatus": "DETECTION_COMPLETE",
        "DriftedStackResourceCount": found.drifted,
        "Timestamp": moment(found.when),
    }


@cloudformation.operation
async def detect_stack_resource_drift(call: Call, StackName: str, LogicalResourceId: str) -> dict[str, Any]:
    """Look at one resource; what was found."""
    stack = await _settled(call, StackName)
    acting = await _acting(call, stack)
    (resource,) = _chosen(acting, [LogicalResourceId])
    declared = acting.types.find(resource.type)
    if declared is None or declared.read is None:
        raise aws_error("ValidationError", f"Drift detection is not supported for resource type {resource.type}")
    found = await drift_of(acting, resource)
    await _keep(call.state, [found], None)
    return {"StackResourceDrift": _told(stack, resource, found)}


@cloudformation.operation
async def describe_stack_resource_drifts(
    call: Call,
    StackName: str,
    StackResourceDriftStatusFilters: list[str] | None = None,
    NextToken: str | None = None,
    MaxResults: int | None = None,
) -> dict[str, Any]:
    """What the last looks at a stack's resources have found."""
    stack = await find_stack(call.state, StackName, bracketed=True)
    acting = await _acting(call, stack)
    known = [one for one in await _drifts(call.state, stack.id) if one.name in acting.journal.live]
    filters = StackResourceDriftStatusFilters
    found = [one for one in known if not filters or one.status in filters]
    skip = int(NextToken) if NextToken and NextToken.isdigit() else 0
    end = skip + min(MaxResults or PAGE, PAGE)
    answer: dict[str, Any] = {
        "StackResourceDrifts": [_told(stack, acting.journal.live[one.name], one) for one in found[skip:end]]
    }
    if len(found) > end:
        answer["NextToken"] = str(end)
    return answer


async def _settled(call: Call, name: str) -> Stack:
    stack = await find_stack(call.state, name, bracketed=True)
    if not stack.status.endswith(_SETTLED) or stack.status in ("DELETE_COMPLETE", "ROLLBACK_COMPLETE"):
        raise aws_error(
            "ValidationError",
            f"Drift detection cannot be performed on stack [{stack.name}] in state {stack.status}.",
        )
    return stack


async def _acting(call: Call, stack: Stack) -> Acting:
    registry = call.doorway.registry
    declared = await asyncio.to_thread(lambda: registry.resource_types)
    journal = Journal(call.doorway, stack)
    await journal.open()
    return Acting(journal, Types(declared, stack.source.tags))


def _chosen(acting: Acting, names: list[str] | None) -> list[StackResource]:
    live = acting.journal.live
    unknown = [name for name in names or () if name not in live]
    if unknown:
        raise aws_error("ValidationError", f"Resources {unknown} do not exist in stack {acting.journal.stack.name}")
    return [live[name] for name in dict.fromkeys(names)] if names else list(live.values())


def _told(stack: Stack, resource: StackResource, found: Drift) -> dict[str, Any]:
    told: dict[str, Any] = {
        "StackId": stack.id,
        "LogicalResourceId": resource.name,
        "PhysicalResourceId": resource.made.physical_id if resource.made else "",
        "ResourceType": resource.type,
        "StackResourceDriftStatus": found.status,
        "Timestamp": moment(found.when),
    }
    if found.status != "NOT_CHECKED":
        told["ExpectedProperties"] = found.expected
        told["PropertyDifferences"] = list(found.differences)
        if found.status != "DELETED":
            told["ActualProperties"] = found.actual
    return told


@transactional
async def _keep(tx: Transaction, found: list[Drift], detection: DriftDetection | None) -> None:
    for one in found:
        resource = await resources.get(tx, one.stack, one.name)
        if resource is not None:
            await drifts.put(tx, one)
            await resources.put(tx, msgspec.structs.replace(resource, drift=one.status, drift_checked=one.when))
    if detection is not None:
        await detections.put(tx, detection)
        stack = await stacks.get(tx, detection.stack)
        if stack is not None:
            checked = {"drift": detection.status, "drift_checked": detection.when}
            await stacks.put(tx, msgspec.structs.replace(stack, **checked))


@transactional
async def _detection(tx: Transaction, detection_id: str) -> DriftDetection | None:
    return await detections.get(tx, detection_id)


@transactional
async def _drifts(tx: Transaction, stack_id: str) -> list[Drift]:
    return await drifts.list(tx, stack_id)
