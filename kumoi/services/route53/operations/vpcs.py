"""Which VPCs private zones are associated with; the ids are kept as given."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.route53 import route53
from kumoi.services.route53.errors import no_zone
from kumoi.services.route53.naming import bare
from kumoi.services.route53.operations.zones import check_no_conflict, read_vpc
from kumoi.services.route53.pages import size
from kumoi.services.route53.pointers import zones_of
from kumoi.services.route53.records import Change, Vpc, Zone, places, zones
from kumoi.services.route53.store import all_zones, change_info, changed, find_zone, name_node, zone_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@route53.operation(name="AssociateVPCWithHostedZone")
async def associate_vpc(
    call: Call, HostedZoneId: str, VPC: dict[str, str], Comment: str | None = None
) -> dict[str, Any]:
    """Associate a VPC with a private zone, of another account where that has authorised it."""
    change = await _associate(call.state, HostedZoneId, read_vpc(VPC), Comment)
    return {"ChangeInfo": change_info(change)}


@transactional
async def _associate(tx: Transaction, zone_id: str, vpc: Vpc, comment: str | None) -> Change:
    zone = await _private(tx, zone_id, vpc)
    for one in await zones_of(tx, zone.name):
        if one.id != zone.id:
            check_no_conflict(one, zone.name, (vpc,))
    there = tx.at(zone.account, "")
    if vpc not in zone.vpcs:
        await zones.put(there, replace(zone, vpcs=(*zone.vpcs, vpc)))
    return await changed(tx, comment)


async def _private(tx: Transaction, zone_id: str, vpc: Vpc) -> Zone:
    """A private zone: the account's own, or another's that lets this VPC in."""
    zone = await zones.get(tx, bare(zone_id)) or await _welcoming(tx, bare(zone_id), vpc)
    if zone is None:
        raise no_zone(bare(zone_id))
    if not zone.private:
        raise aws_error(
            "PublicZoneVPCAssociation",
            f"You're trying to associate a VPC with a public hosted zone, {zone.id}, which has none.",
        )
    return zone


async def _welcoming(tx: Transaction, zone_id: str, vpc: Vpc) -> Zone | None:
    """Another account's zone that lets a VPC in."""
    for place in await places.list(tx):
        if place.zone == zone_id:
            zone = await zones.get(tx.at(place.account, ""), zone_id)
            return zone if zone is not None and vpc in zone.authorized else None
    return None


@route53.operation(name="DisassociateVPCFromHostedZone")
async def disassociate_vpc(
    call: Call, HostedZoneId: str, VPC: dict[str, str], Comment: str | None = None
) -> dict[str, Any]:
    """Take a VPC from a private zone, which keeps one at least."""
    change = await _disassociate(call.state, HostedZoneId, read_vpc(VPC), Comment)
    return {"ChangeInfo": change_info(change)}


@transactional
async def _disassociate(tx: Transaction, zone_id: str, vpc: Vpc, comment: str | None) -> Change:
    zone = await find_zone(tx, zone_id)
    if vpc not in zone.vpcs:
        raise aws_error(
            "VPCAssociationNotFound",
            f"The VPC {vpc.id} in region {vpc.region} is not associated with {zone.id}.",
            status=404,
        )
    if len(zone.vpcs) == 1:
        raise aws_error("LastVPCAssociation", f"{vpc.id} is the last VPC that is associated with {zone.id}.")
    await zones.put(tx, replace(zone, vpcs=tuple(one for one in zone.vpcs if one != vpc)))
    return await changed(tx, comment)


@route53.operation(name="CreateVPCAssociationAuthorization")
async def authorize_vpc(call: Call, HostedZoneId: str, VPC: dict[str, str]) -> dict[str, Any]:
    """Let a VPC of another account be associated."""
    vpc = read_vpc(VPC)
    zone = await _authorize(call.state, HostedZoneId, vpc, True)
    return {"HostedZoneId": zone.id, "VPC": vpc.told()}


@route53.operation(name="DeleteVPCAssociationAuthorization")
async def forbid_vpc(call: Call, HostedZoneId: str, VPC: dict[str, str]) -> None:
    """Let a VPC of another account be associated no longer; what was stays."""
    await _authorize(call.state, HostedZoneId, read_vpc(VPC), False)


@transactional
async def _authorize(tx: Transaction, zone_id: str, vpc: Vpc, allowed: bool) -> Zone:
    zone = await find_zone(tx, zone_id)
    if not allowed and vpc not in zone.authorized:
        raise aws_error("VPCAssociationAuthorizationNotFound", f"{vpc.id} has no authorization for {zone.id}.")
    others = tuple(one for one in zone.authorized if one != vpc)
    zone = replace(zone, authorized=(*others, vpc) if allowed else others)
    await zones.put(tx, zone)
    return zone


@route53.operation(name="ListVPCAssociationAuthorizations")
async def list_authorized_vpcs(
    call: Call, HostedZoneId: str, NextToken: str | None = None, MaxResults: str | None = None
) -> dict[str, Any]:
    """The VPCs of other accounts that may be associated."""
    zone, limit = await zone_of(call.state, HostedZoneId), size(MaxResults, 50)
    name_node(call, zone)
    left = sorted(one.told()["VPCId"] for one in zone.authorized)
    shown = [name for name in left if name > (NextToken or "")]
    by_id = {one.id: one for one in zone.authorized}
    answer: dict[str, Any] = {"HostedZoneId": zone.id, "VPCs": [by_id[name].told() for name in shown[:limit]]}
    if len(shown) > limit:
        answer["NextToken"] = shown[limit - 1]
    return answer


@route53.operation(name="ListHostedZonesByVPC")
async def list_hosted_zones_by_vpc(
    call: Call, VPCId: str, VPCRegion: str, MaxItems: str | None = None, NextToken: str | None = None
) -> dict[str, Any]:
    """The account's private zones that a VPC is associated with."""
    limit, vpc = size(MaxItems), Vpc(VPCRegion, VPCId)
    left = [one for one in await all_zones(call.state) if vpc in one.vpcs and one.id > (NextToken or "")]
    summaries = [
        {"HostedZoneId": one.id, "Name": one.name, "Owner": {"OwningAccount": one.account}} for one in left[:limit]
    ]
    answer: dict[str, Any] = {"HostedZoneSummaries": summaries, "MaxItems": str(limit)}
    if len(left) > limit:
        answer["NextToken"] = left[limit - 1].id
    return answer
