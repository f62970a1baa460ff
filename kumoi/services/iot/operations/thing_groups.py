"""Groups of things, one below another; a group's policies count for the certificates of its things."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn, uuid
from kumoi.services.iot import iot
from kumoi.services.iot.job_notices import tell
from kumoi.services.iot.job_rollouts import join
from kumoi.services.iot.naming import given, invalid, not_found, page
from kumoi.services.iot.operations.policy_attachments import groups_above
from kumoi.services.iot.operations.things import find_thing
from kumoi.services.iot.records import (
    Member,
    Tags,
    ThingGroup,
    attachments,
    members,
    memberships,
    tagged,
    targets,
    thing_groups,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@iot.operation
async def create_thing_group(
    call: Call,
    thingGroupName: str,
    parentGroupName: str | None = None,
    thingGroupProperties: dict[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Make a group; one that is the same already is answered as it is."""
    stated = thingGroupProperties or {}
    group = ThingGroup(
        name=thingGroupName,
        id=uuid(),
        created=call.now,
        parent=parentGroupName,
        description=stated.get("thingGroupDescription"),
        attributes=dict(stated.get("attributePayload", {}).get("attributes", {})),
    )
    group = await _create(call.state, call, group, {one["Key"]: one.get("Value", "") for one in tags or ()})
    return {"thingGroupName": group.name, "thingGroupArn": _arn(call, group.name), "thingGroupId": group.id}


@iot.operation
async def describe_thing_group(call: Call, thingGroupName: str) -> dict[str, Any]:
    """A group, and what it is below."""
    group, above = await _with_parents(call.state, thingGroupName)
    parents = [{"groupName": name, "groupArn": _arn(call, name)} for name in reversed(above)]
    attributes = {"attributePayload": {"attributes": group.attributes}} if group.attributes else {}
    return {
        "thingGroupName": group.name,
        "thingGroupId": group.id,
        "thingGroupArn": _arn(call, group.name),
        "version": group.version,
        "thingGroupProperties": {**given(thingGroupDescription=group.description), **attributes},
        "thingGroupMetadata": {
            "rootToParentThingGroups": parents,
            "creationDate": group.created,
            **given(parentGroupName=group.parent),
        },
    }


@iot.operation
async def update_thing_group(
    call: Call, thingGroupName: str, thingGroupProperties: dict[str, Any], expectedVersion: int | None = None
) -> dict[str, Any]:
    """Change a group's properties; attributes are replaced, or merged (an empty value removes one)."""
    return {"version": await _update(call.state, thingGroupName, thingGroupProperties, expectedVersion)}


@iot.operation
async def delete_thing_group(call: Call, thingGroupName: str, expectedVersion: int | None = None) -> dict[str, Any]:
    """Delete a group that no other is below; no error when there is none. Its things stay."""
    await _delete(call.state, call, thingGroupName, expectedVersion)
    return {}


@iot.operation
async def list_thing_groups(
    call: Call,
    nextToken: str | None = None,
    maxResults: int | None = None,
    parentGroup: str | None = None,
    namePrefixFilter: str | None = None,
    recursive: bool = True,
) -> dict[str, Any]:
    """Groups by name: all, those below one (`recursive`: at any depth), those whose names begin so."""
    listed = await _below(call.state, parentGroup, recursive)
    listed = [one for one in listed if one.name.startswith(namePrefixFilter or "")]
    found, more = page(listed, lambda one: one.name, nextToken, maxResults)
    return {"thingGroups": [_shown(call, one.name) for one in found], **more}


@iot.operation
async def add_thing_to_thing_group(
    call: Call,
    thingGroupName: str | None = None,
    thingGroupArn: str | None = None,
    thingName: str | None = None,
    thingArn: str | None = None,
    overrideDynamicGroups: bool = False,
) -> dict[str, Any]:
    """Put a thing into a group."""
    group = _name(thingGroupName, thingGroupArn, "thinggroup")
    await _move(call, _name(thingName, thingArn, "thing"), [group], [])
    return {}


@iot.operation
async def remove_thing_from_thing_group(
    call: Call,
    thingGroupName: str | None = None,
    thingGroupArn: str | None = None,
    thingName: str | None = None,
    thingArn: str | None = None,
) -> dict[str, Any]:
    """Take a thing out of a group."""
    group = _name(thingGroupName, thingGroupArn, "thinggroup")
    await _change(call.state, _name(thingName, thingArn, "thing"), [], [group])
    return {}


@iot.operation
async def update_thing_groups_for_thing(
    call: Call,
    thingName: str | None = None,
    thingGroupsToAdd: list[str] | None = None,
    thingGroupsToRemove: list[str] | None = None,
    overrideDynamicGroups: bool = False,
) -> dict[str, Any]:
    """Put a thing into groups and take it out of others."""
    await _move(call, _name(thingName, None, "thing"), thingGroupsToAdd or [], thingGroupsToRemove or [])
    return {}


