"""Subnets: parts of a VPC's addresses, each in one Availability Zone."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import ACL, INTERFACE, NAT, ROUTE_TABLE, SUBNET, VPC, Item, items
from kumoi.networks.zones import zone_id, zone_names, zone_of
from kumoi.services.ec2 import blocks
from kumoi.services.ec2.defaults import acl_association, ipv6_association, new_subnet
from kumoi.services.ec2.describing import Filters, answer, described
from kumoi.services.ec2.errors import combination, in_use, invalid, missing
from kumoi.services.ec2.functions import functions_in
from kumoi.services.ec2.interfaces import taken_addresses
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, drop, every, find, in_vpc, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@operation
async def create_subnet(
    call: Call,
    VpcId: str,
    CidrBlock: str | None = None,
    AvailabilityZone: str | None = None,
    AvailabilityZoneId: str | None = None,
    Ipv6CidrBlock: str | None = None,
    TagSpecifications: TagSpecifications | None = None,
) -> dict[str, Any]:
    """Make a subnet in a VPC."""
    if CidrBlock is None:
        raise missing("cidrBlock")
    zone = _zone(call.region, AvailabilityZone, AvailabilityZoneId)
    tags = tags_of(SUBNET, TagSpecifications)
    made = await _create(call.state, VpcId, zone, CidrBlock, Ipv6CidrBlock, tags)
    return {"Subnet": _described(made, 0)}


def _zone(region: str, name: str | None, number: str | None) -> str:
    """The zone that a request names, the first one where it names none."""
    if name is not None and number is not None:
        raise combination("You can specify either an Availability Zone or an Availability Zone ID, not both")
    given = name or number
    if given is None:
        return zone_names(region)[0]
    found = zone_of(region, given)
    if found is None:
        known = zone_names(region) if name else [zone_id(one) for one in zone_names(region)]
        member = "availabilityZone" if name else "availabilityZoneId"
        raise invalid(
            f"Value ({given}) for parameter {member} is invalid. Subnets can currently only be created in the "
            f"following availability zones: {', '.join(known)}."
        )
    return found


@transactional
async def _create(tx: Transaction, vpc_id: str, zone: str, cidr: str, cidr6: str | None, tags: dict[str, str]) -> Item:
    vpc = await find(tx, VPC, vpc_id)
    beside = await in_vpc(tx, SUBNET, vpc_id)
    within = [one["CidrBlock"] for one in vpc["CidrBlockAssociationSet"]]
    block = blocks.subnet_block(cidr, within, [one["CidrBlock"] for one in beside])
    block6 = None if cidr6 is None else _ipv6_block(vpc, beside, cidr6)
    made = new_subnet(tx.account, tx.region, vpc_id, zone, block, ipv6_block=block6, tags=tags)
    await _join_acl(tx, made)
    await put(tx, made)
    return made


def _ipv6_block(vpc: Item, beside: list[Item], given: str) -> str:
    within = [one["Ipv6CidrBlock"] for one in vpc.get("Ipv6CidrBlockAssociationSet") or ()]
    held = [one["Ipv6CidrBlock"] for subnet in beside for one in subnet["Ipv6CidrBlockAssociationSet"]]
    return blocks.subnet_ipv6_block(given, within, held)


async def _join_acl(tx: Transaction, subnet: Item) -> None:
    """A new subnet has its VPC's default network ACL."""
    for acl in await in_vpc(tx, ACL, subnet["VpcId"]):
        if acl["IsDefault"]:
            await put(tx, acl.having(Associations=[*acl["Associations"], acl_association(acl.id, subnet.id)]))


@operation
async def create_default_subnet(
    call: Call, AvailabilityZone: str | None = None, AvailabilityZoneId: str | None = None
) -> dict[str, Any]:
    """Make the default subnet of a zone anew, after it was deleted."""
    zone = _zone(call.region, AvailabilityZone, AvailabilityZoneId)
    return {"Subnet": _described(await _create_default(call.state, zone), 0)}


@transactional
async def _create_default(tx: Transaction, zone: str) -> Item:
    vpc = next((one for one in await items.list(tx, VPC) if one["IsDefault"]), None)
    if vpc is None:
        raise aws_error("DefaultVpcDoesNotExist", "No default VPC exists for this account in this region.")
    beside = await in_vpc(tx, SUBNET, vpc.id)
    for one in beside:
        if one["DefaultForAz"] and one["AvailabilityZone"] == zone:
            raise aws_error(
                "DefaultSubnetAlreadyExistsInAvailabilityZone", f"'{one.id}' is already the default for {zone}"
            )
    held = [one["CidrBlock"] for one in beside]
    parts = blocks.parse(vpc["CidrBlock"]).subnets(new_prefix=20)
    block = next(str(one) for one in parts if not any(blocks.overlapping(str(one), other) for other in held))
    made = new_subnet(tx.account, tx.region, vpc.id, zone, block, default=True)
    await _join_acl(tx, made)
    await put(tx, made)
    return made


