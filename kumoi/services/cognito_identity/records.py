"""What identity pools store: pools, identities, whose logins they are. Times are epoch seconds.

Callers do not sign where they ask for an identity or its credentials: `places` tells in which account a pool or an
identity is.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class TagMap(msgspec.Struct, frozen=True):
    """Which claims of a provider's tokens become session tags: tag to claim, unless the usual two do."""

    defaults: bool
    tags: dict[str, str] = {}


class IdentityPool(msgspec.Struct, frozen=True, kw_only=True):
    """An identity pool. `definition` is as the client gave it; `roles` by `authenticated` and `unauthenticated`."""

    id: str
    name: str
    definition: dict[str, Any]
    tags: dict[str, str] = {}
    roles: dict[str, str] = {}
    mappings: dict[str, Any] = {}
    tag_maps: dict[str, TagMap] = {}

    @property
    def developer_provider(self) -> str | None:
        """The name under which the pool's own back end vouches for users."""
        name: str | None = self.definition.get("DeveloperProviderName")
        return name


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody. `logins` are pairs of a provider and its name for them; none: a guest."""

    pool: str
    id: str
    created: float
    modified: float
    logins: tuple[tuple[str, str], ...] = ()


class Login(msgspec.Struct, frozen=True):
    """Whose identity a provider's subject is."""

    pool: str
    provider: str
    subject: str
    identity: str


class Place(msgspec.Struct, frozen=True):
    """Where a pool or an identity is."""

    id: str
    account: str
    region: str
    pool: str


class SigningKey(msgspec.Struct, frozen=True):
    """The platform's key for tokens of identity pools, sealed."""

    name: str
    sealed: bytes


pools: Space[IdentityPool] = Space("cognito-identity.pool", IdentityPool, lambda one: (one.id,), remembered=True)
identities: Space[Identity] = Space("cognito-identity.identity", Identity, lambda one: (one.pool, one.id))
logins: Space[Login] = Space("cognito-identity.login", Login, lambda one: (one.pool, one.provider, one.subject))
places: Space[Place] = Space("cognito-identity.place", Place, lambda one: (one.id,), scope="global")
keys: Space[SigningKey] = Space("cognito-identity.key", SigningKey, lambda one: (one.name,), scope="global")
