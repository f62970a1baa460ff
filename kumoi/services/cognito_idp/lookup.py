"""Finding pools, clients and users: by id for those who sign, by client or token for those who do not."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from kumoi.doorway import Call
from kumoi.services.cognito_idp.errors import no_client, no_pool, no_user, not_authorized
from kumoi.services.cognito_idp.records import (
    Client,
    Place,
    Pool,
    Provider,
    User,
    aliases,
    clients,
    places,
    pools,
    providers,
    users,
)
from kumoi.state import State, Transaction, transactional


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a call plays: the store of the pool's account and region, the pool, and the client where one is named.

    `device` is the key of the device that a client says it is.
    """

    state: State
    account: str
    region: str
    pool: Pool
    client: Client | None = None
    device: str = ""


async def pool_of(call: Call, pool_id: str) -> Scene:
    """The pool of the caller's account; ResourceNotFoundException."""
    pool = await _pool(call.state, pool_id)
    if pool is None:
        raise no_pool(pool_id)
    return Scene(call.state, call.account, call.region, pool)


async def client_of(call: Call, client_id: str, pool_id: str | None = None) -> Scene:
    """The pool of a client, whoever calls; ResourceNotFoundException, also for a client of another pool."""
    place = await _place(call.doorway.state.at("", ""), client_id)
    if place is None or (pool_id is not None and place.pool != pool_id):
        raise no_client(client_id)
    state = call.doorway.state.at(place.account, place.region)
    pool, client = await _pool(state, place.pool), await _client(state, place.pool, client_id)
    if pool is None or client is None:
        raise no_client(client_id)
    return Scene(state, place.account, place.region, pool, client)


async def pool_anywhere(call: Call, pool_id: str, client_id: str | None = None) -> Scene | None:
    """A pool by its id, in whichever account, and one of its clients, if that is named and there."""
    place = await _place(call.doorway.state.at("", ""), pool_id)
    if place is None:
        return None
    state = call.doorway.state.at(place.account, place.region)
    pool = await _pool(state, pool_id)
    client = None if client_id is None else await _client(state, pool_id, client_id)
    return None if pool is None else Scene(state, place.account, place.region, pool, client)


def check_secret(client: Client, username: str, given: str | None) -> None:
    """Raise NotAuthorizedException unless a client with a secret proved that it knows it."""
    if not client.secret:
        return
    if given is None:
        raise not_authorized(f"Client {client.id} is configured for secret but secret was not received")
    digest = hmac.digest(client.secret.encode(), f"{username}{client.id}".encode(), hashlib.sha256)
    if not hmac.compare_digest(base64.b64encode(digest).decode().encode(), given.encode()):
        raise not_authorized(f"SecretHash does not match for the client: {client.id}")


def revealed(call: Call, provider: Provider) -> dict[str, str]:
    """The details of an identity provider, its secret included."""
    sealer = call.doorway.identity.sealer
    secrets = {name: sealer.open(one, f"provider/{provider.pool}").decode() for name, one in provider.secrets.items()}
    return {**provider.details, **secrets}


def hides_users(client: Client) -> bool:
    """Whether a client does not tell who is a user of its pool."""
    return client.definition.get("PreventUserExistenceErrors") == "ENABLED"


async def proved(call: Call, client_id: str, username: str, secret_hash: str | None) -> Scene:
    """The pool of a client that proved its secret, if it has one, for a user name."""
    scene = await client_of(call, client_id)
    assert scene.client is not None, "a client was named"
    check_secret(scene.client, username, secret_hash)
    return scene


def key_of(pool: Pool, username: str) -> str:
    """A user name as it is looked up."""
    return username if pool.case_sensitive else username.lower()


async def find_user(tx: Transaction, pool: Pool, username: str) -> User | None:
    """A user by name, sub, or an attribute that the pool lets users sign in with."""
    key = key_of(pool, username)
    found = await users.get(tx, pool.id, key)
    if found is not None:
        return found
    for attribute in (*pool.signs_in_with, "sub"):
        alias = await aliases.get(tx, pool.id, attribute, key)
        if alias is not None:
            return await users.get(tx, pool.id, alias.user)
    return None


@transactional
async def user_named(tx: Transaction, pool: Pool, username: str) -> User:
    """A user; UserNotFoundException."""
    found = await find_user(tx, pool, username)
    if found is None:
        raise no_user()
    return found


@transactional
async def maybe_user(tx: Transaction, pool: Pool, username: str) -> User | None:
    """A user, or None."""
    return await find_user(tx, pool, username)


@transactional
async def providers_of(tx: Transaction, pool: str) -> list[Provider]:
    """The identity providers of a pool by name."""
    return list(await providers.list(tx, pool))


@transactional
async def provider_of(tx: Transaction, pool: str, name: str) -> Provider | None:
    """An identity provider of a pool."""
    return await providers.get(tx, pool, name)


@transactional
async def _pool(tx: Transaction, pool_id: str) -> Pool | None:
    return await pools.get(tx, pool_id)


@transactional
async def _client(tx: Transaction, pool_id: str, client_id: str) -> Client | None:
    return await clients.get(tx, pool_id, client_id)


@transactional
async def _place(tx: Transaction, name: str) -> Place | None:
    return await places.get(tx, name)
