"""Versions of state machines: what a machine was when it was published."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.stepfunctions import stepfunctions
from kumoi.services.stepfunctions.lookup import find_machine, place_of
from kumoi.services.stepfunctions.naming import invalid_arn, machine_arn, small_number
from kumoi.services.stepfunctions.operations.machines import publish_version
from kumoi.services.stepfunctions.paging import page
from kumoi.services.stepfunctions.records import VersionRecord, aliases, machines, versions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@stepfunctions.operation
async def publish_state_machine_version(
    call: Call, stateMachineArn: str, revisionId: str | None = None, description: str | None = None
) -> dict[str, Any]:
    """Publish what a machine is now; a version that is the same already is answered again."""
    found = await find_machine(call, stateMachineArn)
    if found.arn.qualifier is not None:
        raise invalid_arn(f"Resource type not valid in this context: {stateMachineArn}")
    if revisionId is not None and revisionId not in (found.machine.revision, found.machine.revision or "INITIAL"):
        raise aws_error(
            "ConflictException",
            f"Failed to publish the State Machine version for revision {revisionId}. The current State Machine "
            f"revision is {found.machine.revision or 'INITIAL'}.",
        )
    published = await _publish(place_of(call, found.arn), found.machine.name, description)
    return {"stateMachineVersionArn": f"{stateMachineArn}:{published.number}", "creationDate": published.created}


@transactional
async def _publish(tx: Transaction, name: str, description: str | None) -> VersionRecord:
    machine = await machines.get(tx, name)
    assert machine is not None
    version = await versions.get(tx, name, await publish_version(tx, machine, description))
    assert version is not None
    return version


@stepfunctions.operation
async def list_state_machine_versions(
    call: Call, stateMachineArn: str, maxResults: int = 0, nextToken: str | None = None
) -> dict[str, Any]:
    """The versions of a machine, the newest first."""
    found = await find_machine(call, stateMachineArn)
    shown, more = page(await _versions(place_of(call, found.arn), found.machine.name), nextToken, maxResults, 100)
    listed = [
        {"stateMachineVersionArn": f"{stateMachineArn}:{one.number}", "creationDate": one.created} for one in shown
    ]
    return {"stateMachineVersions": listed, **more}


@transactional
async def _versions(tx: Transaction, name: str) -> list[VersionRecord]:
    return await versions.list(tx, name, reverse=True)


@stepfunctions.operation
async def delete_state_machine_version(call: Call, stateMachineVersionArn: str) -> dict[str, Any]:
    """Delete a version that no alias leads to."""
    parsed = machine_arn(stateMachineVersionArn)
    version = small_number(parsed.qualifier)
    if version is None:
        raise invalid_arn(f"Resource type not valid in this context: {stateMachineVersionArn}")
    await _delete(place_of(call, parsed), parsed.name, version)
    return {}


@transactional
async def _delete(tx: Transaction, name: str, number: int) -> None:
    holders = [one.name for one in await aliases.list(tx, name) if number in [version for version, _ in one.routes]]
    if holders:
        raise aws_error(
            "ConflictException",
            "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this "
            f"version: [{', '.join(holders)}]",
        )
    await versions.delete(tx, name, number)
