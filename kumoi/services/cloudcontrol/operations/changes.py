"""CreateResource, UpdateResource, DeleteResource: carried out before they are answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from msgspec.structs import replace

from kumoi.doorway import Call, CallDropped
from kumoi.doorway.resource_types import ResourceType
from kumoi.names import uuid
from kumoi.services.cloudcontrol import cloudcontrol
from kumoi.services.cloudcontrol.patches import PatchError, patched
from kumoi.services.cloudcontrol.records import Operation, Request
from kumoi.services.cloudcontrol.requests import event, keep, known
from kumoi.services.cloudcontrol.types import asking, error_code, model, not_found, read, stated, type_named
from kumoi.wire.errors import AwsError, aws_error

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)
"""What a type's function raises for properties of the wrong shape, which no model has checked."""
Done = tuple[str, str]
"""The identifier of a resource, and its model."""


def _invalid(text: str) -> AwsError:
    return aws_error("InvalidRequestException", text)


async def _carried_out(
    call: Call, operation: Operation, declared: ResourceType, asked: str, act: Callable[[str], Awaitable[Done]]
) -> dict[str, Any]:
    """Carry out a request, or tell of the one that came with the same client token; its progress event."""
    client = str(call.params.get("ClientToken") or "")
    earlier = await known(call.state, client) if client else None
    if earlier is not None:
        if (earlier.operation, earlier.kind, earlier.asked) != (operation, declared.name, asked):
            raise aws_error("ClientTokenConflictException", f"The client token {client} belongs to another request.")
        return {"ProgressEvent": event(earlier)}
    token = uuid()
    request = Request(
        token=token,
        kind=declared.name,
        operation=operation,
        time=call.now,
        identifier=str(call.params.get("Identifier") or ""),
        client=client,
        asked=asked,
    )
    try:
        identifier, told = await act(token)
    except AwsError as error:
        request = replace(request, error=error_code(error), message=error.message)
    except CallDropped:
        request = replace(request, error="NetworkFailure", message="A service did not answer.")
    except _MALFORMED as error:
        text = f"A property is missing or of the wrong type: {error!r}"
        request = replace(request, error="InvalidRequest", message=text)
    else:
        request = replace(request, identifier=identifier, model=told)
    await keep(call.state, request)
    return {"ProgressEvent": event(request)}


@cloudcontrol.operation
async def create_resource(
    call: Call, TypeName: str, DesiredState: str, ClientToken: str | None = None
) -> dict[str, Any]:
    """Make a resource of the properties that a model states."""
    declared = type_named(call, TypeName)
    try:
        properties = orjson.loads(DesiredState)
    except orjson.JSONDecodeError:
        raise _invalid("DesiredState is not JSON.") from None
    if not isinstance(properties, dict):
        raise _invalid("DesiredState is not an object.")

    async def act(token: str) -> Done:
        asked = asking(call, TypeName, token.replace("-", ""), properties)
        try:
            made = await declared.create(asked)
        except (AwsError, *_MALFORMED):
            for begun in reversed(asked.begun):
                await declared.delete(asking(call, TypeName, "", properties, identifier=begun.physical_id))
            raise
        return made.physical_id, model(declared, await read(call, declared, made.physical_id))

    return await _carried_out(call, "CREATE", declared, DesiredState, act)


@cloudcontrol.operation
async def update_resource(
    call: Call, TypeName: str, Identifier: str, PatchDocument: str, ClientToken: str | None = None
) -> dict[str, Any]:
    """Change a resource by a patch of its model."""
    declared = type_named(call, TypeName)
    reading = await _existing(call, declared, Identifier)
    before = stated(reading)
    try:
        wanted = patched(before, PatchDocument)
    except PatchError as error:
        raise _invalid(f"PatchDocument is not valid: {error}") from None
    changed = frozenset(name for name in {*before, *wanted} if before.get(name) != wanted.get(name))
    if declared.update is None or declared.replaces(changed):
        names = ", ".join(sorted(changed & declared.replaced_by)) or "any property"
        raise aws_error("NotUpdatableException", f"Resources of type {TypeName} cannot change {names}.")
    update = declared.update

    async def act(token: str) -> Done:
        asked = asking(
            call,
            TypeName,
            token.replace("-", ""),
            wanted,
            identifier=Identifier,
            before=before,
            attributes=reading.resource.attributes,
        )
        made = await update(asked)
        return made.physical_id, model(declared, await read(call, declared, made.physical_id))

    return await _carried_out(call, "UPDATE", declared, f"{Identifier} {PatchDocument}", act)


@cloudcontrol.operation
async def delete_resource(call: Call, TypeName: str, Identifier: str, ClientToken: str | None = None) -> dict[str, Any]:
    """Delete a resource."""
    declared = type_named(call, TypeName)

    async def act(_token: str) -> Done:
        reading = await _existing(call, declared, Identifier)
        attributes = reading.resource.attributes
        given = asking(call, TypeName, "", stated(reading), identifier=Identifier, attributes=attributes)
        await declared.delete(given)
        return Identifier, ""

    return await _carried_out(call, "DELETE", declared, Identifier, act)


async def _existing(call: Call, declared: ResourceType, identifier: str) -> Any:
    try:
        return await read(call, declared, identifier)
    except AwsError as error:
        if error_code(error) == "NotFound" or error.default_status == 404:
            raise not_found(declared, identifier) from None
        raise
