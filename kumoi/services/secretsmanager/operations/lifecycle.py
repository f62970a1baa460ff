"""Secrets come and go: create, update, delete, restore."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.doorway.sealing import Sealer
from kumoi.names import uuid
from kumoi.services.secretsmanager import secretsmanager
from kumoi.services.secretsmanager.answers import named, replication
from kumoi.services.secretsmanager.errors import bad_parameter, bad_request, exists
from kumoi.services.secretsmanager.naming import Wanted, check_name, new_suffix
from kumoi.services.secretsmanager.operations.values import put_value
from kumoi.services.secretsmanager.records import Replica, Secret, secrets, versions
from kumoi.services.secretsmanager.replicas import begin_replication, wanted_replicas
from kumoi.services.secretsmanager.rotation import set_schedule
from kumoi.services.secretsmanager.staging import CURRENT
from kumoi.services.secretsmanager.store import (
    DAY,
    DELETION,
    ROTATION,
    SCHEDULE,
    Content,
    add_version,
    content_of,
    erase,
    find_own,
    keep,
    opened,
    place_of,
)
from kumoi.services.secretsmanager.tags import check_tags, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

SHORTEST_WINDOW, LONGEST_WINDOW = 7, 30


@secretsmanager.operation
async def create_secret(
    call: Call,
    Name: str,
    ClientRequestToken: str | None = None,
    Description: str | None = None,
    KmsKeyId: str | None = None,
    SecretString: str | None = None,
    SecretBinary: bytes | None = None,
    Tags: list[dict[str, str]] | None = None,
    AddReplicaRegions: list[dict[str, str]] | None = None,
    ForceOverwriteReplicaSecret: bool = False,
) -> dict[str, Any]:
    """Create a secret, with a first version where a value is given; the same request twice makes one secret."""
    check_name(Name)
    content = content_of(SecretString, SecretBinary)
    tags = tags_of(Tags or ())
    check_tags(tags)
    token = ClientRequestToken or uuid()
    fresh = Secret(
        name=Name,
        suffix=new_suffix(),
        account=call.account,
        region=call.region,
        created=call.now,
        changed=call.now,
        description=Description,
        kms_key=KmsKeyId or None,
        tags=tags,
        stages={} if content is None else {CURRENT: token},
    )
    replicas = wanted_replicas(AddReplicaRegions or (), call.region)
    sealer = call.doorway.identity.sealer
    secret = await _create(call.state, sealer, fresh, token, content, replicas, ForceOverwriteReplicaSecret)
    version = {} if content is None else {"VersionId": token}
    return {**named(secret), **version, **replication(secret)}


@transactional
async def _create(
    tx: Transaction,
    sealer: Sealer,
    fresh: Secret,
    token: str,
    content: Content | None,
    replicas: list[Replica],
    overwrite: bool,
) -> Secret:
    known = await secrets.get(tx, fresh.name)
    if known is not None:
        if known.deletes is not None:
            raise bad_request(
                "You can't create this secret because a secret with this name is already scheduled for deletion."
            )
        version = await versions.get(tx, known.name, token)
        if version is not None and content is not None and opened(sealer, known, version) == content:
            return known
        raise exists(f"The operation failed because the secret {fresh.name} already exists.")
    await keep(tx, fresh)
    if content is not None:
        await add_version(tx, sealer, fresh, token, content)
    return await begin_replication(tx, fresh, replicas, overwrite=overwrite) if replicas else fresh


@secretsmanager.operation
async def update_secret(
    call: Call,
    SecretId: str,
    ClientRequestToken: str | None = None,
    Description: str | None = None,
    KmsKeyId: str | None = None,
    SecretString: str | None = None,
    SecretBinary: bytes | None = None,
) -> dict[str, Any]:
    """Change a secret's description and key, and its current value where one is given."""
    content = content_of(SecretString, SecretBinary)
    changes: dict[str, Any] = {}
    if Description is not None:
        changes["description"] = Description
    if KmsKeyId is not None:
        changes["kms_key"] = KmsKeyId or None
    state, wanted = await place_of(call, SecretId)
    if content is None:
        return named(await _update(state, wanted, changes))
    token = ClientRequestToken or uuid()
    secret = await put_value(state, call.doorway.identity.sealer, wanted, token, content, None, changes)
    return {**named(secret), "VersionId": token}


@transactional
async def _update(tx: Transaction, wanted: Wanted, changes: dict[str, Any]) -> Secret:
    secret = msgspec.structs.replace(await find_own(tx, wanted), changed=tx.now, **changes)
    await keep(tx, secret)
    return secret


@secretsmanager.operation
async def delete_secret(
    call: Call,
    SecretId: str,
    RecoveryWindowInDays: int | None = None,
    ForceDeleteWithoutRecovery: bool = False,
) -> dict[str, Any]:
    """Have a secret deleted at the end of its recovery window, or at once where that is forced."""
    if ForceDeleteWithoutRecovery and RecoveryWindowInDays is not None:
        raise bad_parameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
    days = LONGEST_WINDOW if RecoveryWindowInDays is None else RecoveryWindowInDays
    if not SHORTEST_WINDOW <= days <= LONGEST_WINDOW:
        raise bad_parameter(
            f"The RecoveryWindowInDays value must be between {SHORTEST_WINDOW} and {LONGEST_WINDOW} days (inclusive)."
        )
    try:
        state, wanted = await place_of(call, SecretId)
        secret = await _delete(state, wanted, 0.0 if ForceDeleteWithoutRecovery else days * DAY)
    except AwsError as error:
        if ForceDeleteWithoutRecovery and error.code == "ResourceNotFoundException":
            gone = call.arn("secretsmanager", f"secret:{SecretId}-{new_suffix()}")
            arn = SecretId if SecretId.startswith("arn:") else gone
            return {"ARN": arn, "Name": SecretId, "DeletionDate": call.now}
        raise
    return {**named(secret), "DeletionDate": secret.deletes}


@transactional
async def _delete(tx: Transaction, wanted: Wanted, window: float) -> Secret:
    secret = await find_own(tx, wanted, deleted=not window)
    copies = sorted(secret.replicas)
    if copies:
        raise bad_request(f"You can't delete secret {secret.name} that still has replica regions [{', '.join(copies)}]")
    secret = msgspec.structs.replace(secret, deleted=tx.now, deletes=tx.now + window, attempt=None)
    if not window:
        await erase(tx, secret)
        return secret
    await keep(tx, secret)
    tx.cancel_timer(SCHEDULE, secret.name)
    tx.cancel_timer(ROTATION, secret.name)
    tx.timer(tx.now + window, DELETION, secret.name.encode(), key=secret.name)
    return secret


@secretsmanager.operation
async def restore_secret(call: Call, SecretId: str) -> dict[str, Any]:
    """Keep a secret that was to be deleted; where it was rotated, it is again."""
    state, wanted = await place_of(call, SecretId)
    return named(await _restore(state, wanted))


@transactional
async def _restore(tx: Transaction, wanted: Wanted) -> Secret:
    secret = msgspec.structs.replace(await find_own(tx, wanted, deleted=True), deleted=None, deletes=None)
    secret = set_schedule(tx, secret)
    await keep(tx, secret)
    tx.cancel_timer(DELETION, secret.name)
    return secret
