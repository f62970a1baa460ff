"""Policies of devices and their versions. Source: "AWS IoT Core policies" of the developer guide."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.policy import PolicyError, compile_policy
from kumoi.services.iot import iot
from kumoi.services.iot.naming import marked_page, not_found
from kumoi.services.iot.records import Policy, PolicyVersion, Tags, policies, tagged, targets
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MOST_VERSIONS = 5
MOST_CHARACTERS = 2048


@iot.operation
async def create_policy(
    call: Call, policyName: str, policyDocument: str, tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Make a policy with its first version."""
    _check(policyDocument)
    first = PolicyVersion("1", policyDocument, call.now)
    policy = Policy(name=policyName, created=call.now, modified=call.now, versions=(first,))
    await _create(call.state, call, policy, {one["Key"]: one.get("Value", "") for one in tags or ()})
    return {**_answer(call, policyName), "policyDocument": policyDocument, "policyVersionId": "1"}


@iot.operation
async def get_policy(call: Call, policyName: str) -> dict[str, Any]:
    """A policy with the document of its default version."""
    policy = await find_policy(call.state, policyName)
    version = policy.version(policy.default)
    assert version is not None
    return {
        **_answer(call, policyName),
        "policyDocument": version.document,
        "defaultVersionId": policy.default,
        "creationDate": policy.created,
        "lastModifiedDate": policy.modified,
        "generationId": str(policy.made),
    }


@iot.operation
async def list_policies(
    call: Call, marker: str | None = None, pageSize: int | None = None, ascendingOrder: bool = False
) -> dict[str, Any]:
    """Policies, the youngest first."""
    found, more = marked_page(
        await _list(call.state),
        lambda one: f"{one.created:020.6f}{one.name}",
        marker,
        pageSize,
        ascending=ascendingOrder,
    )
    return {"policies": [_answer(call, one.name) for one in found], **more}


@iot.operation
async def delete_policy(call: Call, policyName: str) -> None:
    """Delete a policy that has one version and hangs on nothing."""
    await _delete(call.state, call, policyName)


@iot.operation
async def create_policy_version(
    call: Call, policyName: str, policyDocument: str, setAsDefault: bool = False
) -> dict[str, Any]:
    """Add a version."""
    _check(policyDocument)
    version = await _add(call.state, policyName, policyDocument, setAsDefault)
    return {
        "policyArn": call.arn("iot", f"policy/{policyName}"),
        "policyDocument": policyDocument,
        "policyVersionId": version,
        "isDefaultVersion": setAsDefault,
    }


@iot.operation
async def get_policy_version(call: Call, policyName: str, policyVersionId: str) -> dict[str, Any]:
    """A version."""
    policy = await find_policy(call.state, policyName)
    version = _version(policy, policyVersionId)
    return {
        **_answer(call, policyName),
        "policyDocument": version.document,
        "policyVersionId": version.id,
        "isDefaultVersion": version.id == policy.default,
        "creationDate": version.created,
        "lastModifiedDate": version.created,
        "generationId": str(policy.made),
    }


@iot.operation
async def list_policy_versions(call: Call, policyName: str) -> dict[str, Any]:
    """The versions, the youngest first."""
    policy = await find_policy(call.state, policyName)
    shown = [
        {"versionId": one.id, "isDefaultVersion": one.id == policy.default, "createDate": one.created}
        for one in reversed(policy.versions)
    ]
    return {"policyVersions": shown}


@iot.operation
async def delete_policy_version(call: Call, policyName: str, policyVersionId: str) -> None:
    """Delete a version that is not the default."""
    await _delete_version(call.state, policyName, policyVersionId)


@iot.operation
async def set_default_policy_version(call: Call, policyName: str, policyVersionId: str) -> None:
    """Have a version count from now on."""
    await _set_default(call.state, policyName, policyVersionId)


@transactional
async def find_policy(tx: Transaction, name: str) -> Policy:
    """A policy; ResourceNotFoundException when there is none."""
    policy = await policies.get(tx, name)
    if policy is None:
        raise not_found(f"Policy not found (name={name})")
    return policy


def _answer(call: Call, name: str) -> dict[str, Any]:
    return {"policyName": name, "policyArn": call.arn("iot", f"policy/{name}")}


def _check(document: str) -> None:
    if len("".join(document.split())) > MOST_CHARACTERS:
        raise _malformed(f"Policy document exceeds the maximum of {MOST_CHARACTERS} characters without white space")
    try:
        compile_policy(document, "identity")
    except PolicyError as error:
        raise _malformed(str(error)) from None


def _malformed(text: str) -> AwsError:
    return aws_error("MalformedPolicyException", f"Policy document is Malformed: {text}")


def _version(policy: Policy, version_id: str) -> PolicyVersion:
    version = policy.version(version_id)
    if version is None:
        raise not_found(f"Policy version not found (name={policy.name}, version={version_id})")
    return version


@transactional
async def _create(tx: Transaction, call: Call, policy: Policy, tags: dict[str, str]) -> None:
    arn = call.arn("iot", f"policy/{policy.name}")
    if await policies.get(tx, policy.name) is not None:
        raise aws_error(
            "ResourceAlreadyExistsException",
            f"Policy cannot be created - name already exists (name={policy.name})",
            resourceId=policy.name,
            resourceArn=arn,
        )
    await policies.put(tx, policy)
    if tags:
        await tagged.put(tx, Tags(arn, tags))


@transactional
async def _list(tx: Transaction) -> list[Policy]:
    return await policies.list(tx)


@transactional
async def _delete(tx: Transaction, call: Call, name: str) -> None:
    policy = await find_policy(tx, name)
    if len(policy.versions) > 1:
        raise _conflict(
            f"Cannot delete the policy because it has one or more policy versions attached to it (name={name})"
        )
    if await targets.list(tx, name, limit=1):
        raise _conflict(
            f"The policy cannot be deleted as the policy is attached to one or more principals (name={name})"
        )
    await policies.delete(tx, name)
    await tagged.delete(tx, call.arn("iot", f"policy/{name}"))


def _conflict(text: str) -> AwsError:
    return aws_error("DeleteConflictException", text, status=409)


@transactional
async def _add(tx: Transaction, name: str, document: str, default: bool) -> str:
    policy = await find_policy(tx, name)
    if len(policy.versions) >= MOST_VERSIONS:
        raise aws_error(
            "VersionsLimitExceededException",
            f"The policy {name} already has the maximum number of versions ({MOST_VERSIONS})",
            status=409,
        )
    version = PolicyVersion(str(policy.made + 1), document, tx.now)
    changed = msgspec.structs.replace(
        policy,
        versions=(*policy.versions, version),
        made=policy.made + 1,
        default=version.id if default else policy.default,
        modified=tx.now,
    )
    await policies.put(tx, changed)
    return version.id


@transactional
async def _delete_version(tx: Transaction, name: str, version_id: str) -> None:
    policy = await find_policy(tx, name)
    version = _version(policy, version_id)
    if version.id == policy.default:
        raise _conflict(f"Cannot delete the default version of a policy (name={name}, version={version_id})")
    left = tuple(one for one in policy.versions if one.id != version_id)
    await policies.put(tx, msgspec.structs.replace(policy, versions=left, modified=tx.now))


@transactional
async def _set_default(tx: Transaction, name: str, version_id: str) -> None:
    policy = await find_policy(tx, name)
    version = _version(policy, version_id)
    await policies.put(tx, msgspec.structs.replace(policy, default=version.id, modified=tx.now))
