"""Hosted zones are made, told, listed, commented on and deleted."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.route53 import route53
from kumoi.services.route53.answers import told_servers, told_zone
from kumoi.services.route53.domain_names import BadName, canonical, reversed_name
from kumoi.services.route53.errors import invalid_input, no_delegation_set
from kumoi.services.route53.naming import PRIVATE_SERVERS, bare, location, new_servers, new_zone_id
from kumoi.services.route53.pages import size
from kumoi.services.route53.pointers import point
from kumoi.services.route53.records import (
    Change,
    DelegationSet,
    Place,
    RecordSet,
    Vpc,
    Zone,
    delegation_sets,
    places,
    record_sets,
    zones,
)
from kumoi.services.route53.store import all_zones, change_info, changed, find_zone, name_node, zone_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_NS_TTL, _SOA_TTL = 172_800, 900


@route53.operation
async def create_hosted_zone(
    call: Call,
    Name: str,
    CallerReference: str,
    VPC: dict[str, str] | None = None,
    HostedZoneConfig: dict[str, Any] | None = None,
    DelegationSetId: str | None = None,
) -> dict[str, Any]:
    """Make a zone, private where a VPC is given, with name servers and the record sets that each has."""
    config = HostedZoneConfig or {}
    if "HostedZoneTier" in config:
        raise invalid_input("Kumoi's route53 does not serve HostedZoneTier; docs/route53.md lists what it does.")
    try:
        name = canonical(Name)
    except BadName as problem:
        raise aws_error("InvalidDomainName", str(problem)) from None
    if config.get("PrivateZone") and VPC is None:
        raise invalid_input(
            "When you're creating a private hosted zone (when you specify true for PrivateZone), "
            "you must also specify values for VPCId and VPCRegion."
        )
    if VPC is not None and DelegationSetId is not None:
        raise invalid_input("A private hosted zone cannot have a reusable delegation set.")
    zone = Zone(
        id=new_zone_id(),
        account=call.account,
        name=name,
        reference=CallerReference,
        servers=new_servers() if VPC is None else PRIVATE_SERVERS,
        comment=config.get("Comment"),
        private=VPC is not None,
        vpcs=() if VPC is None else (read_vpc(VPC),),
        delegation_set=bare(DelegationSetId or ""),
    )
    zone, owner, change = await _create(call.state, zone)
    name_node(call, zone)
    answer = {
        "HostedZone": told_zone(zone),
        "ChangeInfo": change_info(change),
        "DelegationSet": told_servers(zone, owner),
        "Location": location(f"hostedzone/{zone.id}"),
    }
    if VPC is not None:
        answer["VPC"] = zone.vpcs[0].told()
    return answer


def read_vpc(given: dict[str, str]) -> Vpc:
    """A VPC of a request; InvalidInput where it is not all there."""
    if "VPCId" not in given or "VPCRegion" not in given:
        raise invalid_input("A VPC is given by its VPCId and its VPCRegion.")
    return Vpc(given["VPCRegion"], given["VPCId"])


@transactional
async def _create(tx: Transaction, zone: Zone) -> tuple[Zone, DelegationSet | None, Change]:
    known = await zones.list(tx)
    if any(one.reference == zone.reference for one in known):
        raise aws_error(
            "HostedZoneAlreadyExists",
            "A hosted zone has already been created with the specified caller reference.",
            status=409,
        )
    for one in known:
        check_no_conflict(one, zone.name, zone.vpcs)
    owner = None
    if zone.delegation_set:
        owner = await delegation_sets.get(tx, zone.delegation_set)
        if owner is None:
            raise no_delegation_set(zone.delegation_set)
        if any(one.name == zone.name and one.delegation_set == zone.delegation_set for one in known):
            raise _taken(zone.name)
        zone = replace(zone, servers=owner.servers)
    await zones.put(tx, zone)
    await places.put(tx, Place(name=zone.name, zone=zone.id, account=zone.account, private=zone.private))
    for first in _first_sets(zone):
        await record_sets.put(tx, first)
    return zone, owner, await changed(tx)


def check_no_conflict(one: Zone, name: str, vpcs: tuple[Vpc, ...]) -> None:
    """Raise ConflictingDomainExists where a VPC has a private zone of that name already."""
    shared = [vpc for vpc in vpcs if vpc in one.vpcs] if one.name == name else []
    if shared:
        raise aws_error(
            "ConflictingDomainExists",
            f"The VPC {shared[0].id} in region {shared[0].region} has already been associated with the hosted zone "
            f"{one.id} with the same domain name.",
        )


def _taken(name: str) -> AwsError:
    return aws_error(
        "DelegationSetNotAvailable", f"The name servers of the delegation set already serve a zone named {name}"
    )


def _first_sets(zone: Zone) -> tuple[RecordSet, RecordSet]:
    """The name servers and the start of authority."""
    names = [{"Value": f"{server}."} for server in zone.servers]
    soa = f"{zone.servers[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    return (
        RecordSet(
            zone=zone.id,
            name=zone.name,
            type="NS",
            told={"Name": zone.name, "Type": "NS", "TTL": _NS_TTL, "ResourceRecords": names},
        ),
        RecordSet(
            zone=zone.id,
            name=zone.name,
            type="SOA",
            told={"Name": zone.name, "Type": "SOA", "TTL": _SOA_TTL, "ResourceRecords": [{"Value": soa}]},
        ),
    )


@route53.operation
async def get_hosted_zone(call: Call, Id: str) -> dict[str, Any]:
    """A zone, with its name servers, or its VPCs."""
    zone = await zone_of(call.state, Id)
    name_node(call, zone)
    if zone.private:
        return {"HostedZone": told_zone(zone), "VPCs": [vpc.told() for vpc in zone.vpcs]}
    owner = await _owner(call.state, zone) if zone.delegation_set else None
    return {"HostedZone": told_zone(zone), "DelegationSet": told_servers(zone, owner)}


@transactional
async def _owner(tx: Transaction, zone: Zone) -> DelegationSet | None:
    return await delegation_sets.get(tx, zone.delegation_set)


@route53.operation
async def get_hosted_zone_count(call: Call) -> dict[str, Any]:
    """How many zones the account has."""
    return {"HostedZoneCount": len(await all_zones(call.state))}


@route53.operation
async def list_hosted_zones(
    call: Call,
    Marker: str | None = None,
    MaxItems: str | None = None,
    DelegationSetId: str | None = None,
    HostedZoneType: str | None = None,
) -> dict[str, Any]:
    """The account's zones by their ids; a marker is the id of the first zone of a page."""
    limit = size(MaxItems)
    found = await all_zones(call.state)
    if HostedZoneType is not None:
        found = [one for one in found if one.private]
    if DelegationSetId is not None:
        found = [one for one in found if one.delegation_set == bare(DelegationSetId)]
    left = [one for one in found if one.id >= bare(Marker or "")]
    answer = {
        "HostedZones": [told_zone(one) for one in left[:limit]],
        "Marker": Marker or "",
        "IsTruncated": len(left) > limit,
        "MaxItems": str(limit),
    }
    if len(left) > limit:
        answer["NextMarker"] = left[limit].id
    return answer


