"""Grants: what a principal may do with a key, beside the key's policy."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.names import hex_id, partition_of
from kumoi.services.kms import kms
from kumoi.services.kms.answers import listed_grant
from kumoi.services.kms.errors import dry_run, invalid, not_found
from kumoi.services.kms.grant_rules import check_operations
from kumoi.services.kms.naming import Named, parse_key
from kumoi.services.kms.pages import page
from kumoi.services.kms.records import Grant, grants
from kumoi.services.kms.store import check_enabled, find, find_key, state_of
from kumoi.services.kms.tokens import GrantToken, read_grant_token
from kumoi.state import Transaction, transactional

_DIGITS = 64


@kms.operation
async def create_grant(
    call: Call,
    KeyId: str,
    Operations: list[str],
    GranteePrincipal: str | None = None,
    RetiringPrincipal: str | None = None,
    Constraints: dict[str, Any] | None = None,
    GrantTokens: list[str] | None = None,
    Name: str | None = None,
    DryRun: bool = False,
    GranteeServicePrincipal: str | None = None,
    RetiringServicePrincipal: str | None = None,
) -> dict[str, Any]:
    """Give a grant; the same request with the same Name gives one."""
    if (GranteePrincipal is None) == (GranteeServicePrincipal is None):
        raise invalid("Specify either GranteePrincipal or GranteeServicePrincipal.")
    found = await find_key(call, KeyId, aliases=False, foreign=True)
    limits = Constraints or {}
    constrained = "EncryptionContextSubset" in limits or "EncryptionContextEquals" in limits
    check_operations(Operations, found.key.spec, found.key.usage, constrained=constrained)
    check_enabled(found.key)
    if DryRun:
        raise dry_run()
    fresh = Grant(
        key=found.key.id,
        id=hex_id(_DIGITS),
        created=call.now,
        issuer=f"arn:{partition_of(call.region)}:iam::{call.account}:root",
        operations=tuple(dict.fromkeys(Operations)),
        grantee=GranteePrincipal or "",
        grantee_service=GranteeServicePrincipal or "",
        retiring=RetiringPrincipal or "",
        retiring_service=RetiringServicePrincipal or "",
        name=Name or "",
        subset=limits.get("EncryptionContextSubset"),
        equals=limits.get("EncryptionContextEquals"),
        source_arn=limits.get("SourceArn", ""),
    )
    grant = await _create(found.state, fresh)
    token = GrantToken(found.key.arn, grant.id)
    return {"GrantToken": token.text(call.doorway.identity.sealer), "GrantId": grant.id}


@transactional
async def _create(tx: Transaction, fresh: Grant) -> Grant:
    if fresh.name:
        for known in await grants.list(tx, fresh.key):
            if replace(known, id=fresh.id, created=fresh.created) == fresh:
                return known
    await grants.put(tx, fresh)
    return fresh


@kms.operation
async def list_grants(
    call: Call,
    KeyId: str,
    Limit: int = 50,
    Marker: str | None = None,
    GrantId: str | None = None,
    GranteePrincipal: str | None = None,
    GranteeServicePrincipal: str | None = None,
) -> dict[str, Any]:
    """The grants of a key."""
    state, key = await find_key(call, KeyId, aliases=False, foreign=True)
    known = [
        one
        for one in await _of_key(state, key.id)
        if GrantId in (None, one.id)
        and GranteePrincipal in (None, one.grantee)
        and GranteeServicePrincipal in (None, one.grantee_service)
    ]
    found, more = page(known, lambda one: one.id, Marker, Limit)
    return {"Grants": [listed_grant(one, key.arn) for one in found], **more}


@transactional
async def _of_key(tx: Transaction, key_id: str) -> list[Grant]:
    return await grants.list(tx, key_id)


@kms.operation
async def list_retirable_grants(
    call: Call,
    RetiringPrincipal: str | None = None,
    Limit: int = 50,
    Marker: str | None = None,
    RetiringServicePrincipal: str | None = None,
) -> dict[str, Any]:
    """The grants that name a principal who may retire them."""
    if (RetiringPrincipal is None) == (RetiringServicePrincipal is None):
        raise invalid("Specify either RetiringPrincipal or RetiringServicePrincipal.")
    known = [
        one
        for one in await _all(call.state)
        if RetiringPrincipal in (None, one.retiring) and RetiringServicePrincipal in (None, one.retiring_service)
    ]
    found, more = page(known, lambda one: one.id, Marker, Limit)
    return {"Grants": [listed_grant(one, call.arn("kms", f"key/{one.key}")) for one in found], **more}


@transactional
async def _all(tx: Transaction) -> list[Grant]:
    return await grants.list(tx)


@kms.operation
async def revoke_grant(call: Call, KeyId: str, GrantId: str, DryRun: bool = False) -> None:
    """Take a grant back."""
    await _end(call, parse_key(KeyId, call.account, call.region, aliases=False), GrantId, DryRun)


@kms.operation
async def retire_grant(
    call: Call,
    GrantToken: str | None = None,
    KeyId: str | None = None,
    GrantId: str | None = None,
    DryRun: bool = False,
) -> None:
    """Give a grant up, by its token or by its key's ARN and its id."""
    key_id, grant_id = KeyId, GrantId
    if GrantToken is not None and key_id is None and grant_id is None:
        token = read_grant_token(call.doorway.identity.sealer, GrantToken)
        key_id, grant_id = token.key_arn, token.grant
    elif GrantToken is not None or key_id is None or grant_id is None:
        raise invalid("Specify either a GrantToken, or a KeyId and a GrantId.")
    await _end(call, parse_key(key_id, call.account, call.region, aliases=False), grant_id, DryRun)


async def _end(call: Call, named: Named, grant_id: str, trial: bool) -> None:
    call.node = kms.named(named.key)
    await _delete(state_of(call, named), named, grant_id, trial)


@transactional
async def _delete(tx: Transaction, named: Named, grant_id: str, trial: bool) -> None:
    await find(tx, named)
    if not await grants.delete(tx, named.key, grant_id):
        raise not_found(f"Grant ID {grant_id} not found")
    if trial:
        raise dry_run()
