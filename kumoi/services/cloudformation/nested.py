"""Nested stacks: a stack as a resource of another, deployed by the same engine, waited for, and undone with it.

Source: "AWS::CloudFormation::Stack" of the template reference. Every update of the parent updates its nested stacks,
whose templates may have changed behind an unchanged URL.
"""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.services.cloudformation.creation import add_stack, new_stack
from kumoi.services.cloudformation.deployment import Deployment
from kumoi.services.cloudformation.differences import differs
from kumoi.services.cloudformation.engine import Engine
from kumoi.services.cloudformation.journal import set_status
from kumoi.services.cloudformation.lookup import known_stack
from kumoi.services.cloudformation.records import Source, Stack
from kumoi.services.cloudformation.sources import source_of, template_text
from kumoi.services.cloudformation.template.intrinsics import as_text
from kumoi.wire.errors import aws_error

DEEPEST = 10
_REVISION = "kumoi.revision"


def name_of(call: ResourceCall) -> str:
    """The name of a nested stack, made of its parent's and its own."""
    return call.name("", 128)


async def create(call: ResourceCall) -> Resource:
    """Make the stack; ValidationError when it could not be completed."""
    call.required("TemplateURL")
    inner = _call(call)
    parent = await known_stack(inner.state, call.stack_id)
    assert parent is not None
    await _check_depth(inner, parent)
    source = await _source(call, inner, parent, None)
    stack = new_stack(
        inner,
        name_of(call),
        "CREATE_IN_PROGRESS",
        source,
        parent=parent.id,
        root=parent.root or parent.id,
        notifications=tuple(call.properties.get("NotificationARNs") or ()),
        on_failure="DO_NOTHING" if parent.on_failure == "DO_NOTHING" else "ROLLBACK",
    )
    await add_stack(inner, stack, "User Initiated")
    call.begin(Resource(stack.id))
    done = await _run(inner, stack, Deployment.create)
    if done.status != "CREATE_COMPLETE":
        raise aws_error("ValidationError", f"Embedded stack {done.id} was not successfully created: {done.reason}")
    return _resource(done)


async def update(call: ResourceCall) -> Resource:
    """Change the stack to what its template and parameters are now; back to what it was, when the parent goes back."""
    inner = _call(call)
    parent = await known_stack(inner.state, call.stack_id)
    stack = await known_stack(inner.state, call.physical_id)
    assert parent is not None
    if stack is None:
        raise aws_error("ValidationError", f"Embedded stack {call.physical_id} does not exist")
    await inner.part(Engine).ended(stack.id)
    stack = await known_stack(inner.state, call.physical_id) or stack
    if parent.status.startswith("UPDATE_ROLLBACK"):
        if stack.status == "UPDATE_ROLLBACK_COMPLETE" or stack.previous is None:
            return _resource(stack)
        source = stack.previous
    else:
        source = await _source(call, inner, parent, stack.source)
    if not await differs(inner, stack, source):
        return _resource(stack)
    stack = await set_status(inner.state, stack, "UPDATE_IN_PROGRESS", inner.now, "User Initiated", wanted=source)
    done = await _run(inner, stack, Deployment.update)
    if done.status != "UPDATE_COMPLETE":
        raise aws_error(
            "ValidationError",
            f"Embedded stack {done.id} was not successfully updated. Currently in {done.status} with reason: "
            f"{done.reason or ''}",
        )
    return _resource(done)


async def delete(call: ResourceCall) -> None:
    """Delete the stack with its resources."""
    inner = _call(call)
    stack = await known_stack(inner.state, call.physical_id)
    if stack is None or stack.deleted is not None:
        return
    await inner.part(Engine).ended(stack.id)
    stack = await known_stack(inner.state, stack.id)
    if stack is None or stack.deleted is not None:
        return
    stack = await set_status(inner.state, stack, "DELETE_IN_PROGRESS", inner.now, "User Initiated")
    done = await _run(inner, stack, Deployment.delete)
    if done.status != "DELETE_COMPLETE":
        raise aws_error("ValidationError", f"Embedded stack {done.id} was not successfully deleted: {done.reason}")


async def _run(inner: Call, stack: Stack, run: Any) -> Stack:
    """Carry an operation out; the stack as it is then."""
    await inner.part(Engine).finish(stack, run)
    done = await known_stack(inner.state, stack.id)
    assert done is not None
    return done


def _call(call: ResourceCall) -> Call:
    """The type's call as an operation has it."""
    operation, source = "DeployNestedStack", call.caller.source
    return Call(
        call.doorway,
        "cloudformation",
        operation,
        {},
        call.caller,
        call.account,
        call.region,
        call.trace,
        source,
        node=source,
    )


async def _source(call: ResourceCall, inner: Call, parent: Stack, before: Source | None) -> Source:
    stated = call.properties.get("Parameters") or {}
    parameters = [{"ParameterKey": name, "ParameterValue": as_text(value)} for name, value in stated.items()]
    own = call.properties.get("Tags") or []
    tags = {**call.tags, **{one["Key"]: str(one["Value"]) for one in own}}
    text = await template_text(inner, None, str(call.properties["TemplateURL"]))
    capabilities = (parent.wanted or parent.source).capabilities
    return await source_of(
        inner, text, parameters, [{"Key": key, "Value": value} for key, value in tags.items()], capabilities, before
    )


async def _check_depth(inner: Call, parent: Stack) -> None:
    depth, above = 1, parent
    while above.parent is not None:
        depth += 1
        found = await known_stack(inner.state, above.parent)
        if found is None:
            return
        above = found
        if depth >= DEEPEST:
            raise aws_error("ValidationError", f"Stacks may be nested {DEEPEST} deep, and {parent.name} is as deep.")


def _resource(stack: Stack) -> Resource:
    outputs = {f"Outputs.{one.key}": one.value for one in stack.outputs}
    return Resource(stack.id, {**outputs, _REVISION: str(stack.updated or stack.created)})
