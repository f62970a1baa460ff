"""A batch of changes to a zone's record sets: all of it is made, or nothing.

Source: the API reference of ChangeResourceRecordSets, and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from kumoi.services.route53.domain_names import reversed_name
from kumoi.services.route53.errors import invalid_batch, no_health_check
from kumoi.services.route53.records import Change, RecordSet, Zone, health_checks, record_sets, zones
from kumoi.services.route53.set_rules import POLICIES, problems_of, read_set
from kumoi.services.route53.store import changed, find_zone
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST = 1000
"""Records of a batch; what is upserted counts twice."""
MOST_SETS = 10_000


class Wanted(NamedTuple):
    """One change of a batch."""

    action: str
    set: RecordSet


class Made(NamedTuple):
    """A batch that was made, and the names that it was about."""

    change: Change
    zone: Zone
    names: tuple[str, ...]


def read_batch(zone: str, given: Sequence[dict[str, Any]]) -> list[Wanted]:
    """The changes of a request; InvalidInput, InvalidChangeBatch."""
    wanted = [Wanted(one["Action"], read_set(zone, one["ResourceRecordSet"], one["Action"])) for one in given]
    if not wanted:
        raise invalid_batch(["A change batch must contain at least one change"])
    count = sum(max(1, len(one.set.values)) * (2 if one.action == "UPSERT" else 1) for one in wanted)
    if count > MOST:
        raise invalid_batch([f"Number of records limit of {MOST} exceeded."])
    return wanted


@transactional
async def make(tx: Transaction, zone_id: str, wanted: Sequence[Wanted], comment: str | None) -> Made:
    """Make all changes, or raise what is wrong with them."""
    zone = await find_zone(tx, zone_id)
    problems: list[str] = []
    written: set[tuple[str, str, str]] = set()
    for action, given in wanted:
        if action != "DELETE":
            key = (given.name, given.type, given.identifier)
            if key in written:
                problems.append(
                    "The request contains an invalid set of changes for a resource record set "
                    f"'{given.type} {given.name}'"
                )
            written.add(key)
            problems += problems_of(zone, given)
    if problems:
        raise invalid_batch(problems)
    count = zone.count
    for action, given in sorted(wanted, key=lambda one: one.action != "DELETE"):
        found = await record_sets.get(tx, zone.id, reversed_name(given.name), given.type, given.identifier)
        if action == "DELETE":
            problems += _kept(zone, found, given)
            if found is not None:
                await record_sets.delete(tx, *record_sets.key(found))
                count -= 1
            continue
        if action == "CREATE" and found is not None:
            problems.append(f"Tried to create resource record set {_spoken(given)} but it already exists")
        check = given.told.get("HealthCheckId")
        if check is not None and await health_checks.get(tx, check) is None:
            raise no_health_check(check)
        problems += await _conflicts(tx, zone, given)
        await record_sets.put(tx, given)
        count += found is None
    problems += await _missing_targets(tx, zone, wanted)
    problems += await _lost_authority(tx, zone)
    if problems:
        raise invalid_batch(problems)
    if count > MOST_SETS:
        raise aws_error("LimitsExceeded", f"A hosted zone can have at most {MOST_SETS} record sets.")
    if count != zone.count:
        await zones.put(tx, replace(zone, count=count))
    return Made(await changed(tx, comment), zone, tuple(dict.fromkeys(one.set.name for one in wanted)))


def _kept(zone: Zone, found: RecordSet | None, given: RecordSet) -> Iterator[str]:
    """Why a set cannot be deleted."""
    if found is None:
        yield f"Tried to delete resource record set {_spoken(given)} but it was not found"
    elif _comparable(found) != _comparable(given):
        yield (
            f"Tried to delete resource record set {_spoken(given)} "
            "but the values provided do not match the current values"
        )


def _comparable(one: RecordSet) -> dict[str, Any]:
    return {**one.told, "ResourceRecords": sorted(one.values)}


def _spoken(one: RecordSet) -> str:
    named = f", set-identifier='{one.identifier}'" if one.identifier else ""
    return f"[name='{one.name}', type='{one.type}'{named}]"


async def _conflicts(tx: Transaction, zone: Zone, given: RecordSet) -> list[str]:
    """Why a set cannot stand beside those that its name has."""
    beside = await record_sets.list(tx, zone.id, reversed_name(given.name))
    others = [one for one in beside if (one.type, one.identifier) != (given.type, given.identifier)]
    name = given.name
    if given.type == "CNAME" and any(one.type != "CNAME" for one in others):
        return [
            f"RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records "
            f"with the same DNS name in zone {zone.name}"
        ]
    if given.type != "CNAME" and any(one.type == "CNAME" for one in others):
        return [
            f"RRSet of type {given.type} with DNS name {name} is not permitted because a conflicting RRSet "
            f"of type CNAME with the same DNS name already exists in zone {zone.name}"
        ]
    return list(_policy_conflicts(given, [one for one in others if one.type == given.type]))


def _policy_conflicts(given: RecordSet, others: Sequence[RecordSet]) -> Iterator[str]:
    if not others:
        return
    policy, spoken = _policy(given), f"RRSet with DNS name {given.name}, type {given.type}"
    if given.identifier:
        spoken += f", SetIdentifier {given.identifier}"
    if any(_policy(one) != policy for one in others):
        yield f"{spoken} cannot be created as other RRSets exist with the same name and type."
        return
    if policy in ("Region", "Failover", "GeoLocation") and any(
        one.told[policy] == given.told[policy] for one in others
    ):
        yield f"{spoken} cannot be created because another RRSet of this name and type has the same {policy}."


def _policy(one: RecordSet) -> str:
    return next((member for member in POLICIES if member in one.told), "")


async def _missing_targets(tx: Transaction, zone: Zone, wanted: Sequence[Wanted]) -> list[str]:
    """Aliases for sets of the same zone that are not there."""
    problems: list[str] = []
    for action, given in wanted:
        target = given.target
        if action == "DELETE" or not target or given.told["AliasTarget"]["HostedZoneId"] != zone.id:
            continue
        if not await record_sets.list(tx, zone.id, reversed_name(target), given.type):
            problems.append(
                f"Tried to create an alias that targets {target}, type {given.type} in zone {zone.id}, "
                "but that target was not found"
            )
    return problems


async def _lost_authority(tx: Transaction, zone: Zone) -> list[str]:
    problems: list[str] = []
    apex = reversed_name(zone.name)
    if not await record_sets.list(tx, zone.id, apex, "SOA", limit=1):
        problems.append("A HostedZone must contain exactly one SOA record.")
    if not await record_sets.list(tx, zone.id, apex, "NS", limit=1):
        problems.append("A HostedZone must contain at least one NS record for the zone itself.")
    return problems
