"""Repositories: made, told and deleted; the images in them, of which there are none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.ecr import ecr
from kumoi.services.ecr.records import Repository, repositories
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


def host_of(call: Call) -> str:
    """The registry's host name, as AWS has it: images are named by it."""
    return f"{call.account}.dkr.ecr.{call.region}.amazonaws.com"


def not_found(call: Call, name: str) -> AwsError:
    """RepositoryNotFoundException."""
    return aws_error(
        "RepositoryNotFoundException",
        f"The repository with name '{name}' does not exist in the registry with id '{call.account}'",
    )


@ecr.operation
async def create_repository(
    call: Call,
    repositoryName: str,
    registryId: str | None = None,
    tags: list[dict[str, str]] | None = None,
    imageTagMutability: str = "MUTABLE",
    imageScanningConfiguration: dict[str, Any] | None = None,
    encryptionConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a repository."""
    made = Repository(
        name=repositoryName,
        created=call.now,
        mutability=imageTagMutability,
        scan_on_push=bool((imageScanningConfiguration or {}).get("scanOnPush")),
        encryption=dict(encryptionConfiguration or {"encryptionType": "AES256"}),
        tags={one["Key"]: one["Value"] for one in tags or ()},
    )
    if not await _add(call.state, made):
        raise aws_error(
            "RepositoryAlreadyExistsException",
            f"The repository with name '{repositoryName}' already exists in the registry with id '{call.account}'",
        )
    return {"repository": _told(call, made)}


@ecr.operation
async def describe_repositories(
    call: Call,
    registryId: str | None = None,
    repositoryNames: list[str] | None = None,
    nextToken: str | None = None,
    maxResults: int = 100,
) -> dict[str, Any]:
    """Some repositories by name, or a page of all."""
    if repositoryNames:
        return {"repositories": [_told(call, await find(call, name)) for name in repositoryNames]}
    found = await _page(call.state, nextToken, maxResults + 1)
    answer: dict[str, Any] = {"repositories": [_told(call, one) for one in found[:maxResults]]}
    if len(found) > maxResults:
        answer["nextToken"] = found[maxResults - 1].name
    return answer


@ecr.operation
async def delete_repository(
    call: Call, repositoryName: str, registryId: str | None = None, force: bool = False
) -> dict[str, Any]:
    """Delete a repository."""
    found = await find(call, repositoryName)
    await _remove(call.state, repositoryName)
    return {"repository": _told(call, found)}


@ecr.operation
async def list_images(
    call: Call,
    repositoryName: str,
    registryId: str | None = None,
    nextToken: str | None = None,
    maxResults: int | None = None,
    filter: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """No images: nothing was pushed."""
    await find(call, repositoryName)
    return {"imageIds": []}


@ecr.operation
async def describe_images(
    call: Call,
    repositoryName: str,
    registryId: str | None = None,
    imageIds: list[dict[str, str]] | None = None,
    nextToken: str | None = None,
    maxResults: int | None = None,
    filter: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """ImageNotFoundException for any image that is asked for."""
    await find(call, repositoryName)
    if imageIds:
        named = ", ".join(f"{key}:'{value}'" for key, value in sorted(imageIds[0].items()))
        raise aws_error(
            "ImageNotFoundException",
            f"The image with imageId {{{named}}} does not exist within the repository with name '{repositoryName}' "
            f"in the registry with id '{call.account}'",
        )
    return {"imageDetails": []}


async def find(call: Call, name: str) -> Repository:
    """The repository of a name; RepositoryNotFoundException."""
    found = await _get(call.state, name)
    if found is None:
        raise not_found(call, name)
    return found


def _told(call: Call, one: Repository) -> dict[str, Any]:
    return {
        "repositoryArn": call.arn("ecr", f"repository/{one.name}"),
        "registryId": call.account,
        "repositoryName": one.name,
        "repositoryUri": f"{host_of(call)}/{one.name}",
        "createdAt": datetime.fromtimestamp(one.created, UTC),
        "imageTagMutability": one.mutability,
        "imageScanningConfiguration": {"scanOnPush": one.scan_on_push},
        "encryptionConfiguration": one.encryption,
    }


@transactional
async def _add(tx: Transaction, made: Repository) -> bool:
    if await repositories.get(tx, made.name) is not None:
        return False
    await repositories.put(tx, made)
    return True


@transactional
async def _get(tx: Transaction, name: str) -> Repository | None:
    return await repositories.get(tx, name)


@transactional
async def _page(tx: Transaction, after: str | None, limit: int) -> list[Repository]:
    return await repositories.list(tx, after=None if after is None else (after,), limit=limit)


@transactional
async def _remove(tx: Transaction, name: str) -> None:
    await repositories.delete(tx, name)
