"""Archives: what a bus keeps of the events it got."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.events import archive_log, archive_retention, events
from kumoi.services.events.lookup import find_archive, find_bus
from kumoi.services.events.naming import bus_arn, bus_place, exists, page
from kumoi.services.events.operations.rules import check_pattern
from kumoi.services.events.records import Archive, archives
from kumoi.services.events.rule_index import changed
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@events.operation
async def create_archive(
    call: Call,
    ArchiveName: str,
    EventSourceArn: str,
    Description: str | None = None,
    EventPattern: str | None = None,
    RetentionDays: int = 0,
    KmsKeyIdentifier: str | None = None,
) -> dict[str, Any]:
    """Keep, from now on, the events of a bus that match a pattern (all without one), for some days or (0) for ever."""
    if EventPattern:
        check_pattern(EventPattern)
    archive = Archive(
        name=ArchiveName,
        id=uuid(),
        bus=bus_place(EventSourceArn, call.account, call.region).name,
        created=call.now,
        description=Description,
        pattern=EventPattern or None,
        retention_days=RetentionDays,
        kms_key=KmsKeyIdentifier,
    )
    await _create(call.state, archive)
    return _answer(call, archive)


@events.operation
async def update_archive(
    call: Call,
    ArchiveName: str,
    Description: str | None = None,
    EventPattern: str | None = None,
    RetentionDays: int | None = None,
    KmsKeyIdentifier: str | None = None,
) -> dict[str, Any]:
    """Change what is given of an archive; a pattern holds for events to come, an empty one is taken away."""
    given = {
        "description": Description,
        "pattern": EventPattern,
        "retention_days": RetentionDays,
        "kms_key": KmsKeyIdentifier,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if EventPattern == "":
        changes["pattern"] = None
    if not changes:
        raise aws_error(
            "ValidationException", "At least one of EventPattern, RetentionDays or Description must be provided."
        )
    if EventPattern:
        check_pattern(EventPattern)
    return _answer(call, await _update(call.state, ArchiveName, changes))


@events.operation
async def describe_archive(call: Call, ArchiveName: str) -> dict[str, Any]:
    """An archive with the number and the bytes of its events."""
    archive = await find_archive(call.state, ArchiveName)
    return {
        "ArchiveArn": call.arn("events", f"archive/{archive.name}"),
        "Description": archive.description,
        "EventPattern": archive.pattern,
        "KmsKeyIdentifier": archive.kms_key,
        **await _summary(call, archive),
    }


@events.operation
async def list_archives(
    call: Call,
    NamePrefix: str = "",
    EventSourceArn: str | None = None,
    State: str | None = None,
    NextToken: str | None = None,
    Limit: int | None = None,
) -> dict[str, Any]:
    """Archives by name."""
    if sum(given is not None for given in (NamePrefix or None, EventSourceArn, State)) > 1:
        raise aws_error(
            "ValidationException",
            "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.",
        )
    bus = None if EventSourceArn is None else bus_place(EventSourceArn, call.account, call.region).name
    found = [
        archive
        for archive in await _all(call.state)
        if archive.name.startswith(NamePrefix) and bus in (None, archive.bus) and State in (None, "ENABLED")
    ]
    shown, more = page(found, lambda archive: archive.name, NextToken, Limit)
    return {"Archives": [await _summary(call, archive) for archive in shown], **more}


@events.operation
async def delete_archive(call: Call, ArchiveName: str) -> None:
    """Delete an archive with its events."""
    archive = await _delete(call.state, ArchiveName)
    await archive_log.delete(call.lake, call.account, call.region, archive.id)


async def _summary(call: Call, archive: Archive) -> dict[str, Any]:
    count, size = await archive_log.measure(call.lake, call.account, call.region, archive, call.now)
    return {
        "ArchiveName": archive.name,
        "EventSourceArn": bus_arn(call.account, call.region, archive.bus),
        "State": "ENABLED",
        "RetentionDays": archive.retention_days,
        "SizeBytes": size,
        "EventCount": count,
        "CreationTime": archive.created,
    }


def _answer(call: Call, archive: Archive) -> dict[str, Any]:
    return {
        "ArchiveArn": call.arn("events", f"archive/{archive.name}"),
        "State": "ENABLED",
        "CreationTime": archive.created,
    }


@transactional
async def _create(tx: Transaction, archive: Archive) -> None:
    await find_bus(tx, archive.bus)
    if await archives.get(tx, archive.name) is not None:
        raise exists(f"Archive {archive.name} already exists.")
    await _store(tx, archive)


async def _store(tx: Transaction, archive: Archive) -> None:
    await archives.put(tx, archive)
    await changed(tx, archive.bus)
    archive_retention.schedule(tx, archive)


@transactional
async def _update(tx: Transaction, name: str, changes: dict[str, Any]) -> Archive:
    archive = msgspec.structs.replace(await find_archive(tx, name), **changes)
    await _store(tx, archive)
    return archive


@transactional
async def _all(tx: Transaction) -> list[Archive]:
    return await archives.list(tx)


@transactional
async def _delete(tx: Transaction, name: str) -> Archive:
    archive = await find_archive(tx, name)
    await archives.delete(tx, name)
    await changed(tx, archive.bus)
    archive_retention.schedule(tx, msgspec.structs.replace(archive, retention_days=0))
    return archive
