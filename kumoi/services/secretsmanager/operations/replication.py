"""Replication of secrets to other regions."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.secretsmanager import secretsmanager
from kumoi.services.secretsmanager.answers import replication
from kumoi.services.secretsmanager.errors import bad_request
from kumoi.services.secretsmanager.naming import Wanted
from kumoi.services.secretsmanager.records import Replica, Secret, secrets
from kumoi.services.secretsmanager.replicas import begin_replication, end_replication, wanted_replicas
from kumoi.services.secretsmanager.rotation import set_schedule
from kumoi.services.secretsmanager.store import find, find_own, place_of
from kumoi.state import Transaction, transactional


@secretsmanager.operation
async def replicate_secret_to_regions(
    call: Call, SecretId: str, AddReplicaRegions: list[dict[str, str]], ForceOverwriteReplicaSecret: bool = False
) -> dict[str, Any]:
    """Copy a secret to other regions, and keep the copies the same."""
    replicas = wanted_replicas(AddReplicaRegions, call.region)
    state, wanted = await place_of(call, SecretId)
    secret = await _replicate(state, wanted, replicas, ForceOverwriteReplicaSecret)
    return {"ARN": secret.arn, **replication(secret)}


@transactional
async def _replicate(tx: Transaction, wanted: Wanted, replicas: list[Replica], overwrite: bool) -> Secret:
    return await begin_replication(tx, await find_own(tx, wanted), replicas, overwrite=overwrite)


@secretsmanager.operation
async def remove_regions_from_replication(call: Call, SecretId: str, RemoveReplicaRegions: list[str]) -> dict[str, Any]:
    """Delete copies."""
    state, wanted = await place_of(call, SecretId)
    secret = await _remove(state, wanted, RemoveReplicaRegions)
    return {"ARN": secret.arn, "ReplicationStatus": [], **replication(secret)}


@transactional
async def _remove(tx: Transaction, wanted: Wanted, regions: list[str]) -> Secret:
    return await end_replication(tx, await find_own(tx, wanted), regions)


@secretsmanager.operation
async def stop_replication_to_replica(call: Call, SecretId: str) -> dict[str, Any]:
    """Make a copy a secret of its own; to be asked in the copy's region."""
    state, wanted = await place_of(call, SecretId)
    return {"ARN": (await _promote(state, wanted)).arn}


@transactional
async def _promote(tx: Transaction, wanted: Wanted) -> Secret:
    secret = await find(tx, wanted)
    if secret.primary is None:
        raise bad_request("You can't stop replication to this secret: it is not a replica.")
    home = tx.at(secret.account, secret.primary)
    primary = await secrets.get(home, secret.name)
    if primary is not None and primary.suffix == secret.suffix:
        left = {region: one for region, one in primary.replicas.items() if region != secret.region}
        await secrets.put(home, msgspec.structs.replace(primary, replicas=left))
    secret = set_schedule(tx, msgspec.structs.replace(secret, primary=None, changed=tx.now))
    await secrets.put(tx, secret)
    return secret
