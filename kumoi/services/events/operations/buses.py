"""Event buses: create, describe, update, list, delete."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.events import events
from kumoi.services.events.lookup import find_bus, get_bus
from kumoi.services.events.naming import bus_arn, bus_name, check_dead_letters, exists, invalid, page
from kumoi.services.events.operations.tags import tags_of
from kumoi.services.events.records import DEFAULT_BUS, EventBus, archives, buses, rules
from kumoi.services.events.rule_index import changed
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@events.operation
async def create_event_bus(
    call: Call,
    Name: str,
    Description: str | None = None,
    KmsKeyIdentifier: str | None = None,
    DeadLetterConfig: dict[str, str] | None = None,
    LogConfig: dict[str, str] | None = None,
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Create a bus of one's own."""
    if Name == DEFAULT_BUS:
        raise exists(f"Event bus {Name} already exists.")
    if "/" in Name:
        raise invalid("Name", "Event bus name must not contain '/'.")
    extras = _extras(Description, KmsKeyIdentifier, DeadLetterConfig, LogConfig)
    bus = EventBus(name=Name, created=call.now, modified=call.now, tags=tags_of(Tags), extras=extras)
    await _create(call.state, bus)
    return {"EventBusArn": bus_arn(call.account, call.region, Name), **extras}


@events.operation
async def update_event_bus(
    call: Call,
    Name: str | None = None,
    Description: str | None = None,
    KmsKeyIdentifier: str | None = None,
    DeadLetterConfig: dict[str, str] | None = None,
    LogConfig: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Change the settings given of a bus."""
    extras = _extras(Description, KmsKeyIdentifier, DeadLetterConfig, LogConfig)
    bus = await _update(call.state, bus_name(Name), extras)
    return {"Name": bus.name, "Arn": bus_arn(call.account, call.region, bus.name), **bus.extras}


@events.operation
async def describe_event_bus(call: Call, Name: str | None = None) -> dict[str, Any]:
    """A bus with its policy."""
    bus = await find_bus(call.state, bus_name(Name))
    return {**_describe(call, bus), **bus.extras}


@events.operation
async def list_event_buses(
    call: Call, NamePrefix: str = "", NextToken: str | None = None, Limit: int | None = None
) -> dict[str, Any]:
    """Buses by name, the default one included."""
    found = [bus for bus in await _all(call.state) if bus.name.startswith(NamePrefix)]
    shown, more = page(found, lambda bus: bus.name, NextToken, Limit)
    described = [{**_describe(call, bus), "Description": bus.extras.get("Description")} for bus in shown]
    return {"EventBuses": described, **more}


@events.operation
async def delete_event_bus(call: Call, Name: str) -> None:
    """Delete a bus without rules; one that does not exist is deleted already."""
    name = bus_name(Name)
    if name == DEFAULT_BUS:
        raise aws_error("ValidationException", f"Cannot delete event bus {name}.")
    await _delete(call.state, name)


def _extras(
    description: str | None, kms_key: str | None, dead_letters: dict[str, str] | None, log: dict[str, str] | None
) -> dict[str, Any]:
    check_dead_letters(dead_letters)
    given = {
        "Description": description,
        "KmsKeyIdentifier": kms_key,
        "DeadLetterConfig": dead_letters,
        "LogConfig": log,
    }
    return {name: value for name, value in given.items() if value is not None}


def _describe(call: Call, bus: EventBus) -> dict[str, Any]:
    described: dict[str, Any] = {"Name": bus.name, "Arn": bus_arn(call.account, call.region, bus.name)}
    if bus.policy is not None:
        described["Policy"] = orjson.dumps(bus.policy).decode()
    if bus.created:
        described |= {"CreationTime": bus.created, "LastModifiedTime": bus.modified}
    return described


@transactional
async def _create(tx: Transaction, bus: EventBus) -> None:
    if await buses.get(tx, bus.name) is not None:
        raise exists(f"Event bus {bus.name} already exists.")
    await buses.put(tx, bus)
    await changed(tx, bus.name)


@transactional
async def _update(tx: Transaction, name: str, extras: dict[str, Any]) -> EventBus:
    bus = await find_bus(tx, name)
    kept = {name: value for name, value in {**bus.extras, **extras}.items() if value}  # empty ones are taken away
    bus = msgspec.structs.replace(bus, extras=kept, modified=tx.now, created=bus.created or tx.now)
    await buses.put(tx, bus)
    return bus


@transactional
async def _all(tx: Transaction) -> list[EventBus]:
    found = {bus.name: bus for bus in await buses.list(tx)}
    default = await get_bus(tx, DEFAULT_BUS)
    if default is not None:
        found[DEFAULT_BUS] = default
    return [found[name] for name in sorted(found)]


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    if await rules.list(tx, name, limit=1):
        raise aws_error("ValidationException", f"Cannot delete event bus {name}: it has rules.")
    if any(archive.bus == name for archive in await archives.list(tx)):
        raise aws_error("ValidationException", f"Cannot delete event bus {name}: it has archives.")
    await buses.delete(tx, name)
    await changed(tx, name)
