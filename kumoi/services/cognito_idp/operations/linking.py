"""Who at an identity provider is which user, as administrators say: linked before they sign in, and unlinked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, cognito_idp
from kumoi.services.cognito_idp.errors import invalid, no_provider, no_user
from kumoi.services.cognito_idp.identity_providers import LOCAL, SOCIAL, SUBJECT
from kumoi.services.cognito_idp.lookup import find_user, pool_of
from kumoi.services.cognito_idp.records import Identity, Link, Pool, User, links, providers, users
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_MOST = 5


@cognito_idp.operation
async def admin_link_provider_for_user(
    call: Call, UserPoolId: str, DestinationUser: dict[str, str], SourceUser: dict[str, str]
) -> dict[str, Any]:
    """Have somebody who has not come from a provider yet be a user of the pool's when they do."""
    scene = await pool_of(call, UserPoolId)
    provider, attribute, value = _parts(SourceUser, "SourceUser")
    if provider.upper() == LOCAL:
        raise invalid("SourceUser is somebody at an identity provider.")
    await _link(scene.state, scene.pool, DestinationUser, provider, attribute, value)
    return {}


@cognito_idp.operation
async def admin_disable_provider_for_user(call: Call, UserPoolId: str, User: dict[str, str]) -> dict[str, Any]:
    """Have somebody at a provider be a user of the pool's no more; a user of its own signs in by no password more."""
    scene = await pool_of(call, UserPoolId)
    provider, attribute, value = _parts(User, "User")
    if provider.upper() == LOCAL:
        await _without_password(scene.state, scene.pool, value)
    else:
        await _unlink(scene.state, scene.pool, provider, attribute, value)
    return {}


def _parts(given: Mapping[str, str], member: str) -> tuple[str, str, str]:
    provider, attribute, value = (
        given.get(name) or "" for name in ("ProviderName", "ProviderAttributeName", "ProviderAttributeValue")
    )
    if not provider or not attribute or not value:
        raise invalid(f"{member} has a ProviderName, a ProviderAttributeName and a ProviderAttributeValue.")
    return provider, attribute, value


@transactional
async def _link(
    tx: Transaction, pool: Pool, destination: Mapping[str, str], name: str, attribute: str, value: str
) -> None:
    provider = await providers.get(tx, pool.id, name)
    if provider is None:
        raise no_provider(name)
    if provider.kind in SOCIAL and attribute != SUBJECT:
        raise invalid(f"ProviderAttributeName for SourceUser of {name} must be {SUBJECT}")
    user = await _destination(tx, pool, destination)
    known = await links.get(tx, pool.id, name, attribute, value)
    if known is not None:
        if known.user == user.key:
            raise invalid("SourceUser is already linked to DestinationUser")
        raise invalid(
            "Merging is not currently supported, provide a SourceUser that has not been signed up in order to link"
        )
    if len(user.identities) >= _MOST:
        raise aws_error("LimitExceededException", f"A user is linked to {_MOST} identities at most.")
    await links.put(tx, Link(pool.id, name, attribute, value, user.key))
    linked = Identity(name, provider.kind, attribute, value, tx.now)
    await changes.change(tx, pool, user.key, {"identities": (*user.identities, linked)})


async def _destination(tx: Transaction, pool: Pool, given: Mapping[str, str]) -> User:
    """A user of the pool's own by name, or one of a provider's by their name there; UserNotFoundException."""
    name, value = given.get("ProviderName") or "", given.get("ProviderAttributeValue") or ""
    if not name or not value:
        raise invalid("DestinationUser has a ProviderName and a ProviderAttributeValue.")
    found = await find_user(tx, pool, value) if name.upper() == LOCAL else None
    link = None if found is not None else await links.get(tx, pool.id, name, SUBJECT, value)
    if link is not None:
        found = await users.get(tx, pool.id, link.user)
    if found is None:
        raise no_user()
    return found


@transactional
async def _unlink(tx: Transaction, pool: Pool, name: str, attribute: str, value: str) -> None:
    """Take a link away; somebody's own user, who is nobody else, is disabled."""
    if await providers.get(tx, pool.id, name) is None:
        raise no_provider(name)
    link = await links.get(tx, pool.id, name, attribute, value)
    user = None if link is None else await users.get(tx, pool.id, link.user)
    if user is None:
        raise no_user()
    gone = [one for one in user.identities if (one.provider, one.attribute, one.value) == (name, attribute, value)]
    if any(one.own for one in gone):
        await changes.change(tx, pool, user.key, {"enabled": False, "signed_out": tx.now})
        return
    await links.delete(tx, pool.id, name, attribute, value)
    kept = tuple(one for one in user.identities if one not in gone)
    await changes.change(tx, pool, user.key, {"identities": kept})


@transactional
async def _without_password(tx: Transaction, pool: Pool, name: str) -> None:
    user = await find_user(tx, pool, name)
    if user is None:
        raise no_user()
    await users.put(tx, msgspec.structs.replace(user, salt="", verifier="", modified=tx.now))
