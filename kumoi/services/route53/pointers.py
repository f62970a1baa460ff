"""Names that lead to other names: told to the gateway, which takes requests for them to where those lead.

An alias or a CNAME of a hosted zone is such a name. Of several sets the first choice counts, without chance: the
heaviest, the primary while it is healthy, the one of the platform's region. Public zones come before private ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kumoi.doorway import Doorway, Parts
from kumoi.doorway.host_names import HostNames
from kumoi.names import DEFAULT_REGION
from kumoi.services.route53.domain_names import ancestors, host, reversed_name
from kumoi.services.route53.evaluation import Asking, choose
from kumoi.services.route53.observations import Observations
from kumoi.services.route53.records import Place, RecordSet, Zone, places, record_sets, zones
from kumoi.state import Transaction, transactional

_LEADING = ("CNAME", "A", "AAAA")


async def point(parts: Parts, names: Iterable[str]) -> None:
    """Tell the gateway what canonical names lead to now."""
    asking = asking_of(parts, DEFAULT_REGION)
    hosts = parts[HostNames]  # type: ignore[type-abstract]
    for name, target in await _targets(parts[Doorway].state.at("", ""), asking, tuple(names)):
        hosts.point(host(name), host(target) if target else None)


async def point_all(parts: Parts) -> None:
    """Tell the gateway of all names that lead to others."""
    await point(parts, await leading(parts[Doorway].state.at("", "")))


def asking_of(parts: Parts, region: str) -> Asking:
    """The platform itself, asking without chance."""
    hosts = parts[HostNames]  # type: ignore[type-abstract]
    return Asking(region, lambda: 0.0, parts[Observations].found, lambda name: hosts.is_here(host(name)))


@transactional
async def leading(tx: Transaction, account: str | None = None) -> list[str]:
    """The names whose sets are aliases or CNAMEs, of an account or of all."""
    found: dict[str, None] = {}
    for place in await places.list(tx):
        if account not in (None, place.account):
            continue
        for one in await record_sets.list(tx.at(place.account, ""), place.zone):
            if one.target or one.type == "CNAME":
                found[one.name] = None
    return list(found)


@transactional
async def _targets(tx: Transaction, asking: Asking, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, await _target(tx, asking, name)) for name in names]


async def _target(tx: Transaction, asking: Asking, name: str) -> str:
    """The canonical name that a name leads to; empty for none."""
    for zone in await zones_of(tx, name):
        there = tx.at(zone.account, "")
        for kind in _LEADING:
            sets = await record_sets.list(there, zone.id, reversed_name(name), kind)
            first = sorted(sets, key=lambda one: -int(one.told.get("Weight", 0)))
            for one in await choose(there, asking, zone, first) if first else ():
                if target := _named(one):
                    return target
    return ""


def _named(one: RecordSet) -> str:
    if one.target:
        return one.target
    return one.values[0].lower() if one.type == "CNAME" else ""


async def zones_of(tx: Transaction, name: str, *, public: bool = False) -> list[Zone]:
    """The zones that a name lies in, whichever account's: the nearest first, public before private."""
    found: list[Zone] = []
    for one in (name, *ancestors(name)):
        known: list[Place] = sorted(await places.list(tx, one), key=lambda place: place.private)
        for place in known:
            if public and place.private:
                continue
            zone = await zones.get(tx.at(place.account, ""), place.zone)
            if zone is not None:
                found.append(zone)
    return found
