"""What runs for CloudFront while the platform does: compiled distributions, caches, claimed host names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.doorway.host_names import HostNames
from kumoi.services.cloudfront import aliases
from kumoi.services.cloudfront.edge.caching import Caching
from kumoi.services.cloudfront.edge.deployments import Deployments
from kumoi.services.cloudfront.edge.edge_logs import EdgeLogs
from kumoi.services.cloudfront.edge.hits import Hits
from kumoi.services.cloudfront.edge.invalidated import Invalidated
from kumoi.services.cloudfront.edge.log_delivery import LogDelivery
from kumoi.services.cloudfront.edge.signatures import Signatures
from kumoi.services.cloudfront.edge.store import Store
from kumoi.services.cloudfront.functions.key_values import KeyValues
from kumoi.services.cloudfront.lambda_edge import replicas
from kumoi.services.cloudfront.records import Place, places
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts, and claim the aliases of distributions that were made before."""
    doorway = parts[Doorway]
    parts.add(Deployments, Deployments())
    parts.add(Invalidated, Invalidated())
    parts.add(Signatures, Signatures())
    parts.add(KeyValues, KeyValues())
    logs = parts.add(EdgeLogs, EdgeLogs(doorway))

    async def deployed(timer: Timer) -> None:
        await replicas.sync(doorway, timer.account)

    parts[TimerRunner].on(replicas.TOPIC, deployed)
    delivery = parts.add(LogDelivery, LogDelivery(doorway))
    caching = parts.add(Caching, Caching(Store()))
    names = parts[HostNames]  # type: ignore[type-abstract]
    hits = parts.add(Hits, Hits(doorway, caching.store, parts[Deployments], parts[Invalidated], delivery, logs, names))
    told = doorway.hops.gathered(hits.tell)
    aliases.claim(parts, [place.name for place in await _all(doorway.state.at("", "")) if "." in place.name])
    try:
        yield
    finally:
        await caching.stop()
        hits.tell()
        told()
        await logs.settle()
        await delivery.stop()


async def forget(parts: Parts, state: State, account: str | None) -> None:
    """Free the names of an account's distributions, or of all, and what is kept in memory."""
    parts[Hits].forget(account)
    freed = await _free(state.at("", ""), account)
    aliases.release(parts, [place.name for place in freed if "." in place.name])
    parts[Caching].store.clear(None if account is None else {place.distribution for place in freed})
    if account is None:
        parts[Deployments].clear()
    else:
        parts[Deployments].forget(account)
    parts[LogDelivery].forget(account)
    parts[Invalidated].clear()
    parts[KeyValues].clear()


@transactional
async def _all(tx: Transaction) -> list[Place]:
    return await places.list(tx)


@transactional
async def _free(tx: Transaction, account: str | None) -> list[Place]:
    freed = [place for place in await places.list(tx) if account in (None, place.account)]
    for place in freed:
        await places.delete(tx, place.name)
    return freed
