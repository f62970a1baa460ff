"""What runs for user pools while the platform does: the customers' own names of sign-in pages are claimed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Parts
from kumoi.doorway.host_names import HostNames
from kumoi.services.cognito_idp.records import Domain, domains, places
from kumoi.state import State, Transaction, transactional

PLANE = "cognito-hosted-ui"


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Claim the names that were there before."""
    claim(parts, await _all(parts[Doorway].state.at("", "")))
    yield


def claim(parts: Parts, found: Iterable[Domain]) -> None:
    """Have requests for names with dots come to the pages; prefixes are known without."""
    for domain in found:
        if "." in domain.name:
            parts[HostNames].claim(domain.name, PLANE, domain.region, {"id": domain.name})  # type: ignore[type-abstract]


def release(parts: Parts, names: Iterable[str]) -> None:
    """Give names back."""
    for name in names:
        if "." in name:
            parts[HostNames].release(name)  # type: ignore[type-abstract]


async def forget(parts: Parts, state: State, account: str | None) -> None:
    """Free the ids and names of an account, or all."""
    release(parts, await _free(state.at("", ""), account))


@transactional
async def _all(tx: Transaction) -> list[Domain]:
    return await domains.list(tx)


@transactional
async def _free(tx: Transaction, account: str | None) -> list[str]:
    for place in await places.list(tx):
        if account is None or place.account == account:
            await places.delete(tx, place.id)
    freed = [domain.name for domain in await domains.list(tx) if account in (None, domain.account)]
    for name in freed:
        await domains.delete(tx, name)
    return freed
