"""Replicas: copies of a secret in other regions, kept the same by every transaction that changes it.

A copy has the secret's name, suffix, versions, labels, tags and policy; it is read there and changed at its primary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kumoi.services.secretsmanager.errors import bad_parameter
from kumoi.services.secretsmanager.records import Replica, Secret, secrets, versions
from kumoi.services.secretsmanager.store import copy_for, erase, keep
from kumoi.state import Transaction


def wanted_replicas(given: Iterable[Mapping[str, str]], region: str) -> list[Replica]:
    """The replicas that a request from a region asks for."""
    found = []
    for one in given:
        if "Region" not in one:
            raise bad_parameter("A replica must have a Region.")
        if one["Region"] == region:
            raise bad_parameter("Invalid replica region.")
        found.append(Replica(region=one["Region"], kms_key=one.get("KmsKeyId") or None))
    return found


async def begin_replication(tx: Transaction, secret: Secret, replicas: Iterable[Replica], *, overwrite: bool) -> Secret:
    """Make replicas; where a region has a secret of that name already, that replica fails unless it may be replaced."""
    for replica in replicas:
        there = tx.at(secret.account, replica.region)
        known = await secrets.get(there, secret.name)
        ours = known is not None and (known.primary, known.suffix) == (secret.region, secret.suffix)
        if known is not None and not ours and not overwrite:
            failure = f"Replication failed: Secret name {secret.name} already exists in region {replica.region}."
            replica = msgspec.structs.replace(replica, failure=failure)
        elif known is not None:
            await erase(there, known)
        secret = msgspec.structs.replace(secret, replicas={**secret.replicas, replica.region: replica})
        if replica.failure is None:
            await secrets.put(there, copy_for(secret, replica.region))
            for version in await versions.list(tx, secret.name):
                await versions.put(there, version)
    await keep(tx, secret)
    return secret


async def end_replication(tx: Transaction, secret: Secret, regions: Iterable[str]) -> Secret:
    """Remove replicas."""
    for region in regions:
        replica = secret.replicas.get(region)
        if replica is None:
            raise bad_parameter(f"The secret {secret.name} is not replicated to {region}.")
        if replica.failure is None:
            there = tx.at(secret.account, region)
            known = await secrets.get(there, secret.name)
            if known is not None:
                await erase(there, known)
    left = {region: one for region, one in secret.replicas.items() if region not in set(regions)}
    secret = msgspec.structs.replace(secret, replicas=left)
    await keep(tx, secret)
    return secret
