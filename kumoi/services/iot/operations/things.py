"""Things of the registry."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.iot import iot
from kumoi.services.iot.job_rules import forget_things
from kumoi.services.iot.naming import given, invalid, not_found, page
from kumoi.services.iot.records import (
    Thing,
    members,
    memberships,
    shadows,
    thing_principals,
    thing_types,
    things,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@iot.operation
async def create_thing(
    call: Call, thingName: str, thingTypeName: str | None = None, attributePayload: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Make a thing; one that is the same already is answered as it is."""
    attributes = {key: value for key, value in (attributePayload or {}).get("attributes", {}).items() if value}
    thing = await _create(call.state, call, Thing(name=thingName, id=uuid(), type=thingTypeName, attributes=attributes))
    return {"thingName": thing.name, "thingArn": call.arn("iot", f"thing/{thing.name}"), "thingId": thing.id}


@iot.operation
async def describe_thing(call: Call, thingName: str) -> dict[str, Any]:
    """A thing."""
    thing = await find_thing(call.state, thingName)
    return {
        "defaultClientId": thing.name,
        "thingName": thing.name,
        "thingId": thing.id,
        "thingArn": call.arn("iot", f"thing/{thing.name}"),
        "attributes": thing.attributes,
        "version": thing.version,
        **given(thingTypeName=thing.type),
    }


@iot.operation
async def update_thing(
    call: Call,
    thingName: str,
    thingTypeName: str | None = None,
    attributePayload: dict[str, Any] | None = None,
    expectedVersion: int | None = None,
    removeThingType: bool = False,
) -> None:
    """Change a thing: its attributes are replaced, or merged (an empty value removes one)."""
    await _update(call.state, thingName, thingTypeName, attributePayload, expectedVersion, removeThingType)


@iot.operation
async def list_things(
    call: Call,
    nextToken: str | None = None,
    maxResults: int | None = None,
    attributeName: str | None = None,
    attributeValue: str | None = None,
    thingTypeName: str | None = None,
    usePrefixAttributeValue: bool = False,
) -> dict[str, Any]:
    """Things by name, those of a type or with an attribute."""

    def meant(thing: Thing) -> bool:
        value = thing.attributes.get(attributeName or "")
        if thingTypeName is not None and thing.type != thingTypeName:
            return False
        if attributeName is None:
            return True
        if value is None or attributeValue is None:
            return value is not None
        return value.startswith(attributeValue) if usePrefixAttributeValue else value == attributeValue

    found, more = page(list(filter(meant, await _list(call.state))), lambda one: one.name, nextToken, maxResults)
    return {
        "things": [
            {
                "thingName": thing.name,
                "thingArn": call.arn("iot", f"thing/{thing.name}"),
                "attributes": thing.attributes,
                "version": thing.version,
                **given(thingTypeName=thing.type),
            }
            for thing in found
        ],
        **more,
    }


@iot.operation
async def delete_thing(call: Call, thingName: str, expectedVersion: int | None = None) -> None:
    """Delete a thing and its shadows; no error when there is none."""
    await _delete(call.state, thingName, expectedVersion)


@transactional
async def find_thing(tx: Transaction, name: str) -> Thing:
    """A thing; ResourceNotFoundException when there is none."""
    thing = await things.get(tx, name)
    if thing is None:
        raise not_found(f"Thing {name} not found.")
    return thing


@transactional
async def _create(tx: Transaction, call: Call, thing: Thing) -> Thing:
    before = await things.get(tx, thing.name)
    if before is not None:
        if (before.type, before.attributes) == (thing.type, thing.attributes):
            return before
        raise aws_error(
            "ResourceAlreadyExistsException",
            f"Thing {thing.name} already exists in account with different attributes",
            resourceId=thing.name,
            resourceArn=call.arn("iot", f"thing/{thing.name}"),
        )
    await _check_type(tx, thing.type)
    await things.put(tx, thing)
    return thing


@transactional
async def _check_type(tx: Transaction, name: str | None) -> None:
    """Raise for a type that things cannot be given."""
    if name is None:
        return
    kind = await thing_types.get(tx, name)
    if kind is None:
        raise not_found(f"Thing type {name} not found.")
    if kind.deprecated is not None:
        raise invalid(f"Can not create new thing with deprecated thing type:{name}")


@transactional
async def _update(
    tx: Transaction,
    name: str,
    kind: str | None,
    payload: dict[str, Any] | None,
    expected: int | None,
    remove_type: bool,
) -> None:
    thing = await find_thing(tx, name)
    _check_version(thing, expected)
    attributes = thing.attributes
    if payload is not None:
        stated = payload.get("attributes", {})
        merged = {**attributes, **stated} if payload.get("merge") else stated
        attributes = {key: value for key, value in merged.items() if value}
    await _check_type(tx, kind)
    kind = None if remove_type else kind or thing.type
    await things.put(tx, msgspec.structs.replace(thing, type=kind, attributes=attributes, version=thing.version + 1))


@transactional
async def _delete(tx: Transaction, name: str, expected: int | None) -> None:
    thing = await things.get(tx, name)
    if thing is not None:
        _check_version(thing, expected)
        if await thing_principals.list(tx, name, limit=1):
            raise invalid(f"Cannot delete. Thing {name} is still attached to one or more principals")
        await forget_things(tx, name)
        for member in await memberships.list(tx, name):
            await members.delete(tx, member.group, name)
        await memberships.delete_all(tx, name)
        await things.delete(tx, name)
        await shadows.delete_all(tx, name)


def _check_version(thing: Thing, expected: int | None) -> None:
    if expected is not None and expected != thing.version:
        raise aws_error(
            "VersionConflictException",
            f"The version for resource {thing.name} does not match the expected version.",
            status=409,
        )


@transactional
async def _list(tx: Transaction) -> list[Thing]:
    return await things.list(tx)
