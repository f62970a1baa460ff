"""Managed policies and their versions: the account's own, and AWS's as far as they are known here."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import arn, unique_id
from kumoi.services.iam import aws_managed, iam
from kumoi.services.iam.operations.alike import Step, tagged
from kumoi.services.iam.records import Holder, ManagedPolicy, PolicyVersion, Role, User, groups, policies, roles, users
from kumoi.services.iam.rules import (
    check_document,
    check_size,
    moment,
    no_such,
    page,
    quoted,
    read_tags,
    tag_list,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_VERSIONS = 5
MAX_SIZE = 6144
"""How large a managed policy may be, in characters without white space."""

AWS_CREATED = 1_420_070_400.0
"""When AWS's own policies say they were made."""

Counted = tuple[ManagedPolicy, int, int]
"""A policy, on how many it is attached, and of how many it is the permissions boundary."""


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
        versions=(PolicyVersion("v1", _checked(PolicyDocument), call.now),),
        tags=read_tags(Tags),
    )
    await _create(call.state, policy)
    return {"Policy": _describe(policy, 0, 0)}


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
    """The account's own managed policies, and those of AWS's that are known here."""
    wanted = [
        counted
        for counted in await all_policies(call.state)
        if Scope in ("All", "AWS" if _is_awss(counted[0].arn) else "Local")
        and counted[0].path.startswith(PathPrefix)
        and (not OnlyAttached or counted[1] or counted[2])
        and (PolicyUsageFilter is None or counted[1 if PolicyUsageFilter == "PermissionsPolicy" else 2])
    ]
    found, more = page(wanted, lambda counted: counted[0].arn, Marker, MaxItems)
    return {"Policies": [_describe(*counted) for counted in found], **more}


@iam.operation
async def list_entities_for_policy(
    call: Call,
    PolicyArn: str,
    EntityFilter: str | None = None,
    PathPrefix: str = "/",
    PolicyUsageFilter: str | None = None,
    Marker: str | None = None,
    MaxItems: int | None = None,
) -> dict[str, Any]:
    """Who has a policy attached, or as permissions boundary."""
    entries = [
        (type(holder).__name__, holder)
        for holder in await _holders_of(call.state, PolicyArn, PolicyUsageFilter)
        if holder.path.startswith(PathPrefix) and EntityFilter in (None, type(holder).__name__)
    ]
    found, more = page(entries, lambda entry: f"{entry[0]}/{entry[1].name}", Marker, MaxItems)
    answer = {
        f"Policy{kind}s": [
            {f"{kind}Name": holder.name, f"{kind}Id": holder.id} for name, holder in found if name == kind
        ]
        for kind in ("Group", "User", "Role")
    }
    return {**answer, **more}


@iam.operation
async def delete_policy(call: Call, PolicyArn: str) -> None:
    """Delete a managed policy that nothing has attached and that has no version but the default."""
    await _delete(call.state, PolicyArn)


@iam.operation
async def create_policy_version(
    call: Call, PolicyArn: str, PolicyDocument: str, SetAsDefault: bool = False
) -> dict[str, Any]:
    """Add a version to a managed policy."""
    policy, version = await _add_version(call.state, PolicyArn, _checked(PolicyDocument), call.now, SetAsDefault)
    return {"PolicyVersion": _describe_version(policy, version, document=False)}


@iam.operation
async def get_policy_version(call: Call, PolicyArn: str, VersionId: str) -> dict[str, Any]:
    """One version with its document."""
    policy = await find_policy(call.state, PolicyArn)
    return {"PolicyVersion": _describe_version(policy, _version(policy, VersionId), document=True)}


