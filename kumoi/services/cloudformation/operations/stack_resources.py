"""The resources of stacks."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.lookup import find_stack, live_stacks, no_stack, resources_of
from kumoi.services.cloudformation.telling import resource_of
from kumoi.wire.errors import aws_error


@cloudformation.operation
async def describe_stack_resource(call: Call, StackName: str, LogicalResourceId: str) -> dict[str, Any]:
    """One resource of a stack."""
    stack = await find_stack(call.state, StackName, bracketed=True)
    for resource in await resources_of(call.state, stack.id):
        if resource.name == LogicalResourceId:
            detail = resource_of(resource)
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
        found = await live_stacks(call.state)
    else:
        raise aws_error("ValidationError", "Either StackName or PhysicalResourceId must be specified.")
    told: list[dict[str, Any]] = []
    for stack in found:
        owned = [
            {"StackName": stack.name, "StackId": stack.id, **resource_of(one)}
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
        summary = resource_of(resource)
        summary["LastUpdatedTimestamp"] = summary.pop("Timestamp")
        summaries.append(summary)
    return {"StackResourceSummaries": summaries}
