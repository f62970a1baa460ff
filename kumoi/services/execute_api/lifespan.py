"""What runs for APIs of every kind while the platform does: throttles, caches, access logs, claimed host names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.doorway.host_names import HostNames
from kumoi.http_api.access_log import AccessLogs
from kumoi.http_api.authorizers import VerdictCache
from kumoi.http_api.functions import FunctionCaller
from kumoi.http_api.jwt import IssuerKeys
from kumoi.http_api.places import domains, mappings, places
from kumoi.http_api.throttle import Throttles
from kumoi.state import State, Transaction, transactional


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts, and claim the host names of domain names that were made before."""
    doorway = parts[Doorway]
    parts.add(Throttles, Throttles())
    parts.add(VerdictCache, VerdictCache())
    parts.add(IssuerKeys, IssuerKeys())
    callers = parts.add(FunctionCaller, FunctionCaller())
    logs = parts.add(AccessLogs, AccessLogs(doorway))
    names = parts[HostNames]  # type: ignore[type-abstract]
    for name, region in await _claimed(doorway.state.at("", "")):
        names.claim(name, "execute-api", region, {"domain": name, "host": name})
    try:
        yield
    finally:
        await callers.stop()
        await logs.stop()


async def forget(parts: Parts, state: State, account: str | None) -> None:
    """Free the ids and the host names of an account, or all."""
    for name in await _free(state.at("", ""), account):
        parts[HostNames].release(name)  # type: ignore[type-abstract]


@transactional
async def _claimed(tx: Transaction) -> list[tuple[str, str]]:
    return [(domain.name, domain.region) for domain in await domains.list(tx)]


@transactional
async def _free(tx: Transaction, account: str | None) -> list[str]:
    for place in await places.list(tx):
        if account in (None, place.account):
            await places.delete(tx, place.id)
    freed = [domain.name for domain in await domains.list(tx) if account in (None, domain.account)]
    for name in freed:
        await mappings.delete_all(tx, name)
        await domains.delete(tx, name)
    return freed
