"""What a resource record set has to be like, whatever else there is in its zone; pure.

Two kinds of errors: a set that lacks members or has those that exclude each other is InvalidInput, whatever can only be
told of its zone and its values is a problem of the batch. Source: the API reference of ChangeResourceRecordSets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kumoi.services.route53.domain_names import BadName, canonical, is_within
from kumoi.services.route53.errors import invalid_batch, invalid_input
from kumoi.services.route53.naming import bare
from kumoi.services.route53.record_values import BadValue, check_value
from kumoi.services.route53.records import RecordSet, Zone

POLICIES = (
    "Weight",
    "Region",
    "Failover",
    "GeoLocation",
    "MultiValueAnswer",
    "CidrRoutingConfig",
    "GeoProximityLocation",
    "AZAffinity",
)
"""The members that say how one of several sets is chosen."""
_UNSERVED = ("CidrRoutingConfig", "GeoProximityLocation", "AZAffinity", "TrafficPolicyInstanceId")
_NO_ALIAS = ("NS", "SOA")


def read_set(zone: str, given: Mapping[str, Any], action: str) -> RecordSet:
    """The set of a change; InvalidInput, InvalidChangeBatch for a name that there cannot be."""
    _check_members(given, action)
    try:
        name = canonical(given["Name"])
        told = {**given, "Name": name}
        if "AliasTarget" in given:
            alias = given["AliasTarget"]
            target = {"HostedZoneId": bare(alias["HostedZoneId"]), "DNSName": canonical(alias["DNSName"])}
            told["AliasTarget"] = {**target, "EvaluateTargetHealth": alias["EvaluateTargetHealth"]}
    except BadName as problem:
        raise invalid_batch([str(problem)]) from None
    if given.get("MultiValueAnswer") is False:
        del told["MultiValueAnswer"]
    return RecordSet(zone=zone, name=name, type=given["Type"], identifier=given.get("SetIdentifier", ""), told=told)


def _check_members(given: Mapping[str, Any], action: str) -> None:
    spoken = (
        f"Change with [Action={action}, Name={given['Name']}, Type={given['Type']}, "
        f"SetIdentifier={given.get('SetIdentifier', 'null')}]"
    )
    for member in _UNSERVED:
        if member in given:
            raise invalid_input(f"Kumoi's route53 does not serve {member}; docs/route53.md lists what it does.")
    plain, alias = "TTL" in given or "ResourceRecords" in given, "AliasTarget" in given
    kinds = "[AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]"
    if plain and alias:
        raise invalid_input(f"Invalid request: Expected exactly one of {kinds}, but found more than one in {spoken}")
    if not alias and not ("TTL" in given and given.get("ResourceRecords")):
        raise invalid_input(f"Invalid request: Expected exactly one of {kinds}, but found none in {spoken}")
    policies = [member for member in POLICIES if given.get(member) is not None and given[member] is not False]
    among = "[Weight, Region, Failover, GeoLocation, MultiValueAnswer]"
    if len(policies) > 1:
        raise invalid_input(f"Invalid request: Expected exactly one of {among}, but found more than one in {spoken}")
    if policies and "SetIdentifier" not in given:
        raise invalid_input(f"Invalid request: Missing field 'SetIdentifier' in {spoken}")
    if "SetIdentifier" in given and not policies:
        raise invalid_input(f"Invalid request: Expected exactly one of {among}, but found none in {spoken}")
    if policies == ["MultiValueAnswer"] and alias:
        raise invalid_input(f"Invalid request: MultiValueAnswer cannot be given with AliasTarget in {spoken}")
    if "HealthCheckId" in given and not policies:
        raise invalid_input(f"Invalid request: Missing field 'SetIdentifier' in {spoken}")
    location = given.get("GeoLocation")
    if location is not None and not location:
        raise invalid_input(f"Invalid request: Missing field 'GeoLocation' in {spoken}")


def problems_of(zone: Zone, given: RecordSet) -> Iterator[str]:
    """What is wrong with a set in its zone, in Route 53's words."""
    name, kind = given.name, given.type
    if not is_within(name, zone.name):
        yield f"RRSet with DNS name {name} is not permitted in zone {zone.name}"
        return
    if kind == "CNAME" and name == zone.name:
        yield f"RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {zone.name}"
    if kind == "SOA" and name != zone.name:
        yield f"RRSet of type SOA with DNS name {name} is not permitted in zone {zone.name}"
    if kind == "DS" and name == zone.name:
        yield f"RRSet of type DS with DNS name {name} is not permitted at apex in zone {zone.name}"
    if given.identifier and (kind in _NO_ALIAS):
        yield f"RRSet of type {kind} with DNS name {name} cannot have a routing policy"
    if given.target:
        yield from _alias_problems(zone, given)
        return
    values = given.values
    for value in values:
        try:
            check_value(kind, value)
        except BadValue as problem:
            yield f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''"
    for value in sorted({one for one in values if values.count(one) > 1}):
        yield f"Duplicate Resource Record: '{value}'"
    if kind in ("CNAME", "SOA") and len(values) > 1:
        yield f"RRSet of type {kind} with DNS name {name} can have one record only"
    if given.told.get("MultiValueAnswer") and len(values) > 1:
        yield f"Multivalue answer RRSet with DNS name {name}, type {kind} can have one record only"


def _alias_problems(zone: Zone, given: RecordSet) -> Iterator[str]:
    target, of = given.target, given.told["AliasTarget"]["HostedZoneId"]
    if given.type in _NO_ALIAS:
        yield f"RRSet of type {given.type} with DNS name {given.name} cannot be an alias"
    elif of == zone.id and not is_within(target, zone.name):
        yield (
            f"Tried to create an alias that targets {target}, type {given.type} in zone {of}, "
            "but the alias target name does not lie within the target zone"
        )
    elif of == zone.id and target == given.name and not given.identifier:
        yield f"Tried to create an alias that targets {target}, type {given.type} in zone {of}, which is itself"
