"""What a name means: the answer of Route 53's servers to a question about a zone.

Wildcards, CNAMEs and delegations as in RFC 1034; of several sets of a name and type one is chosen by its routing policy
among those that are healthy, or among all where none is. Whoever asks is in the platform's region and nowhere on earth,
so that geolocation finds its default alone. An alias for something of this platform is its loopback address.
Source: "How Amazon Route 53 chooses records when health checking is configured" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kumoi.services.route53.domain_names import WILDCARD, ancestors, is_within, reversed_name
from kumoi.services.route53.health import is_healthy
from kumoi.services.route53.records import RecordSet, Zone, record_sets
from kumoi.state import Transaction

_DEEPEST = 8
_MULTIVALUE = 8
_ALIAS_TTL = 60
_LOOPBACK = {"A": "127.0.0.1", "AAAA": "::1"}


class Record(NamedTuple):
    """A record of an answer; `ttl` in seconds."""

    name: str
    type: str
    ttl: int
    value: str


class Answer(NamedTuple):
    """What is answered; `authority` has the name servers of a delegation, or the zone's SOA where there is nothing."""

    code: str
    records: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()


class Asking(NamedTuple):
    """Who asks: in which `region`; `draw` answers a number from 0 up to 1.

    `observed` has what endpoints' checks found, `ours` tells whether a host is this platform's.
    """

    region: str
    draw: Callable[[], float]
    observed: Mapping[str, bool]
    ours: Callable[[str], bool]


async def evaluate(tx: Transaction, asking: Asking, zone: Zone, name: str, kind: str, depth: int = 0) -> Answer:
    """The answer to a question about a canonical name of a zone."""
    delegated = await _delegation(tx, zone, name, kind)
    if delegated:
        return Answer("NOERROR", authority=tuple(delegated))
    there = await record_sets.list(tx, zone.id, reversed_name(name)) or await _wildcard(tx, zone, name)
    if not there:
        code = "NOERROR" if await _has_below(tx, zone, name) else "NXDOMAIN"
        return Answer(code, authority=await _soa(tx, zone))
    asked = [one for one in there if one.type == kind]
    if asked:
        records = await _values(tx, asking, zone, name, asked, depth)
        return Answer("NOERROR", records, () if records else await _soa(tx, zone))
    if there[0].type == "CNAME" and depth < _DEEPEST:
        return await _followed(tx, asking, zone, name, kind, there, depth)
    return Answer("NOERROR", authority=await _soa(tx, zone))


async def _followed(
    tx: Transaction, asking: Asking, zone: Zone, name: str, kind: str, sets: Sequence[RecordSet], depth: int
) -> Answer:
    """A CNAME, and what its target has where that is in the zone, or on the platform."""
    records = await _values(tx, asking, zone, name, sets, depth)
    target = records[0].value if records else ""
    target = target if target.endswith(".") else f"{target}."
    if target and is_within(target.lower(), zone.name):
        rest = await evaluate(tx, asking, zone, target.lower(), kind, depth + 1)
        return Answer(rest.code, (*records, *rest.records), rest.authority)
    if kind in _LOOPBACK and asking.ours(target):
        records = (*records, Record(target, kind, _ALIAS_TTL, _LOOPBACK[kind]))
    return Answer("NOERROR", records)


async def _delegation(tx: Transaction, zone: Zone, name: str, kind: str) -> list[Record]:
    """The name servers that a name below the zone's own was handed to."""
    if name == zone.name or not is_within(name, zone.name):
        return []
    for above in (name, *ancestors(name)):
        if above == zone.name:
            return []
        if above == name and kind in ("NS", "DS"):
            continue
        found = await record_sets.list(tx, zone.id, reversed_name(above), "NS")
        if found:
            return [Record(above, "NS", int(found[0].told["TTL"]), value) for value in found[0].values]
    return []


async def _wildcard(tx: Transaction, zone: Zone, name: str) -> list[RecordSet]:
    """The sets of the nearest wildcard above, unless a name between exists."""
    for above in ancestors(name):
        if not is_within(above, zone.name):
            break
        found = await record_sets.list(tx, zone.id, reversed_name(f"{WILDCARD}.{above}"))
        if found:
            return found
        if await record_sets.list(tx, zone.id, reversed_name(above), limit=1) or await _has_below(tx, zone, above):
            break
    return []


