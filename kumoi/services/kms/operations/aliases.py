"""Aliases: names of keys that can be moved to other keys."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.names import arn
from kumoi.services.kms import kms
from kumoi.services.kms.answers import listed_alias
from kumoi.services.kms.errors import invalid, no_alias
from kumoi.services.kms.managed import predefined
from kumoi.services.kms.naming import Named, check_alias
from kumoi.services.kms.pages import page
from kumoi.services.kms.records import Alias, aliases, keys
from kumoi.services.kms.store import check_stays, find_key, find_own, own
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@kms.operation
async def create_alias(call: Call, AliasName: str, TargetKeyId: str) -> None:
    """Name a key."""
    check_alias(AliasName)
    await _create(call.state, AliasName, own(call, TargetKeyId))


@transactional
async def _create(tx: Transaction, name: str, target: Named) -> None:
    key = await find_own(tx, target)
    check_stays(key)
    if await aliases.get(tx, name) is not None:
        raise aws_error("AlreadyExistsException", f"An alias with the name {_arn(tx, name)} already exists")
    await aliases.put(tx, Alias(name=name, key=key.id, created=tx.now, updated=tx.now))


@kms.operation
async def update_alias(call: Call, AliasName: str, TargetKeyId: str) -> None:
    """Move an alias to another key of the same kind."""
    check_alias(AliasName)
    await _update(call.state, AliasName, own(call, TargetKeyId))


@transactional
async def _update(tx: Transaction, name: str, target: Named) -> None:
    alias = await aliases.get(tx, name)
    if alias is None:
        raise no_alias(_arn(tx, name))
    key = await find_own(tx, target)
    check_stays(key)
    before = await keys.get(tx, alias.key)
    if before is not None and (before.usage, _kind(before.spec)) != (key.usage, _kind(key.spec)):
        raise invalid(
            f"Alias {_arn(tx, name)} cannot be moved from a {before.spec} key for {before.usage} to a {key.spec} key "
            f"for {key.usage}: both have to be symmetric, asymmetric or HMAC keys with the same usage."
        )
    await aliases.put(tx, replace(alias, key=key.id, updated=tx.now))


def _kind(spec: str) -> str:
    """What the keys of an alias have in common: symmetric, asymmetric, or HMAC."""
    kind = spec.partition("_")[0]
    return "asymmetric" if kind in ("RSA", "ECC") else kind


@kms.operation
async def delete_alias(call: Call, AliasName: str) -> None:
    """Take a name away."""
    check_alias(AliasName)
    await _delete(call.state, AliasName)


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    if not await aliases.delete(tx, name):
        raise no_alias(_arn(tx, name))


@kms.operation
async def list_aliases(
    call: Call, KeyId: str | None = None, Limit: int = 50, Marker: str | None = None
) -> dict[str, Any]:
    """The aliases of a key, or all of the account and region: those of AWS managed keys that are not there yet, too."""
    known = await _all(call.state)
    if KeyId is None:
        known += predefined(one.name for one in known)
    else:
        key_id = (await find_key(call, KeyId, aliases=False)).key.id
        known = [one for one in known if one.key == key_id]
    found, more = page(known, lambda one: one.name, Marker, Limit)
    return {"Aliases": [listed_alias(call.account, call.region, one) for one in found], **more}


@transactional
async def _all(tx: Transaction) -> list[Alias]:
    return await aliases.list(tx)


def _arn(tx: Transaction, name: str) -> str:
    return arn("kms", tx.region, tx.account, name)
