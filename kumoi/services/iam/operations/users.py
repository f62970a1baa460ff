"""Users and their policies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from kumoi.doorway import Call
from kumoi.names import arn, unique_id
from kumoi.services.iam import iam
from kumoi.services.iam.operations.attachments import (
    attached_page,
    check_bare,
    inline_document,
    inline_page,
    with_attached,
    with_inline,
    without_attached,
    without_inline,
)
from kumoi.services.iam.records import User, users
from kumoi.services.iam.rules import exists, moment, no_such, page, read_tags, tag_list
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

Change = Callable[[Transaction, User], Awaitable[User]]


@iam.operation
async def create_user(
    call: Call, UserName: str, Path: str = "/", Tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Create a user."""
    user = User(name=UserName, id=unique_id("AIDA"), path=Path, created=call.now, tags=read_tags(Tags))
    await _create(call.state, user)
    return {"User": _describe(user, call.account)}


@iam.operation
async def get_user(call: Call, UserName: str | None = None) -> dict[str, Any]:
    """A user; without a name, the caller."""
    if UserName is not None:
        return {"User": _describe(await find_user(call.state, UserName), call.account)}
    if ":user/" in call.caller.arn:
        name = call.caller.arn.rpartition("/")[2]
        return {"User": _describe(await find_user(call.state, name), call.account)}
    if call.caller.arn.endswith(":root"):
        root = {
            "UserId": call.account,
            "Arn": call.caller.arn,
            "CreateDate": moment(0),
            "Path": "/",
            "UserName": "root",
        }
        return {"User": root}
    raise aws_error("ValidationError", "Must specify userName when calling with non-User credentials")


@iam.operation
async def list_users(
    call: Call, PathPrefix: str = "/", Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The account's users below a path, by name."""
    below = [user for user in await _all(call.state) if user.path.startswith(PathPrefix)]
    found, more = page(below, lambda user: user.name, Marker, MaxItems)
    return {"Users": [_describe(user, call.account) for user in found], **more}


@iam.operation
async def delete_user(call: Call, UserName: str) -> None:
    """Delete a user without policies and access keys."""
    await _delete(call.state, UserName)


@iam.operation
async def put_user_policy(call: Call, UserName: str, PolicyName: str, PolicyDocument: str) -> None:
    """Add or replace an inline policy."""

    async def change(_tx: Transaction, user: User) -> User:
        return with_inline(user, PolicyName, PolicyDocument)

    await change_user(call.state, UserName, change)


@iam.operation
async def get_user_policy(call: Call, UserName: str, PolicyName: str) -> dict[str, Any]:
    """An inline policy."""
    document = inline_document(await find_user(call.state, UserName), "user", PolicyName)
    return {"UserName": UserName, "PolicyName": PolicyName, "PolicyDocument": document}


@iam.operation
async def delete_user_policy(call: Call, UserName: str, PolicyName: str) -> None:
    """Remove an inline policy."""

    async def change(_tx: Transaction, user: User) -> User:
        return without_inline(user, "user", PolicyName)

    await change_user(call.state, UserName, change)


@iam.operation
async def list_user_policies(
    call: Call, UserName: str, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The names of a user's inline policies."""
    return inline_page(await find_user(call.state, UserName), Marker, MaxItems)


@iam.operation
async def attach_user_policy(call: Call, UserName: str, PolicyArn: str) -> None:
    """Attach a managed policy."""

    async def change(tx: Transaction, user: User) -> User:
        return await with_attached(tx, user, PolicyArn)

    await change_user(call.state, UserName, change)


@iam.operation
async def detach_user_policy(call: Call, UserName: str, PolicyArn: str) -> None:
    """Detach a managed policy."""

    async def change(_tx: Transaction, user: User) -> User:
        return without_attached(user, PolicyArn)

    await change_user(call.state, UserName, change)


@iam.operation
async def list_attached_user_policies(
    call: Call, UserName: str, PathPrefix: str = "/", Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The managed policies attached to a user."""
    return attached_page(await find_user(call.state, UserName), PathPrefix, Marker, MaxItems)


def _describe(user: User, account: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user_arn(user, account),
        "CreateDate": moment(user.created),
    }
    if user.tags:
        answer["Tags"] = tag_list(user.tags)
    return answer


def user_arn(user: User, account: str) -> str:
    """The ARN of a user."""
    return arn("iam", "", account, f"user{user.path}{user.name}")


@transactional
async def _create(tx: Transaction, user: User) -> None:
    if await users.get(tx, user.name) is not None:
        raise exists("User", user.name)
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
async def _delete(tx: Transaction, name: str) -> None:
    user = await find_user(tx, name)
    check_bare(user)
    if user.keys:
        raise aws_error("DeleteConflict", "Cannot delete entity, must delete access keys first.", status=409)
    await users.delete(tx, name)
