"""Finding pools and identities by their ids, whoever asks."""

from __future__ import annotations

from dataclasses import dataclass

from kumoi.doorway import Call
from kumoi.services.cognito_identity.errors import no_identity, no_pool
from kumoi.services.cognito_identity.records import Identity, IdentityPool, Place, identities, places, pools
from kumoi.state import State, Transaction, transactional


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a call plays: the store of the pool's account and region, and the pool."""

    state: State
    account: str
    region: str
    pool: IdentityPool


async def own_pool(call: Call, pool_id: str) -> Scene:
    """A pool of the caller's account; ResourceNotFoundException."""
    return Scene(call.state, call.account, call.region, await load_pool(call.state, pool_id))


async def pool_anywhere(call: Call, pool_id: str) -> Scene:
    """A pool of whichever account; ResourceNotFoundException."""
    place = await _place(call.doorway.state.at("", ""), pool_id)
    if place is None:
        raise no_pool(pool_id)
    return await _scene(call, place)


async def identity_anywhere(call: Call, identity_id: str) -> tuple[Scene, Identity]:
    """An identity of whichever account, and its pool; ResourceNotFoundException."""
    place = await _place(call.doorway.state.at("", ""), identity_id)
    if place is None or place.pool == place.id:
        raise no_identity(identity_id)
    scene = await _scene(call, place)
    return scene, await load_identity(scene.state, place.pool, identity_id)


async def own_identity(call: Call, identity_id: str) -> tuple[Scene, Identity]:
    """An identity of the caller's account; ResourceNotFoundException."""
    scene, identity = await identity_anywhere(call, identity_id)
    if scene.account != call.account:
        raise no_identity(identity_id)
    return scene, identity


async def _scene(call: Call, place: Place) -> Scene:
    state = call.doorway.state.at(place.account, place.region)
    return Scene(state, place.account, place.region, await load_pool(state, place.pool))


@transactional
async def load_pool(tx: Transaction, pool_id: str) -> IdentityPool:
    """A pool; ResourceNotFoundException."""
    pool = await pools.get(tx, pool_id)
    if pool is None:
        raise no_pool(pool_id)
    return pool


@transactional
async def load_identity(tx: Transaction, pool_id: str, identity_id: str) -> Identity:
    """An identity of a pool; ResourceNotFoundException."""
    identity = await identities.get(tx, pool_id, identity_id)
    if identity is None:
        raise no_identity(identity_id)
    return identity


@transactional
async def _place(tx: Transaction, name: str) -> Place | None:
    return await places.get(tx, name)


@transactional
async def forget(tx: Transaction, account: str | None) -> None:
    """Drop the places of an account, or all."""
    for place in await places.list(tx):
        if account is None or place.account == account:
            await places.delete(tx, place.id)
