"""Instance profiles: how an instance is given a role. Nothing runs on them here; templates and tools make them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import arn, unique_id
from kumoi.services.iam import iam
from kumoi.services.iam.operations.alike import tagged
from kumoi.services.iam.operations.roles import describe_role, find_role
from kumoi.services.iam.records import InstanceProfile, Role, profiles
from kumoi.services.iam.rules import moment, page, quota_exceeded, read_tags, tag_list
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

Change = Callable[[Transaction, InstanceProfile], Awaitable[InstanceProfile]]
Found = tuple[InstanceProfile, Role | None]


@iam.operation
async def create_instance_profile(
    call: Call, InstanceProfileName: str, Path: str = "/", Tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Create an instance profile without a role."""
    profile = InstanceProfile(
        name=InstanceProfileName, id=unique_id("AIPA"), path=Path, created=call.now, tags=read_tags(Tags)
    )
    await _create(call.state, profile)
    return {"InstanceProfile": describe_profile((profile, None), call.account)}


@iam.operation
async def get_instance_profile(call: Call, InstanceProfileName: str) -> dict[str, Any]:
    """An instance profile with its role."""
    return {"InstanceProfile": describe_profile(await _find_whole(call.state, InstanceProfileName), call.account)}


@iam.operation
async def list_instance_profiles(
    call: Call, PathPrefix: str = "/", Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The account's instance profiles below a path."""
    below = [found for found in await all_profiles(call.state) if found[0].path.startswith(PathPrefix)]
    return _page(below, call.account, Marker, MaxItems)


@iam.operation
async def list_instance_profiles_for_role(
    call: Call, RoleName: str, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The instance profiles that hold a role."""
    await find_role(call.state, RoleName)
    holding = [found for found in await all_profiles(call.state) if found[0].role == RoleName]
    return _page(holding, call.account, Marker, MaxItems)


@iam.operation
async def delete_instance_profile(call: Call, InstanceProfileName: str) -> None:
    """Delete an instance profile that holds no role."""
    await _delete(call.state, InstanceProfileName)


@iam.operation
async def add_role_to_instance_profile(call: Call, InstanceProfileName: str, RoleName: str) -> None:
    """Put the role into an instance profile: there is room for one."""

    async def change(tx: Transaction, profile: InstanceProfile) -> InstanceProfile:
        await find_role(tx, RoleName)
        if profile.role is not None:
            raise quota_exceeded("InstanceSessionsPerInstanceProfile", 1)
        return msgspec.structs.replace(profile, role=RoleName)

    await _change(call.state, InstanceProfileName, change)


@iam.operation
async def remove_role_from_instance_profile(call: Call, InstanceProfileName: str, RoleName: str) -> None:
    """Take the role out of an instance profile."""

    async def change(_tx: Transaction, profile: InstanceProfile) -> InstanceProfile:
        if profile.role != RoleName:
            raise aws_error(
                "NoSuchEntity", f"The role with name {RoleName} cannot be found in {profile.name}.", status=404
            )
        return msgspec.structs.replace(profile, role=None)

    await _change(call.state, InstanceProfileName, change)


def describe_profile(found: Found, account: str) -> dict[str, Any]:
    """An instance profile as the API answers it."""
    profile, role = found
    answer: dict[str, Any] = {
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Arn": arn("iam", "", account, f"instance-profile{profile.path}{profile.name}"),
        "CreateDate": moment(profile.created),
        "Roles": [] if role is None else [describe_role(role, account)],
    }
    if profile.tags:
        answer["Tags"] = tag_list(profile.tags)
    return answer


def _page(found: list[Found], account: str, marker: str | None, max_items: int | None) -> dict[str, Any]:
    shown, more = page(found, lambda one: one[0].name, marker, max_items)
    return {"InstanceProfiles": [describe_profile(one, account) for one in shown], **more}


@transactional
async def _create(tx: Transaction, profile: InstanceProfile) -> None:
    if await profiles.get(tx, profile.name) is not None:
        raise aws_error("EntityAlreadyExists", f"Instance Profile {profile.name} already exists.", status=409)
    await profiles.put(tx, profile)


@transactional
async def _find(tx: Transaction, name: str) -> InstanceProfile:
    profile = await profiles.get(tx, name)
    if profile is None:
        raise aws_error("NoSuchEntity", f"Instance Profile {name} cannot be found.", status=404)
    return profile


async def _whole(tx: Transaction, profile: InstanceProfile) -> Found:
    return profile, None if profile.role is None else await find_role(tx, profile.role)


@transactional
async def _find_whole(tx: Transaction, name: str) -> Found:
    return await _whole(tx, await _find(tx, name))


@transactional
async def all_profiles(tx: Transaction) -> list[Found]:
    """Every instance profile with its role."""
    return [await _whole(tx, profile) for profile in await profiles.list(tx)]


@transactional
async def _change(tx: Transaction, name: str, change: Change) -> None:
    await profiles.put(tx, await change(tx, await _find(tx, name)))


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    if (await _find(tx, name)).role is not None:
        raise aws_error(
            "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.", status=409
        )
    await profiles.delete(tx, name)


tagged("InstanceProfile", "InstanceProfileName", _find, _change)
