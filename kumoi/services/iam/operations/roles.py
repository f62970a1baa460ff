"""Roles: who may assume them, and their policies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import arn, unique_id
from kumoi.services.iam import iam
from kumoi.services.iam.operations.alike import bounded, holds_policies, tagged
from kumoi.services.iam.operations.attachments import (
    boundary_of,
    check_bare,
    check_policy,
)
from kumoi.services.iam.records import Role, profiles, roles
from kumoi.services.iam.rules import (
    check_trust,
    exists,
    moment,
    no_such,
    page,
    quoted,
    read_tags,
    tag_list,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

Change = Callable[[Transaction, Role], Awaitable[Role]]


@iam.operation
async def create_role(
    call: Call,
    RoleName: str,
    AssumeRolePolicyDocument: str,
    Path: str = "/",
    Description: str | None = None,
    MaxSessionDuration: int = 3600,
    PermissionsBoundary: str | None = None,
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Create a role that `AssumeRolePolicyDocument` (JSON) lets others assume."""
    role = Role(
        name=RoleName,
        id=unique_id("AROA"),
        path=Path,
        trust=check_trust(AssumeRolePolicyDocument),
        description=Description,
        max_session=MaxSessionDuration,
        created=call.now,
        boundary=PermissionsBoundary,
        tags=read_tags(Tags),
    )
    await _create(call.state, role)
    return {"Role": describe_role(role, call.account)}


@iam.operation
async def get_role(call: Call, RoleName: str) -> dict[str, Any]:
    """A role."""
    return {"Role": describe_role(await find_role(call.state, RoleName), call.account)}


@iam.operation
async def list_roles(
    call: Call, PathPrefix: str = "/", Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The account's roles below a path, by name."""
    below = [role for role in await _all(call.state) if role.path.startswith(PathPrefix)]
    found, more = page(below, lambda role: role.name, Marker, MaxItems)
    return {"Roles": [describe_role(role, call.account) for role in found], **more}


@iam.operation
async def delete_role(call: Call, RoleName: str) -> None:
    """Delete a role; its policies must have been detached and deleted."""
    await _delete(call.state, RoleName)


@iam.operation
async def update_role(
    call: Call, RoleName: str, Description: str | None = None, MaxSessionDuration: int | None = None
) -> dict[str, Any]:
    """Change a role's description or longest session; of a service-linked role just the description."""

    async def change(_tx: Transaction, role: Role) -> Role:
        return msgspec.structs.replace(
            role,
            description=role.description if Description is None else Description,
            max_session=MaxSessionDuration or role.max_session,
        )

    await (_change if MaxSessionDuration is not None else _annotate)(call.state, RoleName, change)
    return {}


@iam.operation
async def update_role_description(call: Call, RoleName: str, Description: str) -> dict[str, Any]:
    """Change a role's description."""

    async def change(_tx: Transaction, role: Role) -> Role:
        return msgspec.structs.replace(role, description=Description)

    return {"Role": describe_role(await _annotate(call.state, RoleName, change), call.account)}


@iam.operation
async def update_assume_role_policy(call: Call, RoleName: str, PolicyDocument: str) -> None:
    """Replace who may assume a role."""

    async def change(_tx: Transaction, role: Role) -> Role:
        return msgspec.structs.replace(role, trust=check_trust(PolicyDocument))

    await _change(call.state, RoleName, change)


def describe_role(role: Role, account: str) -> dict[str, Any]:
    """A role as the API answers it."""
    answer: dict[str, Any] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role_arn(role, account),
        "CreateDate": moment(role.created),
        "AssumeRolePolicyDocument": quoted(role.trust),
        "Description": role.description,
        "MaxSessionDuration": role.max_session,
        "RoleLastUsed": {},
        **boundary_of(role),
    }
    if role.tags:
        answer["Tags"] = tag_list(role.tags)
    return answer


def role_arn(role: Role, account: str) -> str:
    """The ARN of a role."""
    return arn("iam", "", account, f"role{role.path}{role.name}")


@transactional
async def _create(tx: Transaction, role: Role) -> None:
    if await roles.get(tx, role.name) is not None:
        raise exists("Role", role.name)
    if role.boundary is not None:
        await check_policy(tx, role.boundary)
    await roles.put(tx, role)


@transactional
async def find_role(tx: Transaction, name: str) -> Role:
    """The role of that name; NoSuchEntity otherwise."""
    role = await roles.get(tx, name)
    if role is None:
        raise no_such("role", name)
    return role


@transactional
async def _all(tx: Transaction) -> list[Role]:
    return await roles.list(tx)


@transactional
async def _change(tx: Transaction, name: str, change: Change) -> Role:
    role = await find_role(tx, name)
    if role.service:
        raise unmodifiable(role)
    return await _annotate(tx, name, change)


@transactional
async def _annotate(tx: Transaction, name: str, change: Change) -> Role:
    """Change what says nothing of a role's rights: its description and tags, which a service-linked role has too."""
    changed = await change(tx, await find_role(tx, name))
    await roles.put(tx, changed)
    return changed


def unmodifiable(role: Role) -> AwsError:
    """Only its service changes a service-linked role."""
    return aws_error(
        "UnmodifiableEntity",
        f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS",
    )


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    role = await find_role(tx, name)
    if role.service:
        raise unmodifiable(role)
    if any(profile.role == name for profile in await profiles.list(tx)):
        raise aws_error(
            "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.", status=409
        )
    check_bare(role)
    await roles.delete(tx, name)


tagged("Role", "RoleName", find_role, _annotate)
holds_policies("Role", find_role, _change)
bounded("Role", _change)