@iam.operation
async def list_policy_versions(
    call: Call, PolicyArn: str, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The versions of a managed policy."""
    policy = await find_policy(call.state, PolicyArn)
    found, more = page(policy.versions, lambda version: version.id, Marker, MaxItems)
    return {"Versions": [_describe_version(policy, version, document=False) for version in found], **more}


@iam.operation
async def set_default_policy_version(call: Call, PolicyArn: str, VersionId: str) -> None:
    """Say which version holds."""
    await _set_default(call.state, PolicyArn, VersionId)


@iam.operation
async def delete_policy_version(call: Call, PolicyArn: str, VersionId: str) -> None:
    """Delete a version that is not the default."""
    await _delete_version(call.state, PolicyArn, VersionId)


def describe_whole(policy: ManagedPolicy, attached: int, bounding: int) -> dict[str, Any]:
    """A policy with all its versions and their documents."""
    answer = _describe(policy, attached, bounding)
    answer.pop("Tags", None)
    versions = [_describe_version(policy, version, document=True) for version in policy.versions]
    return {**answer, "PolicyVersionList": versions}


def _describe(policy: ManagedPolicy, attached: int, bounding: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version,
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": bounding,
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


def _checked(document: str) -> str:
    return check_size(check_document(document), "PolicySize", MAX_SIZE)


def _is_awss(policy_arn: str) -> bool:
    return policy_arn.startswith(aws_managed.ARN)


def _awss(policy_arn: str) -> ManagedPolicy | None:
    """One of AWS's own policies as a record."""
    text = aws_managed.document(policy_arn)
    if text is None:
        return None
    path, _, name = policy_arn.removeprefix(aws_managed.ARN).rpartition("/")
    number = int.from_bytes(hashlib.blake2b(policy_arn.encode(), digest_size=10).digest())
    return ManagedPolicy(
        arn=policy_arn,
        name=name,
        id="ANPA" + base64.b32encode(number.to_bytes(10)).decode(),
        path=f"/{path}/" if path else "/",
        description=None,
        created=AWS_CREATED,
        updated=AWS_CREATED,
        default_version="v1",
        next_version=2,
        versions=(PolicyVersion("v1", text, AWS_CREATED),),
    )


async def _holders(tx: Transaction) -> list[Holder]:
    return [*await roles.list(tx), *await users.list(tx), *await groups.list(tx)]


def _counted(policy: ManagedPolicy, holders: list[Holder]) -> Counted:
    return (
        policy,
        sum(policy.arn in holder.attached for holder in holders),
        sum(_boundary(holder) == policy.arn for holder in holders),
    )


def _boundary(holder: Holder) -> str | None:
    return holder.boundary if isinstance(holder, Role | User) else None


@transactional
async def all_policies(tx: Transaction) -> list[Counted]:
    """Every managed policy: the account's own and those of AWS's that are known here."""
    holders = await _holders(tx)
    awss = [_awss(f"{aws_managed.ARN}{name}") for name in aws_managed.NAMES]
    return [_counted(policy, holders) for policy in (*await policies.list(tx), *awss) if policy is not None]


@transactional
async def find_policy(tx: Transaction, policy_arn: str) -> ManagedPolicy:
    """The managed policy of that ARN, AWS's too; NoSuchEntity otherwise."""
    policy = _awss(policy_arn) if _is_awss(policy_arn) else await policies.get(tx, policy_arn)
    if policy is None:
        raise no_such("policy", policy_arn)
    return policy


@transactional
async def _find_counted(tx: Transaction, policy_arn: str) -> Counted:
    return _counted(await find_policy(tx, policy_arn), await _holders(tx))


@transactional
async def _holders_of(tx: Transaction, policy_arn: str, usage: str | None) -> list[Holder]:
    await find_policy(tx, policy_arn)
    return [
        holder
        for holder in await _holders(tx)
        if (usage != "PermissionsBoundary" and policy_arn in holder.attached)
        or (usage != "PermissionsPolicy" and _boundary(holder) == policy_arn)
    ]


async def _own(tx: Transaction, policy_arn: str) -> ManagedPolicy:
    """A policy that the account may change."""
    if _is_awss(policy_arn):
        raise aws_error("AccessDenied", f"{policy_arn} is AWS's own policy: no account may change it.")
    return await find_policy(tx, policy_arn)


@transactional
async def _change(tx: Transaction, policy_arn: str, step: Step) -> None:
    await policies.put(tx, await step(tx, await _own(tx, policy_arn)))


@transactional
async def _set_default(tx: Transaction, policy_arn: str, version_id: str) -> None:
    policy = await _own(tx, policy_arn)
    version = _version(policy, version_id)
    await policies.put(tx, msgspec.structs.replace(policy, default_version=version.id, updated=tx.now))


@transactional
async def _add_version(
    tx: Transaction, policy_arn: str, document: str, now: float, default: bool
) -> tuple[ManagedPolicy, PolicyVersion]:
    policy = await _own(tx, policy_arn)
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
    policy = await _own(tx, policy_arn)
    version = _version(policy, version_id)
    if version.id == policy.default_version:
        raise aws_error("DeleteConflict", "Cannot delete the default version of a policy.", status=409)
    kept = tuple(other for other in policy.versions if other.id != version.id)
    await policies.put(tx, msgspec.structs.replace(policy, versions=kept))


@transactional
async def _delete(tx: Transaction, policy_arn: str) -> None:
    policy, attached, bounding = _counted(await _own(tx, policy_arn), await _holders(tx))
    if attached or bounding:
        raise aws_error("DeleteConflict", "Cannot delete a policy attached to entities.", status=409)
    if len(policy.versions) > 1:
        raise aws_error(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy.",
            status=409,
        )
    await policies.delete(tx, policy.arn)


tagged("Policy", "PolicyArn", find_policy, _change)
