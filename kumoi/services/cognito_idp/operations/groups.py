"""Groups of users: create, get, list, update, delete; who is in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cognito_idp import cognito_idp
from kumoi.services.cognito_idp.errors import no_group, no_user
from kumoi.services.cognito_idp.lookup import Scene, find_user, pool_of
from kumoi.services.cognito_idp.operations.self_service import described
from kumoi.services.cognito_idp.paging import all_users, page, page_of_users
from kumoi.services.cognito_idp.records import Group, groups, users
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@cognito_idp.operation
async def create_group(
    call: Call,
    GroupName: str,
    UserPoolId: str,
    Description: str | None = None,
    RoleArn: str | None = None,
    Precedence: int | None = None,
) -> dict[str, Any]:
    """Create a group."""
    scene = await pool_of(call, UserPoolId)
    group = Group(
        pool=UserPoolId,
        name=GroupName,
        created=call.now,
        modified=call.now,
        description=Description,
        role=RoleArn,
        precedence=Precedence,
    )
    await _create(scene.state, group)
    return {"Group": _describe(group)}


@cognito_idp.operation
async def get_group(call: Call, GroupName: str, UserPoolId: str) -> dict[str, Any]:
    """A group."""
    scene = await pool_of(call, UserPoolId)
    return {"Group": _describe(await _get(scene.state, UserPoolId, GroupName))}


@cognito_idp.operation
async def list_groups(call: Call, UserPoolId: str, Limit: int = 60, NextToken: str | None = None) -> dict[str, Any]:
    """The groups of a pool."""
    scene = await pool_of(call, UserPoolId)
    shown, more = page(await _list(scene.state, UserPoolId), lambda one: one.name, NextToken, Limit, "NextToken")
    return {"Groups": [_describe(one) for one in shown], **more}


@cognito_idp.operation
async def update_group(
    call: Call,
    GroupName: str,
    UserPoolId: str,
    Description: str | None = None,
    RoleArn: str | None = None,
    Precedence: int | None = None,
) -> dict[str, Any]:
    """Change what is given of a group."""
    scene = await pool_of(call, UserPoolId)
    wanted = {"description": Description, "role": RoleArn, "precedence": Precedence}
    changes = {name: value for name, value in wanted.items() if value is not None}
    group = msgspec.structs.replace(await _get(scene.state, UserPoolId, GroupName), **changes, modified=call.now)
    await _put(scene.state, group)
    return {"Group": _describe(group)}


@cognito_idp.operation
async def delete_group(call: Call, GroupName: str, UserPoolId: str) -> None:
    """Delete a group; its users are in it no more."""
    scene = await pool_of(call, UserPoolId)
    await _get(scene.state, UserPoolId, GroupName)
    async for some in all_users(scene.state, UserPoolId):
        members = [user.key for user in some if GroupName in user.groups]
        if members:
            await _leave(scene.state, UserPoolId, GroupName, members)
    await _delete(scene.state, UserPoolId, GroupName)


@cognito_idp.operation
async def admin_add_user_to_group(call: Call, UserPoolId: str, Username: str, GroupName: str) -> None:
    """Put a user into a group."""
    scene = await pool_of(call, UserPoolId)
    await _member(scene.state, scene, Username, GroupName, True)


@cognito_idp.operation
async def admin_remove_user_from_group(call: Call, UserPoolId: str, Username: str, GroupName: str) -> None:
    """Take a user out of a group."""
    scene = await pool_of(call, UserPoolId)
    await _member(scene.state, scene, Username, GroupName, False)


@cognito_idp.operation
async def admin_list_groups_for_user(
    call: Call, Username: str, UserPoolId: str, Limit: int = 60, NextToken: str | None = None
) -> dict[str, Any]:
    """The groups that a user is in."""
    scene = await pool_of(call, UserPoolId)
    found = await _groups_of(scene.state, scene, Username)
    shown, more = page(found, lambda one: one.name, NextToken, Limit, "NextToken")
    return {"Groups": [_describe(one) for one in shown], **more}


@cognito_idp.operation
async def list_users_in_group(
    call: Call, UserPoolId: str, GroupName: str, Limit: int = 60, NextToken: str | None = None
) -> dict[str, Any]:
    """The users in a group."""
    scene = await pool_of(call, UserPoolId)
    await _get(scene.state, UserPoolId, GroupName)
    shown, more = await page_of_users(
        scene.state, UserPoolId, lambda user: GroupName in user.groups, NextToken, Limit, "NextToken"
    )
    return {"Users": [described(user) for user in shown], **more}


def _describe(group: Group) -> dict[str, Any]:
    found: dict[str, Any] = {
        "GroupName": group.name,
        "UserPoolId": group.pool,
        "CreationDate": group.created,
        "LastModifiedDate": group.modified,
    }
    optional = {"Description": group.description, "RoleArn": group.role, "Precedence": group.precedence}
    return {**found, **{name: value for name, value in optional.items() if value is not None}}


@transactional
async def _create(tx: Transaction, group: Group) -> None:
    if await groups.get(tx, group.pool, group.name) is not None:
        raise aws_error("GroupExistsException", "A group with the name already exists.")
    await groups.put(tx, group)


@transactional
async def _put(tx: Transaction, group: Group) -> None:
    await groups.put(tx, group)


@transactional
async def _get(tx: Transaction, pool: str, name: str) -> Group:
    found = await groups.get(tx, pool, name)
    if found is None:
        raise no_group()
    return found


@transactional
async def _list(tx: Transaction, pool: str) -> list[Group]:
    return list(await groups.list(tx, pool))


@transactional
async def _delete(tx: Transaction, pool: str, name: str) -> None:
    if not await groups.delete(tx, pool, name):
        raise no_group()


@transactional
async def _leave(tx: Transaction, pool: str, name: str, keys: Sequence[str]) -> None:
    for key in keys:
        user = await users.get(tx, pool, key)
        if user is not None and name in user.groups:
            kept = tuple(one for one in user.groups if one != name)
            await users.put(tx, msgspec.structs.replace(user, groups=kept))


@transactional
async def _member(tx: Transaction, scene: Scene, username: str, name: str, wanted: bool) -> None:
    if await groups.get(tx, scene.pool.id, name) is None:
        raise no_group()
    user = await find_user(tx, scene.pool, username)
    if user is None:
        raise no_user()
    others = tuple(one for one in user.groups if one != name)
    await users.put(tx, msgspec.structs.replace(user, groups=(*others, name) if wanted else others))


@transactional
async def _groups_of(tx: Transaction, scene: Scene, username: str) -> list[Group]:
    user = await find_user(tx, scene.pool, username)
    if user is None:
        raise no_user()
    return [one for one in await groups.list(tx, scene.pool.id) if one.name in user.groups]
