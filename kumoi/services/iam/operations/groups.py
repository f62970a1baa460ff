"""Groups: users that share policies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import arn, unique_id
from kumoi.services.iam import iam
from kumoi.services.iam.operations.alike import holds_policies
from kumoi.services.iam.operations.attachments import (
    check_bare,
)
from kumoi.services.iam.operations.users import change_user, describe_user, find_user
from kumoi.services.iam.records import Group, User, groups, users
from kumoi.services.iam.rules import exists, moment, no_such, page, quota_exceeded
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

Change = Callable[[Transaction, Group], Awaitable[Group]]

MAX_GROUPS = 10
"""How many groups a user may be in."""


@iam.operation
async def create_group(call: Call, GroupName: str, Path: str = "/") -> dict[str, Any]:
    """Create a group without users."""
    group = Group(name=GroupName, id=unique_id("AGPA"), path=Path, created=call.now)
    await _create(call.state, group)
    return {"Group": describe_group(group, call.account)}


@iam.operation
async def get_group(
    call: Call, GroupName: str, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """A group and its users."""
    group, members = await _with_members(call.state, GroupName)
    found, more = page(members, lambda user: user.name, Marker, MaxItems)
    return {
        "Group": describe_group(group, call.account),
        "Users": [describe_user(user, call.account) for user in found],
        **more,
    }


@iam.operation
async def list_groups(
    call: Call, PathPrefix: str = "/", Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The account's groups below a path, by name."""
    below = [group for group in await _all(call.state) if group.path.startswith(PathPrefix)]
    found, more = page(below, lambda group: group.name, Marker, MaxItems)
    return {"Groups": [describe_group(group, call.account) for group in found], **more}


@iam.operation
async def list_groups_for_user(
    call: Call, UserName: str, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The groups a user is in."""
    found, more = page(await _groups_of(call.state, UserName), lambda group: group.name, Marker, MaxItems)
    return {"Groups": [describe_group(group, call.account) for group in found], **more}


@iam.operation
async def update_group(call: Call, GroupName: str, NewPath: str | None = None, NewGroupName: str | None = None) -> None:
    """Rename a group or move it to another path; its users stay in it."""
    await _move(call.state, GroupName, NewPath, NewGroupName or GroupName)


@iam.operation
async def delete_group(call: Call, GroupName: str) -> None:
    """Delete a group without users and policies."""
    await _delete(call.state, GroupName)


@iam.operation
async def add_user_to_group(call: Call, GroupName: str, UserName: str) -> None:
    """Put a user into a group."""
    await _add_user(call.state, GroupName, UserName)


@iam.operation
async def remove_user_from_group(call: Call, GroupName: str, UserName: str) -> None:
    """Take a user out of a group."""
    await _remove_user(call.state, GroupName, UserName)


def describe_group(group: Group, account: str) -> dict[str, Any]:
    """A group as the API answers it."""
    return {
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.id,
        "Arn": arn("iam", "", account, f"group{group.path}{group.name}"),
        "CreateDate": moment(group.created),
    }


@transactional
async def find_group(tx: Transaction, name: str) -> Group:
    """The group of that name; NoSuchEntity otherwise."""
    group = await groups.get(tx, name)
    if group is None:
        raise no_such("group", name)
    return group


@transactional
async def _create(tx: Transaction, group: Group) -> None:
    if await groups.get(tx, group.name) is not None:
        raise exists("Group", group.name)
    await groups.put(tx, group)


@transactional
async def _all(tx: Transaction) -> list[Group]:
    return await groups.list(tx)


async def _members(tx: Transaction, name: str) -> list[User]:
    return [user for user in await users.list(tx) if name in user.groups]


@transactional
async def _with_members(tx: Transaction, name: str) -> tuple[Group, list[User]]:
    return await find_group(tx, name), await _members(tx, name)


@transactional
async def _groups_of(tx: Transaction, name: str) -> list[Group]:
    user = await find_user(tx, name)
    return [await find_group(tx, one) for one in user.groups]


@transactional
async def _change(tx: Transaction, name: str, change: Change) -> None:
    await groups.put(tx, await change(tx, await find_group(tx, name)))


@transactional
async def _move(tx: Transaction, name: str, path: str | None, new_name: str) -> None:
    group, members = await _with_members(tx, name)
    if new_name != name:
        if await groups.get(tx, new_name) is not None:
            raise exists("Group", new_name)
        for user in members:
            renamed = tuple(new_name if one == name else one for one in user.groups)
            await users.put(tx, msgspec.structs.replace(user, groups=renamed))
        await groups.delete(tx, name)
    await groups.put(tx, msgspec.structs.replace(group, name=new_name, path=group.path if path is None else path))


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    group, members = await _with_members(tx, name)
    if members:
        raise aws_error("DeleteConflict", "Cannot delete entity, must remove users from group first.", status=409)
    check_bare(group)
    await groups.delete(tx, name)


@transactional
async def _add_user(tx: Transaction, name: str, user_name: str) -> None:
    await find_group(tx, name)

    async def change(_tx: Transaction, user: User) -> User:
        if name in user.groups:
            return user
        if len(user.groups) >= MAX_GROUPS:
            raise quota_exceeded("GroupsPerUser", MAX_GROUPS)
        return msgspec.structs.replace(user, groups=(*user.groups, name))

    await change_user(tx, user_name, change)


@transactional
async def _remove_user(tx: Transaction, name: str, user_name: str) -> None:
    await find_group(tx, name)

    async def change(_tx: Transaction, user: User) -> User:
        return msgspec.structs.replace(user, groups=tuple(one for one in user.groups if one != name))

    await change_user(tx, user_name, change)


holds_policies("Group", find_group, _change)