@iot.operation
async def list_thing_groups_for_thing(
    call: Call, thingName: str, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The groups that a thing is in."""
    found, more = page(await _of_thing(call.state, thingName), str, nextToken, maxResults)
    return {"thingGroups": [_shown(call, name) for name in found], **more}


@iot.operation
async def list_things_in_thing_group(
    call: Call,
    thingGroupName: str,
    recursive: bool = False,
    nextToken: str | None = None,
    maxResults: int | None = None,
) -> dict[str, Any]:
    """The things in a group; `recursive`: in those below it, too."""
    found, more = page(await _things(call.state, thingGroupName, recursive), str, nextToken, maxResults)
    return {"things": list(found), **more}


async def _move(call: Call, thing: str, add: list[str], remove: list[str]) -> None:
    """Change the groups of a thing; it gets the continuous jobs of those that it comes into."""
    if await _change(call.state, thing, add, remove):
        await tell(call, [thing])


def _arn(call: Call, name: str) -> str:
    return call.arn("iot", f"thinggroup/{name}")


def _shown(call: Call, name: str) -> dict[str, str]:
    return {"groupName": name, "groupArn": _arn(call, name)}


def _name(name: str | None, arn: str | None, kind: str) -> str:
    """The name that is given, or that of the ARN that is given."""
    if name is None and arn is not None:
        try:
            found, _, name = Arn.parse(arn).resource.partition("/")
        except ValueError:
            found = ""
        if found != kind or not name:
            raise invalid(f"Invalid ARN {arn}")
    if not name:
        raise invalid(f"The name or the ARN of the {'thing' if kind == 'thing' else 'thing group'} is required.")
    return name


@transactional
async def _find(tx: Transaction, name: str) -> ThingGroup:
    group = await thing_groups.get(tx, name)
    if group is None:
        raise not_found(f"Thing group {name} not found.")
    return group


@transactional
async def _create(tx: Transaction, call: Call, group: ThingGroup, tags: dict[str, str]) -> ThingGroup:
    before = await thing_groups.get(tx, group.name)
    if before is not None:
        if msgspec.structs.replace(before, id=group.id, created=group.created, version=1) == group:
            return before
        raise aws_error(
            "ResourceAlreadyExistsException",
            f"Thing Group {group.name} already exists in current account with different properties",
            resourceId=before.id,
            resourceArn=_arn(call, group.name),
        )
    if group.parent is not None:
        await _find(tx, group.parent)
    await thing_groups.put(tx, group)
    if tags:
        await tagged.put(tx, Tags(_arn(call, group.name), tags))
    return group


@transactional
async def _with_parents(tx: Transaction, name: str) -> tuple[ThingGroup, list[str]]:
    group = await _find(tx, name)
    return group, (await groups_above(tx, name))[1:]


@transactional
async def _update(tx: Transaction, name: str, stated: dict[str, Any], expected: int | None) -> int:
    group = await _find(tx, name)
    _check_version(group, expected)
    attributes = group.attributes
    if "attributePayload" in stated:
        payload = stated["attributePayload"]
        merged = {**(attributes if payload.get("merge") else {}), **payload.get("attributes", {})}
        attributes = {key: value for key, value in merged.items() if value}
    changed = msgspec.structs.replace(
        group,
        description=stated.get("thingGroupDescription", group.description),
        attributes=attributes,
        version=group.version + 1,
    )
    await thing_groups.put(tx, changed)
    return changed.version


@transactional
async def _delete(tx: Transaction, call: Call, name: str, expected: int | None) -> None:
    group = await thing_groups.get(tx, name)
    if group is None:
        return
    _check_version(group, expected)
    if any(one.parent == name for one in await thing_groups.list(tx)):
        raise invalid(f"Cannot delete thing group : {name} when there are still child groups attached to it.")
    for member in await members.list(tx, name):
        await memberships.delete(tx, member.thing, name)
    await members.delete_all(tx, name)
    arn = _arn(call, name)
    for one in await attachments.list(tx, arn):
        await targets.delete(tx, one.policy, arn)
    await attachments.delete_all(tx, arn)
    await tagged.delete(tx, arn)
    await thing_groups.delete(tx, name)


def _check_version(group: ThingGroup, expected: int | None) -> None:
    if expected is not None and expected != group.version:
        raise aws_error(
            "VersionConflictException",
            f"The version for resource {group.name} does not match the expected version.",
            status=409,
        )


@transactional
async def _below(tx: Transaction, parent: str | None, recursive: bool) -> list[ThingGroup]:
    listed = await thing_groups.list(tx)
    if parent is None:
        return listed if recursive else [one for one in listed if one.parent is None]
    await _find(tx, parent)
    parents = {parent}
    while recursive:
        more = parents | {one.name for one in listed if one.parent in parents}
        if more == parents:
            break
        parents = more
    return [one for one in listed if one.parent in parents]


@transactional
async def _change(tx: Transaction, thing: str, add: list[str], remove: list[str]) -> bool:
    """Change the groups of a thing; whether it has got jobs by that."""
    await find_thing(tx, thing)
    for name in add:
        await _find(tx, name)
        await members.put(tx, Member(name, thing))
        await memberships.put(tx, Member(name, thing))
    for name in remove:
        await _find(tx, name)
        await members.delete(tx, name, thing)
        await memberships.delete(tx, thing, name)
    return await join(tx, thing, add)


@transactional
async def _of_thing(tx: Transaction, thing: str) -> list[str]:
    await find_thing(tx, thing)
    return [one.group for one in await memberships.list(tx, thing)]


@transactional
async def _things(tx: Transaction, name: str, recursive: bool) -> list[str]:
    await _find(tx, name)
    groups = [name, *(one.name for one in await _below(tx, name, True))] if recursive else [name]
    return sorted({one.thing for group in groups for one in await members.list(tx, group)})
