"""Users and their policies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kumoi.doorway import Call, access_keys
from kumoi.names import arn, unique_id
from kumoi.services.iam import iam
from kumoi.services.iam.operations.alike import bounded, holds_policies, tagged
from kumoi.services.iam.operations.attachments import (
    boundary_of,
    check_bare,
    check_policy,
)
from kumoi.services.iam.records import User, users
from kumoi.services.iam.rules import exists, moment, no_such, page, read_tags, tag_list
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

Change = Callable[[Transaction, User], Awaitable[User]]


@iam.operation
async def create_user(
    call: Call,
    UserName: str,
    Path: str = "/",
    PermissionsBoundary: str | None = None,
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Create a user."""
    user = User(
        name=UserName,
        id=unique_id("AIDA"),
        path=Path,
        created=call.now,
        boundary=PermissionsBoundary,
        tags=read_tags(Tags),
    )
    await _create(call.state, user)
    return {"User": describe_user(user, call.account)}


@iam.operation
async def get_user(call: Call, UserName: str | None = None) -> dict[str, Any]:
    """A user; without a name, the caller."""
    if UserName is not None:
        return {"User": describe_user(await find_user(call.state, UserName), call.account)}
    if call.caller.arn.endswith(":root"):
        root = {
            "UserId": call.account,
            "Arn": call.caller.arn,
            "CreateDate": moment(0),
            "Path": "/",
            "UserName": "root",
        }
        return {"User": root}
    return {"User": describe_user(await find_user(call.state, caller_name(call)), call.account)}


@iam.operation
async def list_users(
    call: Call, PathPrefix: str = "/", Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The account's users below a path, by name."""
    below = [user for user in await _all(call.state) if user.path.startswith(PathPrefix)]
    found, more = page(below, lambda user: user.name, Marker, MaxItems)
    return {"Users": [describe_user(user, call.account) for user in found], **more}


@iam.operation
async def update_user(call: Call, UserName: str, NewPath: str | None = None, NewUserName: str | None = None) -> None:
    """Rename a user or move it to another path; its keys go with it."""
    for key_id in await _move(call.state, call.account, UserName, NewPath, NewUserName or UserName):
        call.doorway.identity.forget(key_id)


@iam.operation
async def delete_user(call: Call, UserName: str) -> None:
    """Delete a user without policies and access keys."""
    await _delete(call.state, UserName)


def describe_user(user: User, account: str) -> dict[str, Any]:
    """A user as the API answers it."""
    answer: dict[str, Any] = {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user_arn(user, account),
        "CreateDate": moment(user.created),
        **boundary_of(user),
    }
    if user.tags:
        answer["Tags"] = tag_list(user.tags)
    return answer


def caller_name(call: Call) -> str:
    """The user that calls; ValidationError when it is none."""
    if ":user/" in call.caller.arn:
        return call.caller.arn.rpartition("/")[2]
    raise aws_error("ValidationError", "Must specify userName when calling with non-User credentials")


def user_arn(user: User, account: str) -> str:
    """The ARN of a user."""
    return arn("iam", "", account, f"user{user.path}{user.name}")


@transactional
async def _create(tx: Transaction, user: User) -> None:
    if await users.get(tx, user.name) is not None:
        raise exists("User", user.name)
    if user.boundary is not None:
        await check_policy(tx, user.boundary)
    await users.put(tx, user)


@transactional
async def find_user(tx: Transaction, name: str) -> User:
    """The user of that name; NoSuchEntity otherwise."""
    user = await users.get(tx, name)
    if user is None:
        raise no_such("user", name)
    return user


@transactional
async def _all(tx: Transaction) -> list[User]:
    return await users.list(tx)


@transactional
async def change_user(tx: Transaction, name: str, change: Change) -> User:
    """Store what `change` makes of a user."""
    changed = await change(tx, await find_user(tx, name))
    await users.put(tx, changed)
    return changed


@transactional
async def _move(tx: Transaction, account: str, name: str, path: str | None, new_name: str) -> list[str]:
    user = await find_user(tx, name)
    if new_name != name and await users.get(tx, new_name) is not None:
        raise exists("User", new_name)
    moved = msgspec.structs.replace(user, name=new_name, path=user.path if path is None else path)
    await users.delete(tx, name)
    await users.put(tx, moved)
    for key_id, _ in moved.keys:
        key = await access_keys.get(tx, key_id)
        if key is not None:
            await access_keys.put(tx, msgspec.structs.replace(key, arn=user_arn(moved, account)))
    return [key_id for key_id, _ in moved.keys]


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    user = await find_user(tx, name)
    check_bare(user)
    if user.groups:
        raise aws_error("DeleteConflict", "Cannot delete entity, must remove users from group first.", status=409)
    if user.login is not None:
        raise aws_error("DeleteConflict", "Cannot delete entity, must delete login profile first.", status=409)
    if user.keys:
        raise aws_error("DeleteConflict", "Cannot delete entity, must delete access keys first.", status=409)
    await users.delete(tx, name)


tagged("User", "UserName", find_user, change_user)
holds_policies("User", find_user, change_user)
bounded("User", change_user)
