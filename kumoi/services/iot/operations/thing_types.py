"""Types of things."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.iot import iot
from kumoi.services.iot.naming import invalid, not_found, page
from kumoi.services.iot.records import Tags, ThingType, tagged, thing_types, things
from kumoi.state import Transaction, transactional


@iot.operation
async def create_thing_type(
    call: Call,
    thingTypeName: str,
    thingTypeProperties: dict[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Make a type."""
    kind = ThingType(name=thingTypeName, id=uuid(), created=call.now, properties=thingTypeProperties or {})
    arn = call.arn("iot", f"thingtype/{kind.name}")
    kind = await _create(call.state, kind, arn, {one["Key"]: one.get("Value", "") for one in tags or ()})
    return {
        "thingTypeName": kind.name,
        "thingTypeArn": call.arn("iot", f"thingtype/{kind.name}"),
        "thingTypeId": kind.id,
    }


@iot.operation
async def update_thing_type(
    call: Call, thingTypeName: str, thingTypeProperties: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Replace those properties of a type that are given."""
    await _update(call.state, thingTypeName, thingTypeProperties or {})
    return {}


@iot.operation
async def describe_thing_type(call: Call, thingTypeName: str) -> dict[str, Any]:
    """A type."""
    kind = await _find(call.state, thingTypeName)
    return {**_shown(call, kind), "thingTypeId": kind.id}


@iot.operation
async def list_thing_types(
    call: Call, nextToken: str | None = None, maxResults: int | None = None, thingTypeName: str | None = None
) -> dict[str, Any]:
    """Types by name."""
    listed = [one for one in await _list(call.state) if thingTypeName in (None, one.name)]
    found, more = page(listed, lambda one: one.name, nextToken, maxResults)
    return {"thingTypes": [_shown(call, one) for one in found], **more}


@iot.operation
async def deprecate_thing_type(call: Call, thingTypeName: str, undoDeprecate: bool = False) -> None:
    """Say that a type is not to be used for new things, or that it is again."""
    await _deprecate(call.state, thingTypeName, None if undoDeprecate else call.now)


@iot.operation
async def delete_thing_type(call: Call, thingTypeName: str) -> None:
    """Delete a type that is deprecated and that no thing has."""
    await _delete(call.state, thingTypeName, call.arn("iot", f"thingtype/{thingTypeName}"))


def _shown(call: Call, kind: ThingType) -> dict[str, Any]:
    metadata: dict[str, Any] = {"deprecated": kind.deprecated is not None, "creationDate": kind.created}
    if kind.deprecated is not None:
        metadata["deprecationDate"] = kind.deprecated
    return {
        "thingTypeName": kind.name,
        "thingTypeArn": call.arn("iot", f"thingtype/{kind.name}"),
        "thingTypeProperties": kind.properties,
        "thingTypeMetadata": metadata,
    }


@transactional
async def _create(tx: Transaction, kind: ThingType, arn: str, tags: dict[str, str]) -> ThingType:
    before = await thing_types.get(tx, kind.name)
    if before is not None:
        return before
    await thing_types.put(tx, kind)
    if tags:
        await tagged.put(tx, Tags(arn, tags))
    return kind


@transactional
async def _find(tx: Transaction, name: str) -> ThingType:
    kind = await thing_types.get(tx, name)
    if kind is None:
        raise not_found(f"Thing type {name} not found.")
    return kind


@transactional
async def _update(tx: Transaction, name: str, stated: dict[str, Any]) -> None:
    kind = await _find(tx, name)
    await thing_types.put(tx, msgspec.structs.replace(kind, properties={**kind.properties, **stated}))


@transactional
async def _deprecate(tx: Transaction, name: str, at: float | None) -> None:
    await thing_types.put(tx, msgspec.structs.replace(await _find(tx, name), deprecated=at))


@transactional
async def _delete(tx: Transaction, name: str, arn: str) -> None:
    kind = await _find(tx, name)
    if kind.deprecated is None:
        raise invalid(f"Cannot delete thing type {name}: it is not deprecated.")
    if any(thing.type == name for thing in await things.list(tx)):
        raise invalid(f"Cannot delete thing type {name}: there are things of it.")
    await thing_types.delete(tx, name)
    await tagged.delete(tx, arn)


@transactional
async def _list(tx: Transaction) -> list[ThingType]:
    return await thing_types.list(tx)
