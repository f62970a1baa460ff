"""Values of secrets: read them, give new ones, move staging labels, list versions."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.doorway.sealing import Sealer
from kumoi.names import uuid
from kumoi.services.secretsmanager import secretsmanager
from kumoi.services.secretsmanager.answers import named, valued
from kumoi.services.secretsmanager.errors import bad_request, no_value
from kumoi.services.secretsmanager.naming import Wanted
from kumoi.services.secretsmanager.pages import page
from kumoi.services.secretsmanager.records import Secret, SecretVersion, secrets, versions
from kumoi.services.secretsmanager.staging import CURRENT, labelled, relabelled, version_wanted
from kumoi.services.secretsmanager.store import (
    DAY,
    Content,
    add_version,
    content_of,
    find,
    find_own,
    keep,
    opened,
    place_of,
    prune,
)
from kumoi.state import Transaction, transactional


@secretsmanager.operation
async def get_secret_value(
    call: Call, SecretId: str, VersionId: str | None = None, VersionStage: str | None = None
) -> dict[str, Any]:
    """A secret's value: the current one, or that of a version or of a staging label."""
    state, wanted = await place_of(call, SecretId)
    secret, version = await _read(state, wanted, VersionId, VersionStage)
    content = opened(call.doorway.identity.sealer, secret, version)
    if content is None:
        raise no_value(f"staging label: {VersionStage}" if VersionStage else f"VersionId: {version.id}")
    return valued(secret, version, content)


@transactional
async def _read(
    tx: Transaction, wanted: Wanted, version_id: str | None, stage: str | None
) -> tuple[Secret, SecretVersion]:
    secret = await find(tx, wanted)
    if version_id is None:
        version_id = version_wanted(secret.stages, stage or CURRENT)
    elif stage is not None and secret.stages.get(stage) != version_id:
        raise bad_request("You provided a VersionStage that is not associated to the provided VersionId.")
    version = await versions.get(tx, secret.name, version_id)
    if version is None:
        raise no_value(f"VersionId: {version_id}")
    today = tx.now // DAY * DAY
    if secret.accessed != today:
        await secrets.put(tx, msgspec.structs.replace(secret, accessed=today))
    if version.accessed != today:
        await versions.put(tx, msgspec.structs.replace(version, accessed=today))
    return secret, version


@secretsmanager.operation
async def put_secret_value(
    call: Call,
    SecretId: str,
    ClientRequestToken: str | None = None,
    SecretString: str | None = None,
    SecretBinary: bytes | None = None,
    VersionStages: list[str] | None = None,
) -> dict[str, Any]:
    """Give a secret a new version; it becomes the current one unless other staging labels are told."""
    content = content_of(SecretString, SecretBinary)
    if content is None:
        raise bad_request("You must provide either SecretString or SecretBinary.")
    state, wanted = await place_of(call, SecretId)
    token = ClientRequestToken or uuid()
    secret = await put_value(state, call.doorway.identity.sealer, wanted, token, content, VersionStages, {})
    return {**named(secret), "VersionId": token, "VersionStages": secret.labels_of(token)}


@transactional
async def put_value(
    tx: Transaction,
    sealer: Sealer,
    wanted: Wanted,
    token: str,
    content: Content,
    stages: list[str] | None,
    changes: dict[str, Any],
) -> Secret:
    """Store a value as a version with its labels, with other changes of the secret; the secret afterwards."""
    secret = await find_own(tx, wanted)
    if not await add_version(tx, sealer, secret, token, content):
        if changes:
            secret = msgspec.structs.replace(secret, changed=tx.now, **changes)
            await keep(tx, secret)
        return secret
    labels = list(stages) if stages else [CURRENT]
    if CURRENT not in secret.stages and CURRENT not in labels:
        labels.append(CURRENT)
    secret = msgspec.structs.replace(secret, stages=labelled(secret.stages, token, labels), changed=tx.now, **changes)
    await keep(tx, secret)
    await prune(tx, secret)
    return secret


@secretsmanager.operation
async def update_secret_version_stage(
    call: Call,
    SecretId: str,
    VersionStage: str,
    RemoveFromVersionId: str | None = None,
    MoveToVersionId: str | None = None,
) -> dict[str, Any]:
    """Move a staging label to another version, or take it away."""
    state, wanted = await place_of(call, SecretId)
    return named(await _move(state, wanted, VersionStage, RemoveFromVersionId, MoveToVersionId))


@transactional
async def _move(tx: Transaction, wanted: Wanted, label: str, remove_from: str | None, move_to: str | None) -> Secret:
    secret = await find_own(tx, wanted)
    for version in (remove_from, move_to):
        if version is not None and await versions.get(tx, secret.name, version) is None:
            raise no_value(f"VersionId: {version}")
    stages = relabelled(secret.stages, label, remove_from=remove_from, move_to=move_to)
    secret = msgspec.structs.replace(secret, stages=stages, changed=tx.now)
    await keep(tx, secret)
    return secret


@secretsmanager.operation
async def list_secret_version_ids(
    call: Call,
    SecretId: str,
    MaxResults: int = 100,
    NextToken: str | None = None,
    IncludeDeprecated: bool = False,
) -> dict[str, Any]:
    """The versions of a secret that have staging labels; with IncludeDeprecated the others, too."""
    state, wanted = await place_of(call, SecretId)
    secret, kept = await _versions(state, wanted)
    shown = [one for one in kept if IncludeDeprecated or secret.labels_of(one.id)]
    found, more = page(shown, lambda one: (one.created, one.id), NextToken, MaxResults)
    return {**named(secret), "Versions": [_version(secret, one) for one in found], **more}


def _version(secret: Secret, version: SecretVersion) -> dict[str, Any]:
    told: dict[str, Any] = {
        "VersionId": version.id,
        "CreatedDate": version.created,
        "KmsKeyIds": [secret.kms_key or "DefaultEncryptionKey"],
    }
    stages = secret.labels_of(version.id)
    if stages:
        told["VersionStages"] = stages
    if version.accessed is not None:
        told["LastAccessedDate"] = version.accessed
    return told


@transactional
async def _versions(tx: Transaction, wanted: Wanted) -> tuple[Secret, list[SecretVersion]]:
    secret = await find(tx, wanted, deleted=True)
    return secret, await versions.list(tx, secret.name)
