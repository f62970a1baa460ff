"""Keys are made, described, enabled and disabled."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.doorway.sealing import Sealer
from kumoi.policy import Caller
from kumoi.services.kms import kms
from kumoi.services.kms.answers import metadata
from kumoi.services.kms.errors import invalid, unsupported
from kumoi.services.kms.material import new_content, sealed
from kumoi.services.kms.naming import Named, new_key_id
from kumoi.services.kms.pages import page
from kumoi.services.kms.policies import check_policy, default_policy
from kumoi.services.kms.records import Key, Material, keys, materials
from kumoi.services.kms.rotation import set_enabled
from kumoi.services.kms.specs import SYMMETRIC, is_pair, usage_of
from kumoi.services.kms.store import change, check_stays, find_key, find_own, own, state_of
from kumoi.services.kms.tags import check_tags, tags_of
from kumoi.state import Transaction, transactional


@kms.operation
async def create_key(
    call: Call,
    Policy: str | None = None,
    Description: str = "",
    KeyUsage: str | None = None,
    CustomerMasterKeySpec: str | None = None,
    KeySpec: str | None = None,
    Origin: str = "AWS_KMS",
    BypassPolicyLockoutSafetyCheck: bool = False,
    Tags: list[dict[str, str]] | None = None,
    MultiRegion: bool = False,
) -> dict[str, Any]:
    """Make a key, with material of its own unless that is to be imported."""
    if KeySpec and CustomerMasterKeySpec:
        raise invalid(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec "
            "is deprecated."
        )
    spec = KeySpec or CustomerMasterKeySpec or SYMMETRIC
    if Origin not in ("AWS_KMS", "EXTERNAL"):
        raise unsupported("Kumoi has no custom key stores: a key's Origin is AWS_KMS or EXTERNAL.")
    tags = tags_of(Tags or ())
    check_tags(tags)
    key = Key(
        id=new_key_id(multi_region=MultiRegion),
        account=call.account,
        region=call.region,
        created=call.now,
        spec=spec,
        usage=usage_of(spec, KeyUsage),
        policy=Policy or default_policy(call.account, call.region),
        description=Description,
        origin="EXTERNAL" if Origin == "EXTERNAL" else "AWS_KMS",
        tags=tags,
        primary=call.region if MultiRegion else "",
    )
    if Policy is not None:
        check_policy(Policy, key.arn, await lockout_of(call, BypassPolicyLockoutSafetyCheck))
    material = None
    if Origin == "AWS_KMS":
        content = await asyncio.to_thread(new_content, spec) if is_pair(spec) else new_content(spec)
        material = sealed(call.doorway.identity.sealer, key, content, call.now)
        key = replace(key, material=material.id)
    await _create(call.state, key, material)
    call.node = kms.named(key.id)
    return {"KeyMetadata": metadata(key)}


async def lockout_of(call: Call, bypass: bool) -> Caller | None:
    """Whom a policy must not lock out: the caller, where policies are enforced."""
    identity = call.doorway.identity
    if bypass or not identity.enforces:
        return None
    return (await identity.authoriser.side(call.caller)).caller


@transactional
async def _create(tx: Transaction, key: Key, material: Material | None) -> None:
    await keys.put(tx, key)
    if material is not None:
        await materials.put(tx, material)


@kms.operation
async def describe_key(call: Call, KeyId: str, GrantTokens: list[str] | None = None) -> dict[str, Any]:
    """What there is to say about a key."""
    found = await find_key(call, KeyId, foreign=True)
    return {"KeyMetadata": metadata(found.key)}


@kms.operation
async def list_keys(
    call: Call, Limit: int = 100, Marker: str | None = None, ResourceOwners: list[str] | None = None
) -> dict[str, Any]:
    """The keys of the account and region, AWS managed ones too."""
    known = await _all(call.state) if ResourceOwners is None or "SELF" in ResourceOwners else []
    found, more = page(known, lambda one: one.id, Marker, Limit)
    return {"Keys": [{"KeyId": one.id, "KeyArn": one.arn} for one in found], **more}


@transactional
async def _all(tx: Transaction) -> list[Key]:
    return await keys.list(tx)


@kms.operation
async def update_key_description(call: Call, KeyId: str, Description: str) -> None:
    """Give a key another description."""
    named = own(call, KeyId)

    def described(key: Key) -> Key:
        check_stays(key)
        return replace(key, description=Description)

    await change(state_of(call, named), named, described)


@kms.operation
async def enable_key(call: Call, KeyId: str) -> None:
    """Let a key be used."""
    named = own(call, KeyId)
    await _enable(state_of(call, named), call.doorway.identity.sealer, named, True)


@kms.operation
async def disable_key(call: Call, KeyId: str) -> None:
    """Let a key not be used for the time being."""
    named = own(call, KeyId)
    await _enable(state_of(call, named), call.doorway.identity.sealer, named, False)


@transactional
async def _enable(tx: Transaction, sealer: Sealer, named: Named, enabled: bool) -> None:
    key = await find_own(tx, named)
    check_stays(key)
    await set_enabled(tx, sealer, key, enabled)
