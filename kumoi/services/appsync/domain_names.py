"""Which host names lead to APIs: claimed where they are associated, and again when the platform starts."""

from __future__ import annotations

import msgspec

from kumoi.doorway.host_names import HostNames
from kumoi.services.appsync.records import Domain, domains
from kumoi.state import State, Transaction, transactional

PLANE = "appsync-api"


def claim(names: HostNames, domain: Domain) -> None:
    """Have requests for a name that leads to an API come to it."""
    if domain.api is not None:
        names.claim(domain.name, PLANE, domain.region, {"id": domain.api})


async def release_all(names: HostNames, state: State, account: str | None) -> None:
    """Forget the names of an account, or all."""
    for domain in await all_domains(state.at("", "")):
        if account in (None, domain.account):
            names.release(domain.name)
            await _forget(state.at("", ""), domain.name)


@transactional
async def all_domains(tx: Transaction) -> list[Domain]:
    """The domain names of the platform."""
    return await domains.list(tx)


async def abandon(names: HostNames, state: State, api: str) -> None:
    """Have the names that led to an API lead nowhere."""
    for name in await _leave(state.at("", ""), api):
        names.release(name)


@transactional
async def _leave(tx: Transaction, api: str) -> list[str]:
    found = [one for one in await domains.list(tx) if one.api == api]
    for one in found:
        await domains.put(tx, msgspec.structs.replace(one, api=None))
    return [one.name for one in found]


@transactional
async def _forget(tx: Transaction, name: str) -> None:
    await domains.delete(tx, name)