async def _has_below(tx: Transaction, zone: Zone, name: str) -> bool:
    """Whether there are names below a name."""
    place = reversed_name(name)
    after = await record_sets.list(tx, zone.id, after=(zone.id, f"{place}\0"), limit=1)
    return bool(after) and reversed_name(after[0].name).startswith(place)


async def _soa(tx: Transaction, zone: Zone) -> tuple[Record, ...]:
    found = await record_sets.list(tx, zone.id, reversed_name(zone.name), "SOA", limit=1)
    return tuple(Record(zone.name, "SOA", int(one.told["TTL"]), one.values[0]) for one in found)


async def _values(
    tx: Transaction, asking: Asking, zone: Zone, name: str, sets: Sequence[RecordSet], depth: int
) -> tuple[Record, ...]:
    """The records of the sets that are chosen."""
    records: list[Record] = []
    for one in await choose(tx, asking, zone, sets):
        if not one.target:
            records += [Record(name, one.type, int(one.told["TTL"]), value) for value in one.values]
            continue
        if one.told["AliasTarget"]["HostedZoneId"] == zone.id and depth < _DEEPEST:
            meant = await evaluate(tx, asking, zone, one.target, one.type, depth + 1)
            records += [record._replace(name=name) for record in meant.records if record.type == one.type]
        elif one.type in _LOOPBACK and asking.ours(one.target):
            records.append(Record(name, one.type, _ALIAS_TTL, _LOOPBACK[one.type]))
    return tuple(records)


async def choose(tx: Transaction, asking: Asking, zone: Zone, sets: Sequence[RecordSet]) -> list[RecordSet]:
    """Those of a name's sets of one type that are answered, by their routing policy and their health."""
    if not sets[0].identifier:
        return list(sets[:1])
    healthy = [one for one in sets if await set_is_healthy(tx, asking, zone, one)]
    return chosen(healthy, sets, asking.region, asking.draw)


async def set_is_healthy(tx: Transaction, asking: Asking, zone: Zone, one: RecordSet) -> bool:
    """Whether a set may be answered: its health check, and its target's where an alias asks for that."""
    check = one.told.get("HealthCheckId")
    if check is not None and not await is_healthy(tx, check, asking.observed):
        return False
    alias = one.told.get("AliasTarget")
    if alias is None or not alias["EvaluateTargetHealth"] or alias["HostedZoneId"] != zone.id:
        return True
    targets = await record_sets.list(tx, zone.id, reversed_name(one.target), one.type)
    checks = [of.told["HealthCheckId"] for of in targets if "HealthCheckId" in of.told]
    return not checks or any([await is_healthy(tx, of, asking.observed) for of in checks])


def chosen(
    healthy: Sequence[RecordSet], sets: Sequence[RecordSet], region: str, draw: Callable[[], float]
) -> list[RecordSet]:
    """Those that are answered of sets with a routing policy; pure."""
    among, policies = healthy or sets, sets[0].told
    if "Weight" in policies:
        return _weighted(among, draw)
    if "Failover" in policies:
        order = sorted(among, key=lambda one: one.told["Failover"] != "PRIMARY")
        return order[:1]
    if "MultiValueAnswer" in policies:
        return list(among[:_MULTIVALUE])
    if "Region" in policies:
        near = sorted(among, key=lambda one: (one.told["Region"] != region, not _near(one.told["Region"], region)))
        return near[:1]
    return [one for one in among if one.told["GeoLocation"].get("CountryCode") == "*"][:1]


def _near(one: str, other: str) -> bool:
    """Whether regions are on the same continent, as their names say it."""
    return one.partition("-")[0] == other.partition("-")[0]


def _weighted(among: Sequence[RecordSet], draw: Callable[[], float]) -> list[RecordSet]:
    """One by its share; sets of weight 0 count where no other does."""
    total = sum(int(one.told["Weight"]) for one in among)
    if not total:
        return [among[int(draw() * len(among))]]
    at = draw() * total
    for one in among:
        at -= int(one.told["Weight"])
        if at < 0:
            return [one]
    return [among[-1]]
