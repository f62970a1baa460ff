"""Whose identity some logins are: one that is there, or a new one; more logins make an identity reachable by more ways.

A guest who signs in keeps the identity, unless the login has one already: then that is theirs, and the guest's is gone.
Source: "Identity pools authentication flow"; the API reference of GetId.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from kumoi.names import uuid
from kumoi.services.cognito_identity.errors import conflict, no_match
from kumoi.services.cognito_identity.records import Identity, Login, Place, identities, logins, places
from kumoi.state import Transaction, transactional

Pair = tuple[str, str]
"""A provider, and its name for somebody."""
MOST_LOGINS = 20


@transactional
async def identified(tx: Transaction, pool: str, pairs: Sequence[Pair]) -> Identity:
    """The identity of some logins, made where there is none; for no logins a new guest."""
    found = {login.identity for pair in pairs if (login := await logins.get(tx, pool, *pair)) is not None}
    if len(found) > 1:
        raise conflict("Logins are already linked to different identities.")
    if found:
        identity = await identities.get(tx, pool, found.pop())
        if identity is not None:
            return await _linked(tx, identity, pairs)
    made = Identity(pool=pool, id=f"{tx.region}:{uuid()}", created=tx.now, modified=tx.now)
    await identities.put(tx, made)
    await places.put(tx, Place(made.id, tx.account, tx.region, pool))
    return await _linked(tx, made, pairs)


@transactional
async def reached(tx: Transaction, pool: str, identity_id: str, pairs: Sequence[Pair]) -> Identity:
    """The identity of that id for somebody with these logins; NotAuthorizedException where none is the identity's."""
    identity = await identities.get(tx, pool, identity_id)
    if identity is None:
        raise no_match()
    owners = {pair: login.identity for pair in pairs if (login := await logins.get(tx, pool, *pair)) is not None}
    if not identity.logins and owners:
        (*others, other) = sorted(set(owners.values()))
        found = await identities.get(tx, pool, other)
        if others or found is None:
            raise no_match()
        await drop(tx, identity)
        return await _linked(tx, found, pairs)
    if any(owner != identity_id for owner in owners.values()) or (identity.logins and not owners):
        raise no_match()
    return await _linked(tx, identity, pairs)


async def _linked(tx: Transaction, identity: Identity, pairs: Iterable[Pair]) -> Identity:
    fresh = [pair for pair in pairs if pair not in identity.logins]
    if not fresh:
        return identity
    if len(identity.logins) + len(fresh) > MOST_LOGINS:
        raise conflict(f"An identity can have up to {MOST_LOGINS} logins.")
    for provider, subject in fresh:
        await logins.put(tx, Login(identity.pool, provider, subject, identity.id))
    changed = msgspec.structs.replace(identity, logins=(*identity.logins, *fresh), modified=tx.now)
    await identities.put(tx, changed)
    return changed


async def link(tx: Transaction, identity: Identity, pairs: Iterable[Pair]) -> Identity:
    """Add logins to an identity."""
    return await _linked(tx, identity, pairs)


async def unlink(tx: Transaction, identity: Identity, pairs: Iterable[Pair]) -> Identity:
    """Take logins from an identity."""
    gone = set(pairs)
    for provider, subject in gone:
        await logins.delete(tx, identity.pool, provider, subject)
    kept = tuple(pair for pair in identity.logins if pair not in gone)
    changed = msgspec.structs.replace(identity, logins=kept, modified=tx.now)
    await identities.put(tx, changed)
    return changed


async def drop(tx: Transaction, identity: Identity) -> None:
    """Forget an identity and its logins."""
    for provider, subject in identity.logins:
        await logins.delete(tx, identity.pool, provider, subject)
    await identities.delete(tx, identity.pool, identity.id)
    await places.delete(tx, identity.id)
