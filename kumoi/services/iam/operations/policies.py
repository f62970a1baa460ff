"""Managed policies and their versions."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import arn, unique_id
from kumoi.services.iam import iam
from kumoi.services.iam.records import ManagedPolicy, PolicyVersion, Role, User, policies, roles, users
from kumoi.services.iam.rules import check_document, moment, no_such, page, quoted, read_tags, tag_list
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_VERSIONS = 5


@iam.operation
async def create_policy(
    call: Call,
    PolicyName: str,
    PolicyDocument: str,
    Path: str = "/",
    Description: str | None = None,
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Create a managed policy of the account's own."""
    policy = ManagedPolicy(
        arn=arn("iam", "", call.account, f"policy{Path}{PolicyName}"),
        name=PolicyName,
        id=unique_id("ANPA"),
        path=Path,
        description=Description,
        created=call.now,
        updated=call.now,
        default_version="v1",
        next_version=2,
        versions=(PolicyVersion("v1", check_document(PolicyDocument), call.now),),
        tags=read_tags(Tags),
    )
    await _create(call.state, policy)
    return {"Policy": _describe(policy, 0)}


@iam.operation
async def get_policy(call: Call, PolicyArn: str) -> dict[str, Any]:
    """A managed policy."""
    return {"Policy": _describe(*await _find_counted(call.state, PolicyArn))}


@iam.operation
async def list_policies(
    call: Call,
    Scope: str = "All",
    OnlyAttached: bool = False,
    PathPrefix: str = "/",
    PolicyUsageFilter: str | None = None,
    Marker: str | None = None,
    MaxItems: int | None = None,
) -> dict[str, Any]:
    """The account's own managed policies; AWS's are not listed (they attach by ARN)."""
    own = [] if Scope == "AWS" else await _all_counted(call.state)
    wanted = [
        (policy, attached)
        for policy, attached in own
        if policy.path.startswith(PathPrefix) and (attached or not OnlyAttached)
    ]
    found, more = page(wanted, lambda item: item[0].arn, Marker, MaxItems)
    return {"Policies": [_describe(policy, attached) for policy, attached in found], **more}


@iam.operation
async def delete_policy(call: Call, PolicyArn: str) -> None:
    """Delete a managed policy that nothing has attached and that has no version but the default."""
    await _delete(call.state, PolicyArn)


@iam.operation
async def create_policy_version(
    call: Call, PolicyArn: str, PolicyDocument: str, SetAsDefault: bool = False
) -> dict[str, Any]:
    """Add a version to a managed policy."""
    policy, version = await _add_version(call.state, PolicyArn, check_document(PolicyDocument), call.now, SetAsDefault)
    return {"PolicyVersion": _describe_version(policy, version, document=False)}


@iam.operation
async def get_policy_version(call: Call, PolicyArn: str, VersionId: str) -> dict[str, Any]:
    """One version with its document."""
    policy, _ = await _find_counted(call.state, PolicyArn)
    return {"PolicyVersion": _describe_version(policy, _version(policy, VersionId), document=True)}


@iam.operation
async def list_policy_versions(
    call: Call, PolicyArn: str, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The versions of a managed policy."""
    policy, _ = await _find_counted(call.state, PolicyArn)
    found, more = page(policy.versions, lambda version: version.id, Marker, MaxItems)
    return {"Versions": [_describe_version(policy, version, document=False) for version in found], **more}


@iam.operation
async def delete_policy_version(call: Call, PolicyArn: str, VersionId: str) -> None:
    """Delete a version that is not the default."""
    await _delete_version(call.state, PolicyArn, VersionId)


def _describe(policy: ManagedPolicy, attached: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version,
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "Description": policy.description,
        "CreateDate": moment(policy.created),
        "UpdateDate": moment(policy.updated),
    }
    if policy.tags:
        answer["Tags"] = tag_list(policy.tags)
    return answer


def _describe_version(policy: ManagedPolicy, version: PolicyVersion, *, document: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "VersionId": version.id,
        "IsDefaultVersion": version.id == policy.default_version,
        "CreateDate": moment(version.created),
    }
    if document:
        answer["Document"] = quoted(version.document)
    return answer


def _version(policy: ManagedPolicy, version_id: str) -> PolicyVersion:
    for version in policy.versions:
        if version.id == version_id:
            return version
    raise aws_error(
        "NoSuchEntity", f"Policy {policy.arn} version {version_id} does not exist or is not attachable.", status=404
    )


@transactional
async def _create(tx: Transaction, policy: ManagedPolicy) -> None:
    if await policies.get(tx, policy.arn) is not None:
        raise aws_error(
            "EntityAlreadyExists",
            f"A policy called {policy.name} already exists. Duplicate names are not allowed.",
            status=409,
        )
    await policies.put(tx, policy)


@transactional
async def _all_counted(tx: Transaction) -> list[tuple[ManagedPolicy, int]]:
    holders: list[Role | User] = [*await roles.list(tx), *await users.list(tx)]
    return [(policy, sum(policy.arn in holder.attached for holder in holders)) for policy in await policies.list(tx)]


@transactional
async def _find_counted(tx: Transaction, policy_arn: str) -> tuple[ManagedPolicy, int]:
    for policy, attached in await _all_counted(tx):
        if policy.arn == policy_arn:
            return policy, attached
    raise no_such("policy", policy_arn)


@transactional
async def _add_version(
    tx: Transaction, policy_arn: str, document: str, now: float, default: bool
) -> tuple[ManagedPolicy, PolicyVersion]:
    policy, _ = await _find_counted(tx, policy_arn)
    if len(policy.versions) >= MAX_VERSIONS:
        raise aws_error(
            "LimitExceeded",
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing "
            "version.",
            status=409,
        )
    version = PolicyVersion(f"v{policy.next_version}", document, now)
    changed = msgspec.structs.replace(
        policy,
        versions=(*policy.versions, version),
        next_version=policy.next_version + 1,
        updated=now,
        default_version=version.id if default else policy.default_version,
    )
    await policies.put(tx, changed)
    return changed, version


@transactional
async def _delete_version(tx: Transaction, policy_arn: str, version_id: str) -> None:
    policy, _ = await _find_counted(tx, policy_arn)
    version = _version(policy, version_id)
    if version.id == policy.default_version:
        raise aws_error("DeleteConflict", "Cannot delete the default version of a policy.", status=409)
    kept = tuple(other for other in policy.versions if other.id != version.id)
    await policies.put(tx, msgspec.structs.replace(policy, versions=kept))


@transactional
async def _delete(tx: Transaction, policy_arn: str) -> None:
    policy, attached = await _find_counted(tx, policy_arn)
    if attached:
        raise aws_error("DeleteConflict", "Cannot delete a policy attached to entities.", status=409)
    if len(policy.versions) > 1:
        raise aws_error("DeleteConflict", "This policy has more than one version.", status=409)
    await policies.delete(tx, policy.arn)
