"""Groups of schedules: create, get, list, delete."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.scheduler import firing, scheduler
from kumoi.services.scheduler.naming import conflict, group_arn, invalid, not_found, page
from kumoi.services.scheduler.records import DEFAULT_GROUP, ScheduleGroup, groups, schedules
from kumoi.state import Transaction, transactional


@scheduler.operation
async def create_schedule_group(
    call: Call, Name: str, Tags: list[dict[str, str]] | None = None, ClientToken: str | None = None
) -> dict[str, Any]:
    """Create a group; the same request with the same ClientToken once more changes nothing."""
    tags = {tag["Key"]: tag["Value"] for tag in Tags or ()}
    group = ScheduleGroup(name=Name, created=call.now, modified=call.now, tags=tags, token=ClientToken)
    await _create(call.state, group)
    return {"ScheduleGroupArn": group_arn(call.account, call.region, Name)}


@scheduler.operation
async def get_schedule_group(call: Call, Name: str) -> dict[str, Any]:
    """A group."""
    return _describe(call, await find_group(call.state, Name))


@scheduler.operation
async def list_schedule_groups(
    call: Call, NamePrefix: str = "", NextToken: str | None = None, MaxResults: int | None = None
) -> dict[str, Any]:
    """Groups by name, the default one included."""
    found = [group for group in await _all(call.state) if group.name.startswith(NamePrefix)]
    shown, more = page(found, lambda group: group.name, NextToken, MaxResults)
    return {"ScheduleGroups": [_describe(call, group) for group in shown], **more}


@scheduler.operation
async def delete_schedule_group(call: Call, Name: str, ClientToken: str | None = None) -> None:
    """Delete a group with its schedules."""
    if Name == DEFAULT_GROUP:
        raise invalid("The default schedule group cannot be deleted.")
    await _delete(call.state, Name)


@transactional
async def find_group(tx: Transaction, name: str) -> ScheduleGroup:
    """The group of that name; the default one is always there."""
    group = await groups.get(tx, name)
    if group is not None:
        return group
    if name == DEFAULT_GROUP:
        return ScheduleGroup(name=DEFAULT_GROUP, created=0.0, modified=0.0)
    raise not_found(f"Schedule group {name} does not exist.")


def _describe(call: Call, group: ScheduleGroup) -> dict[str, Any]:
    return {
        "Arn": group_arn(call.account, call.region, group.name),
        "Name": group.name,
        "State": "ACTIVE",
        "CreationDate": group.created,
        "LastModificationDate": group.modified,
    }


@transactional
async def _create(tx: Transaction, group: ScheduleGroup) -> None:
    known = await groups.get(tx, group.name)
    if known is None and group.name != DEFAULT_GROUP:
        await groups.put(tx, group)
        return
    same = known is not None and known.token is not None and (known.token, known.tags) == (group.token, group.tags)
    if not same:
        raise conflict(f"Schedule group {group.name} already exists.")


@transactional
async def _all(tx: Transaction) -> list[ScheduleGroup]:
    found = {group.name: group for group in await groups.list(tx)}
    found[DEFAULT_GROUP] = await find_group(tx, DEFAULT_GROUP)
    return [found[name] for name in sorted(found)]


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await find_group(tx, name)
    for schedule in await schedules.list(tx, name):
        await firing.delete(tx, schedule)
    await groups.delete(tx, name)
