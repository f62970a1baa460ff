"""What runs for Route 53 while the platform does: checks of endpoints, and what names lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Parts
from kumoi.doorway.host_names import HostNames
from kumoi.services.route53.checker import TOPIC, Checker
from kumoi.services.route53.domain_names import host
from kumoi.services.route53.observations import Observations
from kumoi.services.route53.pointers import leading, point_all
from kumoi.services.route53.records import places
from kumoi.state import State, Transaction, transactional
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts, and tell the gateway what the names of zones that were made before lead to."""
    parts.add(Observations, Observations())
    parts[TimerRunner].on(TOPIC, Checker(parts).fire)
    await point_all(parts)
    yield


async def forget(parts: Parts, state: State, account: str | None) -> None:
    """Free the names of an account's zones, or all."""
    hosts = parts[HostNames]  # type: ignore[type-abstract]
    for name in await leading(state.at("", ""), account):
        hosts.point(host(name), None)
    await _free(state.at("", ""), account)


@transactional
async def _free(tx: Transaction, account: str | None) -> None:
    for place in await places.list(tx):
        if account in (None, place.account):
            await places.delete(tx, place.name, place.zone)