@route53.operation
async def list_hosted_zones_by_name(
    call: Call, DNSName: str | None = None, HostedZoneId: str | None = None, MaxItems: str | None = None
) -> dict[str, Any]:
    """The account's zones in the order of their reversed names, from a name (and an id) on."""
    limit = size(MaxItems)
    if HostedZoneId is not None and DNSName is None:
        raise invalid_input("HostedZoneId is given with DNSName only.")
    try:
        first = reversed_name(canonical(DNSName)) if DNSName and DNSName != "." else ""
    except BadName as problem:
        raise aws_error("InvalidDomainName", str(problem)) from None
    start = (first, bare(HostedZoneId or ""))
    found = sorted(await all_zones(call.state), key=_by_name)
    left = [one for one in found if _by_name(one) >= start]
    answer: dict[str, Any] = {
        "HostedZones": [told_zone(one) for one in left[:limit]],
        "IsTruncated": len(left) > limit,
        "MaxItems": str(limit),
    }
    if DNSName is not None:
        answer["DNSName"] = DNSName
    if HostedZoneId is not None:
        answer["HostedZoneId"] = HostedZoneId
    if len(left) > limit:
        answer |= {"NextDNSName": left[limit].name, "NextHostedZoneId": left[limit].id}
    return answer


def _by_name(zone: Zone) -> tuple[str, str]:
    return reversed_name(zone.name), zone.id


@route53.operation
async def update_hosted_zone_comment(call: Call, Id: str, Comment: str | None = None) -> dict[str, Any]:
    """Give a zone another comment, or none."""
    zone = await _comment(call.state, Id, Comment)
    name_node(call, zone)
    return {"HostedZone": told_zone(zone)}


@transactional
async def _comment(tx: Transaction, zone_id: str, comment: str | None) -> Zone:
    zone = replace(await find_zone(tx, zone_id), comment=comment)
    await zones.put(tx, zone)
    return zone


@route53.operation
async def delete_hosted_zone(call: Call, Id: str) -> dict[str, Any]:
    """Delete a zone that has no record sets but those that each has."""
    zone, change = await _delete(call.state, Id)
    name_node(call, zone)
    await point(call.doorway.parts, (zone.name,))
    return {"ChangeInfo": change_info(change)}


@transactional
async def _delete(tx: Transaction, zone_id: str) -> tuple[Zone, Change]:
    zone = await find_zone(tx, zone_id)
    sets = await record_sets.list(tx, zone.id, limit=3)
    if any(one.name != zone.name or one.type not in ("NS", "SOA") for one in sets):
        raise aws_error(
            "HostedZoneNotEmpty",
            "The specified hosted zone contains non-required resource record sets  and so cannot be deleted.",
        )
    await record_sets.delete_all(tx, zone.id)
    await places.delete(tx, zone.name, zone.id)
    await zones.delete(tx, zone.id)
    return zone, await changed(tx)
