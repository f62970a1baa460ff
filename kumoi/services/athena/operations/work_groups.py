"""Work groups: create, get, list, update, delete; `primary` is always there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.athena import athena
from kumoi.services.athena.errors import invalid
from kumoi.services.athena.history import forget
from kumoi.services.athena.paging import page
from kumoi.services.athena.records import PRIMARY, WorkGroup, executions, listed, named_queries, prepared, work_groups
from kumoi.state import Transaction, transactional

ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}


@athena.operation
async def create_work_group(
    call: Call,
    Name: str,
    Configuration: dict[str, Any] | None = None,
    Description: str = "",
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Create a work group."""
    made = WorkGroup(
        name=Name,
        created=call.now,
        description=Description,
        configuration=Configuration or {},
        tags={one.get("Key", ""): one.get("Value", "") for one in Tags or ()},
    )
    await _create(call.state, made)
    return {}


@athena.operation
async def get_work_group(call: Call, WorkGroup: str) -> dict[str, Any]:
    """A work group."""
    found = await work_group(call.state, WorkGroup)
    shown = {
        "Name": found.name,
        "State": found.state,
        "Description": found.description,
        "CreationTime": found.created,
        "Configuration": {
            "ResultConfiguration": {},
            "EnforceWorkGroupConfiguration": True,
            "PublishCloudWatchMetricsEnabled": True,
            "RequesterPaysEnabled": False,
            "EngineVersion": ENGINE,
            **found.configuration,
        },
    }
    return {"WorkGroup": shown}


@athena.operation
async def list_work_groups(call: Call, NextToken: str | None = None, MaxResults: int | None = None) -> dict[str, Any]:
    """Work groups by name."""
    shown, more = page(await _list(call.state), lambda one: one.name, NextToken, MaxResults)
    listed = [
        {
            "Name": one.name,
            "State": one.state,
            "Description": one.description,
            "CreationTime": one.created,
            "EngineVersion": ENGINE,
        }
        for one in shown
    ]
    return {"WorkGroups": listed, **more}


@athena.operation
async def update_work_group(
    call: Call,
    WorkGroup: str,
    Description: str | None = None,
    ConfigurationUpdates: dict[str, Any] | None = None,
    State: str | None = None,
) -> dict[str, Any]:
    """Change what is given of a work group."""
    before = await work_group(call.state, WorkGroup)
    configuration = _updated(before.configuration, ConfigurationUpdates or {})
    changed = msgspec.structs.replace(
        before,
        configuration=configuration,
        description=before.description if Description is None else Description,
        state=State or before.state,
    )
    await _put(call.state, changed)
    return {}


@athena.operation
async def delete_work_group(call: Call, WorkGroup: str, RecursiveDeleteOption: bool = False) -> dict[str, Any]:
    """Delete a work group; with what is in it where it is not empty."""
    if WorkGroup == PRIMARY:
        raise invalid("The primary workgroup cannot be deleted.")
    await work_group(call.state, WorkGroup)
    await _delete(call.state, WorkGroup, RecursiveDeleteOption)
    return {}


def _updated(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    after = dict(before)
    for name, value in changes.items():
        if name == "ResultConfigurationUpdates":
            result = dict(after.get("ResultConfiguration") or {})
            for member, given in value.items():
                if member.startswith("Remove"):
                    if given:
                        result.pop(member.removeprefix("Remove"), None)
                else:
                    result[member] = given
            after["ResultConfiguration"] = result
        elif name == "RemoveBytesScannedCutoffPerQuery":
            if value:
                after.pop("BytesScannedCutoffPerQuery", None)
        elif value is not None:
            after[name] = value
    return after


@transactional
async def work_group(tx: Transaction, name: str) -> WorkGroup:
    """A work group; InvalidRequestException."""
    found = await work_groups.get(tx, name)
    if found is None and name == PRIMARY:
        return WorkGroup(name=PRIMARY, created=0.0, configuration={"EnforceWorkGroupConfiguration": False})
    if found is None:
        raise invalid(f"WorkGroup {name} is not found.")
    return found


@transactional
async def _create(tx: Transaction, made: WorkGroup) -> None:
    if made.name == PRIMARY or await work_groups.get(tx, made.name) is not None:
        raise invalid("WorkGroup is already created")
    await work_groups.put(tx, made)


@transactional
async def _put(tx: Transaction, one: WorkGroup) -> None:
    await work_groups.put(tx, one)


@transactional
async def _list(tx: Transaction) -> Sequence[WorkGroup]:
    found = await work_groups.list(tx)
    return found if any(one.name == PRIMARY for one in found) else [await work_group(tx, PRIMARY), *found]


@transactional
async def _delete(tx: Transaction, name: str, everything: bool) -> None:
    named = [one for one in await named_queries.list(tx) if one.work_group == name]
    done = await listed.list(tx, name)
    if (named or done or await prepared.list(tx, name)) and not everything:
        raise invalid(f"WorkGroup {name} is not empty")
    for query in named:
        await named_queries.delete(tx, query.id)
    for one in done:
        execution = await executions.get(tx, one.id)
        if execution is not None:
            await forget(tx, execution)
    await prepared.delete_all(tx, name)
    await work_groups.delete(tx, name)
