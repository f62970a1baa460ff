"""Regions, Availability Zones and the account's attributes: what is so without anybody having made it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import VPC
from kumoi.networks.zones import OPT_IN, REGIONS, zone_id, zone_names
from kumoi.services.ec2.describing import Filters, page
from kumoi.services.ec2.errors import invalid
from kumoi.services.ec2.filters import matching
from kumoi.services.ec2.kinds import VPN_GATEWAY, check_id, not_found
from kumoi.services.ec2.limits import MOST_ADDRESSES, MOST_GROUPS_PER_INTERFACE
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import every


@operation
async def describe_regions(
    call: Call, RegionNames: list[str] | None = None, AllRegions: bool = False, Filters: Filters | None = None
) -> dict[str, Any]:
    """The regions; those that an account has to opt in to only where all are wanted, or named."""
    names = {*REGIONS, call.region}
    _check_names("region", RegionNames, names)
    shown = RegionNames or [one for one in sorted(names) if AllRegions or one not in OPT_IN or one == call.region]
    told = [
        {
            "RegionName": name,
            "Endpoint": f"ec2.{name}.amazonaws.com",
            "OptInStatus": "opt-in-not-required" if name not in OPT_IN else _opted(name == call.region),
        }
        for name in shown
    ]
    return {"Regions": matching("region", told, Filters)}


def _opted(here: bool) -> str:
    return "opted-in" if here else "not-opted-in"


@operation
async def describe_availability_zones(
    call: Call,
    ZoneNames: list[str] | None = None,
    ZoneIds: list[str] | None = None,
    AllAvailabilityZones: bool = False,
    Filters: Filters | None = None,
) -> dict[str, Any]:
    """The zones of the region."""
    names = zone_names(call.region)
    _check_names("availability zone", ZoneNames, names)
    _check_names("availability zone id", ZoneIds, [zone_id(one) for one in names])
    told = [
        {
            "ZoneName": name,
            "ZoneId": zone_id(name),
            "RegionName": call.region,
            "GroupName": f"{call.region}-zg-1",
            "NetworkBorderGroup": call.region,
            "OptInStatus": "opt-in-not-required",
            "State": "available",
            "ZoneType": "availability-zone",
            "Messages": [],
        }
        for name in names
        if (not ZoneNames or name in ZoneNames) and (not ZoneIds or zone_id(name) in ZoneIds)
    ]
    return {"AvailabilityZones": matching("availability-zone", told, Filters)}


def _check_names(what: str, given: Sequence[str] | None, known: Iterable[str]) -> None:
    unknown = sorted(set(given or ()) - set(known))
    if unknown:
        raise invalid(f"Invalid {what}: [{', '.join(unknown)}]")


@operation
async def describe_account_attributes(call: Call, AttributeNames: list[str] | None = None) -> dict[str, Any]:
    """The default VPC of the region, and how many things of some kinds an account may have."""
    default = next((one.id for one in await every(call.state, VPC) if one["IsDefault"]), "none")
    told = {
        "supported-platforms": "VPC",
        "default-vpc": default,
        "vpc-max-security-groups-per-interface": str(MOST_GROUPS_PER_INTERFACE),
        "vpc-max-elastic-ips": str(MOST_ADDRESSES),
        "max-elastic-ips": str(MOST_ADDRESSES),
        "max-instances": "0",
    }
    return {
        "AccountAttributes": [
            {"AttributeName": name, "AttributeValues": [{"AttributeValue": value}]}
            for name, value in told.items()
            if not AttributeNames or name in AttributeNames
        ]
    }


@operation
async def describe_vpn_gateways(
    call: Call, VpnGatewayIds: list[str] | None = None, Filters: Filters | None = None
) -> dict[str, Any]:
    """There are none: Kumoi makes no VPN gateways."""
    for one in VpnGatewayIds or ():
        check_id(VPN_GATEWAY, one)
        raise not_found(VPN_GATEWAY, one)
    return page("VpnGateways", matching(VPN_GATEWAY, (), Filters), None, None)
