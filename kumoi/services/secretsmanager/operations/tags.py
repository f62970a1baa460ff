"""Tags of secrets."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from kumoi.doorway import Call
from kumoi.services.secretsmanager import secretsmanager
from kumoi.services.secretsmanager.naming import Wanted
from kumoi.services.secretsmanager.store import find_own, keep, place_of
from kumoi.services.secretsmanager.tags import check_tags, tags_of
from kumoi.state import Transaction, transactional


@secretsmanager.operation
async def tag_resource(call: Call, SecretId: str, Tags: list[dict[str, str]]) -> None:
    """Add tags, or give them other values."""
    state, wanted = await place_of(call, SecretId)
    await _change(state, wanted, tags_of(Tags), ())


@secretsmanager.operation
async def untag_resource(call: Call, SecretId: str, TagKeys: list[str]) -> None:
    """Remove tags."""
    state, wanted = await place_of(call, SecretId)
    await _change(state, wanted, {}, TagKeys)


@transactional
async def _change(tx: Transaction, wanted: Wanted, added: Mapping[str, str], removed: Collection[str]) -> None:
    secret = await find_own(tx, wanted)
    tags = {key: value for key, value in {**secret.tags, **added}.items() if key not in removed}
    check_tags(tags)
    await keep(tx, msgspec.structs.replace(secret, tags=tags, changed=tx.now))
