"""Applications: names for deployment groups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.codedeploy import codedeploy
from kumoi.services.codedeploy.records import Application, applications, deployments, groups
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@codedeploy.operation
async def create_application(
    call: Call, applicationName: str, computePlatform: str = "Server", tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Make an application for functions."""
    if computePlatform != "Lambda":
        raise aws_error("InvalidComputePlatformException", "Kumoi's codedeploy deploys functions: use Lambda.")
    made = Application(name=applicationName, id=uuid(), created=call.now, tags=tags_of(tags or []))
    await _add(call.state, made)
    return {"applicationId": made.id}


@codedeploy.operation
async def get_application(call: Call, applicationName: str) -> dict[str, Any]:
    """An application."""
    found = await find_application(call.state, applicationName)
    return {
        "application": {
            "applicationId": found.id,
            "applicationName": found.name,
            "createTime": datetime.fromtimestamp(found.created, UTC),
            "linkedToGitHub": False,
            "computePlatform": "Lambda",
        }
    }


@codedeploy.operation
async def list_applications(call: Call, nextToken: str | None = None) -> dict[str, Any]:
    """The names of applications."""
    return {"applications": [one.name for one in await _all(call.state)]}


@codedeploy.operation
async def update_application(
    call: Call, applicationName: str | None = None, newApplicationName: str | None = None
) -> None:
    """Give an application another name, under which it has its groups and deployments."""
    if not applicationName:
        raise aws_error("ApplicationNameRequiredException", "The application's name is required.")
    if newApplicationName and newApplicationName != applicationName:
        await _rename(call.state, applicationName, newApplicationName)
    else:
        await find_application(call.state, applicationName)


@codedeploy.operation
async def delete_application(call: Call, applicationName: str) -> None:
    """Delete an application with its groups; nothing when there is none."""
    await _remove(call.state, applicationName)


def tags_of(stated: list[dict[str, str]]) -> dict[str, str]:
    """Tags as they are stored."""
    return {one.get("Key", ""): one.get("Value", "") for one in stated}


@transactional
async def find_application(tx: Transaction, name: str) -> Application:
    """The application of a name; ApplicationDoesNotExistException."""
    found = await applications.get(tx, name)
    if found is None:
        raise aws_error("ApplicationDoesNotExistException", f"No application found for name: {name}")
    return found


@transactional
async def _add(tx: Transaction, made: Application) -> None:
    if await applications.get(tx, made.name) is not None:
        raise aws_error("ApplicationAlreadyExistsException", f"Application already exists with name: {made.name}")
    await applications.put(tx, made)


@transactional
async def _rename(tx: Transaction, name: str, other: str) -> None:
    found = await find_application(tx, name)
    await _add(tx, msgspec.structs.replace(found, name=other))
    await applications.delete(tx, name)
    for group in await groups.list(tx, name):
        await groups.put(tx, msgspec.structs.replace(group, application=other))
    await groups.delete_all(tx, name)
    for deployment in await deployments.list(tx):
        if deployment.application == name:
            await deployments.put(tx, msgspec.structs.replace(deployment, application=other))


@transactional
async def _all(tx: Transaction) -> list[Application]:
    return await applications.list(tx)


@transactional
async def _remove(tx: Transaction, name: str) -> None:
    await applications.delete(tx, name)
    await groups.delete_all(tx, name)
