"""What may be set of a repository: its policy, its lifecycle policy, mutability, scanning, tags. Kept, and told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.ecr import ecr
from kumoi.services.ecr.records import Repository, repositories
from kumoi.services.ecr.repositories import find, not_found
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@ecr.operation
async def set_repository_policy(
    call: Call, repositoryName: str, policyText: str, registryId: str | None = None, force: bool = False
) -> dict[str, Any]:
    """Keep a policy for a repository."""
    _check_json(policyText)
    await _change(call, repositoryName, policy=policyText)
    return {"registryId": call.account, "repositoryName": repositoryName, "policyText": policyText}


@ecr.operation
async def get_repository_policy(call: Call, repositoryName: str, registryId: str | None = None) -> dict[str, Any]:
    """The policy of a repository."""
    found = await find(call, repositoryName)
    if found.policy is None:
        raise aws_error(
            "RepositoryPolicyNotFoundException",
            f"Repository policy does not exist for the repository with name '{repositoryName}' in the registry with "
            f"id '{call.account}'",
        )
    return {"registryId": call.account, "repositoryName": repositoryName, "policyText": found.policy}


@ecr.operation
async def delete_repository_policy(call: Call, repositoryName: str, registryId: str | None = None) -> dict[str, Any]:
    """Drop the policy of a repository."""
    answer = await get_repository_policy(call, repositoryName)
    await _change(call, repositoryName, policy=None)
    return answer


@ecr.operation
async def put_lifecycle_policy(
    call: Call, repositoryName: str, lifecyclePolicyText: str, registryId: str | None = None
) -> dict[str, Any]:
    """Keep a lifecycle policy; there are no images for it to expire."""
    _check_json(lifecyclePolicyText)
    await _change(call, repositoryName, lifecycle=lifecyclePolicyText)
    return {
        "registryId": call.account,
        "repositoryName": repositoryName,
        "lifecyclePolicyText": lifecyclePolicyText,
    }


@ecr.operation
async def get_lifecycle_policy(call: Call, repositoryName: str, registryId: str | None = None) -> dict[str, Any]:
    """The lifecycle policy of a repository."""
    found = await find(call, repositoryName)
    if found.lifecycle is None:
        raise aws_error(
            "LifecyclePolicyNotFoundException",
            f"Lifecycle policy does not exist for the repository with name '{repositoryName}' in the registry with "
            f"id '{call.account}'",
        )
    return {
        "registryId": call.account,
        "repositoryName": repositoryName,
        "lifecyclePolicyText": found.lifecycle,
        "lastEvaluatedAt": datetime.fromtimestamp(found.created, UTC),
    }


@ecr.operation
async def delete_lifecycle_policy(call: Call, repositoryName: str, registryId: str | None = None) -> dict[str, Any]:
    """Drop the lifecycle policy of a repository."""
    answer = await get_lifecycle_policy(call, repositoryName)
    await _change(call, repositoryName, lifecycle=None)
    return answer


@ecr.operation
async def put_image_tag_mutability(
    call: Call, repositoryName: str, imageTagMutability: str, registryId: str | None = None
) -> dict[str, Any]:
    """Say whether tags may be moved."""
    await _change(call, repositoryName, mutability=imageTagMutability)
    return {
        "registryId": call.account,
        "repositoryName": repositoryName,
        "imageTagMutability": imageTagMutability,
    }


@ecr.operation
async def put_image_scanning_configuration(
    call: Call, repositoryName: str, imageScanningConfiguration: dict[str, Any], registryId: str | None = None
) -> dict[str, Any]:
    """Say whether images are scanned when they are pushed."""
    wanted = bool(imageScanningConfiguration.get("scanOnPush"))
    await _change(call, repositoryName, scan_on_push=wanted)
    return {
        "registryId": call.account,
        "repositoryName": repositoryName,
        "imageScanningConfiguration": {"scanOnPush": wanted},
    }


@ecr.operation
async def tag_resource(call: Call, resourceArn: str, tags: list[dict[str, str]]) -> None:
    """Add tags to a repository."""
    await _tag(call, resourceArn, {one["Key"]: one["Value"] for one in tags}, ())


@ecr.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str]) -> None:
    """Take tags off a repository."""
    await _tag(call, resourceArn, {}, tagKeys)


@ecr.operation
async def list_tags_for_resource(call: Call, resourceArn: str) -> dict[str, Any]:
    """The tags of a repository."""
    found = await find(call, _named(call, resourceArn))
    return {"tags": [{"Key": key, "Value": value} for key, value in found.tags.items()]}


def _named(call: Call, resource: str) -> str:
    try:
        kind, _, name = Arn.parse(resource).resource.partition("/")
    except ValueError:
        kind, name = "", resource
    if kind != "repository":
        raise aws_error("InvalidParameterException", f"{resource} is not the ARN of a repository")
    return name


def _check_json(text: str) -> None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise aws_error("InvalidParameterException", "Invalid parameter: the policy is no JSON object")


async def _tag(call: Call, resource: str, added: dict[str, str], removed: Collection[str]) -> None:
    name = _named(call, resource)
    if not await _tagged(call.state, name, added, removed):
        raise not_found(call, name)


@transactional
async def _tagged(tx: Transaction, name: str, added: dict[str, str], removed: Collection[str]) -> bool:
    found = await repositories.get(tx, name)
    if found is None:
        return False
    tags = {key: value for key, value in {**found.tags, **added}.items() if key not in removed}
    await repositories.put(tx, msgspec.structs.replace(found, tags=tags))
    return True


async def _change(call: Call, name: str, **changes: Any) -> None:
    if await _changed(call.state, name, changes) is None:
        raise not_found(call, name)


@transactional
async def _changed(tx: Transaction, name: str, changes: dict[str, Any]) -> Repository | None:
    found = await repositories.get(tx, name)
    if found is not None:
        await repositories.put(tx, msgspec.structs.replace(found, **changes))
    return found
