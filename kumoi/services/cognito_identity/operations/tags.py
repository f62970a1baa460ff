"""Tags of identity pools."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cognito_identity import cognito_identity
from kumoi.services.cognito_identity.errors import invalid, no_pool
from kumoi.services.cognito_identity.records import pools
from kumoi.state import Transaction, transactional


@cognito_identity.operation
async def tag_resource(call: Call, ResourceArn: str, Tags: dict[str, str]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    await _change(call.state, ResourceArn, Tags, [])
    return {}


@cognito_identity.operation
async def untag_resource(call: Call, ResourceArn: str, TagKeys: list[str]) -> dict[str, Any]:
    """Remove tags."""
    await _change(call.state, ResourceArn, {}, TagKeys)
    return {}


@cognito_identity.operation
async def list_tags_for_resource(call: Call, ResourceArn: str) -> dict[str, Any]:
    """A pool's tags."""
    return {"Tags": await _change(call.state, ResourceArn, {}, [])}


@transactional
async def _change(tx: Transaction, resource: str, added: dict[str, str], removed: list[str]) -> dict[str, str]:
    pool_id = resource.rpartition("/")[2]
    pool = await pools.get(tx, pool_id)
    if pool is None:
        raise no_pool(pool_id)
    tags = {key: value for key, value in {**pool.tags, **added}.items() if key not in removed}
    if len(tags) > 50:
        raise invalid("An identity pool can have up to 50 tags.")
    if tags != pool.tags:
        await pools.put(tx, msgspec.structs.replace(pool, tags=tags))
    return tags