@operation
async def describe_subnets(
    call: Call,
    SubnetIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Subnets."""
    known = await every(call.state, SUBNET, INTERFACE)
    taken = taken_addresses(known)
    found = [_described(one, len(taken.get(one.id, ()))) for one in known if one.kind == SUBNET]
    return answer(SUBNET, "Subnets", found, SubnetIds, Filters, MaxResults, NextToken)


def _described(subnet: Item, taken: int) -> dict[str, Any]:
    return {**described(subnet), "AvailableIpAddressCount": blocks.free_count(subnet["CidrBlock"], taken)}


@operation
async def delete_subnet(call: Call, SubnetId: str) -> None:
    """Delete a subnet that nothing is in: no function, no interface of a NAT gateway or an endpoint."""
    inside = await functions_in(call, SubnetId)
    await _delete(call.state, SubnetId, bool(inside))


@transactional
async def _delete(tx: Transaction, subnet_id: str, inhabited: bool) -> None:
    subnet = await find(tx, SUBNET, subnet_id)
    interfaces = [one for one in await items.list(tx, INTERFACE) if one["SubnetId"] == subnet_id]
    nats = [one for one in await items.list(tx, NAT) if one["SubnetId"] == subnet_id and one["State"] != "deleted"]
    if inhabited or interfaces or nats:
        raise in_use(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    for kind in (ROUTE_TABLE, ACL):
        for one in await in_vpc(tx, kind, subnet["VpcId"]):
            left = [at for at in one["Associations"] if at.get("SubnetId") != subnet_id]
            if len(left) < len(one["Associations"]):
                await put(tx, one.having(Associations=left))
    await drop(tx, subnet)


@operation
async def modify_subnet_attribute(
    call: Call,
    SubnetId: str,
    MapPublicIpOnLaunch: dict[str, Any] | None = None,
    AssignIpv6AddressOnCreation: dict[str, Any] | None = None,
    EnableDns64: dict[str, Any] | None = None,
    PrivateDnsHostnameTypeOnLaunch: str | None = None,
    EnableResourceNameDnsARecordOnLaunch: dict[str, Any] | None = None,
    EnableResourceNameDnsAAAARecordOnLaunch: dict[str, Any] | None = None,
) -> None:
    """Change one of a subnet's attributes."""
    flags = {
        "MapPublicIpOnLaunch": MapPublicIpOnLaunch,
        "AssignIpv6AddressOnCreation": AssignIpv6AddressOnCreation,
        "EnableDns64": EnableDns64,
    }
    naming = {
        "EnableResourceNameDnsARecord": EnableResourceNameDnsARecordOnLaunch,
        "EnableResourceNameDnsAAAARecord": EnableResourceNameDnsAAAARecordOnLaunch,
    }
    changed: dict[str, Any] = {name: bool(one.get("Value")) for name, one in flags.items() if one is not None}
    named: dict[str, Any] = {name: bool(one.get("Value")) for name, one in naming.items() if one is not None}
    if PrivateDnsHostnameTypeOnLaunch is not None:
        named["HostnameType"] = PrivateDnsHostnameTypeOnLaunch
    if len(changed) + len(named) != 1:
        raise combination("Exactly one attribute can be modified in a request")
    await _modify(call.state, SubnetId, changed, named)


@transactional
async def _modify(tx: Transaction, subnet_id: str, changed: dict[str, Any], named: dict[str, Any]) -> None:
    subnet = await find(tx, SUBNET, subnet_id)
    if changed.get("AssignIpv6AddressOnCreation") and not subnet["Ipv6CidrBlockAssociationSet"]:
        raise invalid(f"Invalid value 'true' for assignIpv6AddressOnCreation: {subnet_id} has no IPv6 CIDR block")
    options = {**subnet["PrivateDnsNameOptionsOnLaunch"], **named}
    await put(tx, subnet.having(**changed, PrivateDnsNameOptionsOnLaunch=options))


@operation
async def associate_subnet_cidr_block(call: Call, SubnetId: str, Ipv6CidrBlock: str | None = None) -> dict[str, Any]:
    """Give a subnet an IPv6 block of its VPC's."""
    if Ipv6CidrBlock is None:
        raise missing("ipv6CidrBlock")
    made = await _associate(call.state, SubnetId, Ipv6CidrBlock)
    return {"SubnetId": SubnetId, "Ipv6CidrBlockAssociation": made}


@transactional
async def _associate(tx: Transaction, subnet_id: str, given: str) -> dict[str, Any]:
    subnet = await find(tx, SUBNET, subnet_id)
    if subnet["Ipv6CidrBlockAssociationSet"]:
        raise aws_error("SubnetCidrLimitExceeded", f"The subnet {subnet_id} has an IPv6 CIDR block already")
    vpc = await find(tx, VPC, subnet["VpcId"])
    made = ipv6_association("subnet", _ipv6_block(vpc, await in_vpc(tx, SUBNET, vpc.id), given))
    await put(tx, subnet.having(Ipv6CidrBlockAssociationSet=[made]))
    return made


@operation
async def disassociate_subnet_cidr_block(call: Call, AssociationId: str) -> dict[str, Any]:
    """Take its IPv6 block away from a subnet."""
    return await _disassociate(call.state, AssociationId)


@transactional
async def _disassociate(tx: Transaction, association_id: str) -> dict[str, Any]:
    for subnet in await items.list(tx, SUBNET):
        known = subnet["Ipv6CidrBlockAssociationSet"]
        gone = next((one for one in known if one["AssociationId"] == association_id), None)
        if gone is not None:
            await put(tx, subnet.having(Ipv6CidrBlockAssociationSet=[one for one in known if one is not gone]))
            state = {**gone, "Ipv6CidrBlockState": {"State": "disassociating"}}
            return {"SubnetId": subnet.id, "Ipv6CidrBlockAssociation": state}
    raise aws_error(
        "InvalidSubnetCidrBlockAssociationID.NotFound",
        f"The subnet CIDR block association ID '{association_id}' does not exist",
    )
