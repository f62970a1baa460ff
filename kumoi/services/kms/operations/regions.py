"""Multi-region keys get replicas, and other primary keys."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.names import partition_of
from kumoi.services.kms import kms
from kumoi.services.kms.answers import metadata, tag_list
from kumoi.services.kms.errors import bad_state, invalid, no_key, unsupported
from kumoi.services.kms.naming import Named
from kumoi.services.kms.operations.keys import lockout_of
from kumoi.services.kms.policies import check_policy, default_policy
from kumoi.services.kms.records import Key, keys, materials
from kumoi.services.kms.regions import share
from kumoi.services.kms.store import check_enabled, find_own, own, state_of
from kumoi.services.kms.tags import check_tags, tags_of
from kumoi.services.kms.timers import schedule_rotation
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@kms.operation
async def replicate_key(
    call: Call,
    KeyId: str,
    ReplicaRegion: str,
    Policy: str | None = None,
    BypassPolicyLockoutSafetyCheck: bool = False,
    Description: str = "",
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Have a multi-region key in another region, too; asked in the region of its primary key."""
    named = own(call, KeyId)
    if partition_of(ReplicaRegion) != partition_of(call.region):
        raise invalid(f"{ReplicaRegion} is not a region of the partition of {named.arn}.")
    there = Named(named.account, ReplicaRegion, named.key)
    if Policy is not None:
        check_policy(Policy, there.arn, await lockout_of(call, BypassPolicyLockoutSafetyCheck))
    tags = tags_of(Tags or ())
    check_tags(tags)
    policy = Policy or default_policy(call.account, ReplicaRegion)
    replica = await _replicate(state_of(call, named), named, ReplicaRegion, policy, Description, tags)
    return {"ReplicaKeyMetadata": metadata(replica), "ReplicaPolicy": replica.policy, "ReplicaTags": tag_list(tags)}


@transactional
async def _replicate(
    tx: Transaction, named: Named, region: str, policy: str, description: str, tags: dict[str, str]
) -> Key:
    key = await find_own(tx, named)
    _check_primary(key)
    check_enabled(key)
    there = tx.at(key.account, region)
    if region == key.region or await keys.get(there, key.id) is not None:
        raise aws_error("AlreadyExistsException", f"{key.arn} is already in {region}.")
    key = await share(tx, key, replicas=(*key.replicas, region))
    external = key.origin == "EXTERNAL"
    replica = replace(
        key,
        region=region,
        created=tx.now,
        policy=policy,
        description=description,
        tags=tags,
        material="" if external else key.material,
        expires=None,
    )
    await keys.put(there, replica)
    if not external:
        for material in await materials.list(tx, key.id):
            await materials.put(there, material)
    return replica


@kms.operation
async def update_primary_region(call: Call, KeyId: str, PrimaryRegion: str) -> None:
    """Make a replica the primary key; asked in the region of the present one."""
    named = own(call, KeyId)
    await _move(state_of(call, named), named, PrimaryRegion)


@transactional
async def _move(tx: Transaction, named: Named, region: str) -> None:
    key = await find_own(tx, named)
    _check_primary(key)
    check_enabled(key)
    there = tx.at(key.account, region)
    replica = None if region == key.region else await keys.get(there, key.id)
    if replica is None:
        raise no_key(Named(named.account, region, named.key).arn)
    if replica.state != "Enabled":
        raise bad_state(replica.arn, f"{replica.state}, not Enabled")
    others = [one for one in key.replicas if one != region]
    key = await share(tx, key, primary=region, replicas=(*others, key.region))
    schedule_rotation(tx, key)
    schedule_rotation(there, replace(replica, primary=region, rotation=key.rotation))


def _check_primary(key: Key) -> None:
    if key.primary != key.region:
        raise unsupported(f"{key.arn} is not a multi-Region primary key.")
