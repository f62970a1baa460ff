"""How a stack differs from what it is to be made from: the changes of its resources, and those beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping, Sequence
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.cloudformation.importing import import_changes
from kumoi.services.cloudformation.lookup import live_stacks, resources_of
from kumoi.services.cloudformation.planning import Change, plan
from kumoi.services.cloudformation.records import Source, Stack
from kumoi.services.cloudformation.scope import exports_for, scope_of, wanted_resources
from kumoi.services.cloudformation.template.intrinsics import Unresolved
from kumoi.services.cloudformation.types import Types
from kumoi.wire.errors import aws_error


async def changes_of(call: Call, stack: Stack, source: Source) -> list[Change]:
    """What a source would change of a stack's resources."""
    existing = {one.name: one for one in await resources_of(call.state, stack.id)}
    template = orjson.loads(source.processed)
    registry = call.doorway.registry
    declared = await asyncio.to_thread(lambda: registry.resource_types)  # the first time, modules are imported
    types = Types(declared, source.tags)

    def reference(name: str) -> Any:
        made = existing[name].made if name in existing else None
        if made is None:
            raise Unresolved(name)
        return made.physical_id if made.ref is None else made.ref

    def attribute(name: str, wanted: str) -> Any:
        made = existing[name].made if name in existing else None
        found = None if made is None else types.attribute(made.type or existing[name].type, made, wanted)
        if found is None:
            raise Unresolved(name)
        return found

    scope = scope_of(stack, source, template, await exports_for(call.state, source), reference, attribute)
    return plan(wanted_resources(template, scope), existing, types, scope)


async def imports_of(call: Call, stack: Stack, source: Source, to_import: Sequence[Mapping[str, Any]]) -> list[Change]:
    """What an import would do to a stack; ValidationError for what it may not, or what is a stack's already."""
    changes = await changes_of(call, stack, source)
    types = Types(call.doorway.registry.resource_types, source.tags)
    found = import_changes(changes, orjson.loads(source.processed)["Resources"], to_import, types)
    await check_unclaimed(call, {(one.type, one.physical_id) for one in found})
    return found


async def check_unclaimed(call: Call, wanted: Container[tuple[str, str]]) -> None:
    """Refuse resources (type, physical id) that a stack has: ValidationError."""
    for other in await live_stacks(call.state):
        for one in await resources_of(call.state, other.id):
            if one.made is not None and (one.type, one.made.physical_id) in wanted:
                told = f"Resource {one.made.physical_id} already exists in stack {other.id}"
                raise aws_error("ValidationError", told)


def outputs_or_tags_differ(before: Source, after: Source) -> bool:
    """Whether something beside resources would change."""
    if before.tags != after.tags:
        return True
    one, other = orjson.loads(before.processed), orjson.loads(after.processed)
    return bool(one.get("Outputs") != other.get("Outputs"))


async def differs(call: Call, stack: Stack, source: Source) -> bool:
    """Whether a source would change anything of a stack; nested stacks may always have changed."""
    return bool(await changes_of(call, stack, source)) or outputs_or_tags_differ(stack.source, source)
