"""Bringing a stack's resources to what its template wants: made, changed in place, replaced or left alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from secrets import token_hex
from typing import Any

import msgspec
import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.cloudformation.acting import Acting, version_of
from kumoi.services.cloudformation.alias_shift import shift, shifts
from kumoi.services.cloudformation.planning import changed_properties
from kumoi.services.cloudformation.records import Source, StackResource
from kumoi.services.cloudformation.scope import exports_for, scope_of, wanted_resources
from kumoi.services.cloudformation.stack_policy import check_policy
from kumoi.services.cloudformation.template.graph import dependencies
from kumoi.services.cloudformation.template.intrinsics import Scope, Unresolved
from kumoi.services.cloudformation.types import NESTED
from kumoi.services.cloudformation.wait_conditions import await_policy, forget_signals
from kumoi.services.cloudformation.walk import Failed, in_order
from kumoi.wire.errors import AwsError, aws_error


async def scope_for(acting: Acting, source: Source) -> Scope:
    """What a source's template is evaluated with, given the resources as they are."""
    journal = acting.journal
    template = orjson.loads(source.processed)
    exports = await exports_for(journal.state, source)
    return scope_of(journal.stack, source, template, exports, acting.reference, acting.attribute)


async def bring_to(acting: Acting, source: Source, scope: Scope) -> None:
    """Bring every wanted resource to what it should be; raises Failed or Cancelled. Nothing is deleted here."""
    wanted = wanted_resources(orjson.loads(source.processed), scope)
    needs = dependencies(wanted)

    async def act(name: str) -> None:
        await _bring(acting, scope, name, wanted[name], tuple(sorted(needs[name])))

    await _removals_allowed(acting, wanted)
    what = "create" if acting.journal.stack.status.startswith("CREATE") else "update"
    await in_order(needs, act, what, lambda: acting.called_off)


async def _removals_allowed(acting: Acting, wanted: Mapping[str, Any]) -> None:
    """Refuse, before anything is done, to remove resources that the stack policy protects."""
    journal, failed = acting.journal, list[str]()
    for name, resource in list(journal.live.items()):
        if name in wanted or resource.made is None or not journal.stack.status.startswith("UPDATE"):
            continue
        try:
            check_policy(_policy(acting), "Update:Delete", name, resource.type)
        except AwsError as error:
            await journal.note(resource, "UPDATE_FAILED", error.message)
            failed.append(name)
    if failed:
        raise Failed(failed, "update")


def _policy(acting: Acting) -> str | None:
    stack = acting.journal.stack
    return stack.policy_once or stack.policy


async def _bring(acting: Acting, scope: Scope, name: str, wanted: Mapping[str, Any], needs: tuple[str, ...]) -> None:
    """Make, change, replace or leave one resource."""
    journal = acting.journal
    known = journal.live.get(name)
    kind = wanted["Type"]
    resource = StackResource(
        stack=journal.stack.id,
        name=name,
        type=kind,
        status="",
        when=journal.now,
        made=known.made if known else None,
        needs=needs,
        retain=wanted.get("DeletionPolicy", "Delete") in ("Retain", "RetainExceptOnCreate"),
        retain_on_failure=wanted.get("DeletionPolicy") == "Retain",
        retain_replaced=wanted.get("UpdateReplacePolicy", "Delete") == "Retain",
        token=token_hex(6),
    )
    verb = "CREATE" if resource.made is None else "UPDATE"
    try:
        declared = acting.types.find(kind)
        if declared is None:
            raise aws_error(
                "ValidationError",
                f"Kumoi does not support the resource type {kind} yet; docs/cloudformation.md lists those it does.",
            )
        properties = _evaluated(scope, wanted.get("Properties", {}))
        awaited = _evaluated(scope, wanted.get("CreationPolicy", {}))
    except AwsError as error:
        await journal.note(resource, f"{verb}_FAILED", error.message)
        raise
    if resource.made is None:
        await _make(acting, declared, resource, properties, "CREATE", awaited)
        return
    assert known is not None and known.made is not None
    changed = changed_properties(known.made.properties, properties)
    if not changed and known.type == kind and kind != NESTED:
        if (known.needs, known.retain) != (needs, resource.retain):
            await journal.keep(msgspec.structs.replace(known, needs=needs, retain=resource.retain))
        return
    resource = msgspec.structs.replace(resource, before=known.before or known.made, fresh=known.fresh)
    replaces = known.type != kind or declared.replaces(changed)
    try:
        check_policy(_policy(acting), "Update:Replace" if replaces else "Update:Modify", name, kind)
    except AwsError as error:
        await journal.note(known, "UPDATE_FAILED", error.message)
        raise
    if replaces:
        resource = msgspec.structs.replace(resource, replacing=True)
        await _make(acting, declared, resource, properties, "UPDATE")
    else:
        policy = scope.evaluate(wanted.get("UpdatePolicy") or {})
        await _change(acting, declared, resource, properties, policy)


def _evaluated(scope: Scope, stated: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = scope.evaluate(stated)
    except Unresolved as missing:
        raise aws_error("ValidationError", f"The resource {missing.name} does not exist") from None
    return found


async def _make(
    acting: Acting,
    declared: ResourceType,
    resource: StackResource,
    properties: dict[str, Any],
    verb: str,
    policy: Mapping[str, Any] | None = None,
) -> None:
    resource = msgspec.structs.replace(resource, begun=properties)
    if verb == "CREATE":
        await acting.journal.note(resource, "CREATE_IN_PROGRESS", properties=properties)
    else:
        await acting.journal.note(
            resource,
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        )
    call = acting.call(resource, properties, resource.token)

    async def create(call: ResourceCall) -> Resource:
        if not policy:
            return await declared.create(call)
        await forget_signals(call)
        made = call.begin(await declared.create(call))
        await await_policy(call, policy)
        return made

    made = await acting.attempt(resource, f"{verb}_FAILED", create, call)
    version = version_of(made, properties, resource.token, resource.type)
    resource = msgspec.structs.replace(
        resource, made=version, fresh=resource.before is None, begun=None, replacing=False
    )
    await acting.journal.note(resource, f"{verb}_COMPLETE")


async def _change(
    acting: Acting,
    declared: ResourceType,
    resource: StackResource,
    properties: dict[str, Any],
    policy: Mapping[str, Any],
) -> None:
    assert declared.update is not None and resource.made is not None
    update = declared.update
    resource = msgspec.structs.replace(resource, begun=properties)
    await acting.journal.note(resource, "UPDATE_IN_PROGRESS", properties=properties)
    assert resource.made is not None
    call = acting.call(resource, properties, resource.made.token, resource.made)
    act = partial(shift, policy=policy) if shifts(call, policy) else update
    made = await acting.attempt(resource, "UPDATE_FAILED", act, call)
    version = version_of(made, properties, resource.made.token, resource.type)
    await acting.journal.note(msgspec.structs.replace(resource, made=version, begun=None), "UPDATE_COMPLETE")
