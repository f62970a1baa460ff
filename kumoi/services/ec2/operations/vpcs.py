"""VPCs: blocks of addresses with what belongs to them."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.networks.records import ACL, ENDPOINT, GATEWAY, GROUP, INTERFACE, ROUTE_TABLE, RULE, SUBNET, VPC, Item, items
from kumoi.services.ec2 import blocks
from kumoi.services.ec2.defaults import default_options, default_vpc, ipv6_association, local_route, new_vpc
from kumoi.services.ec2.describing import Filters, answer, described
from kumoi.services.ec2.errors import combination, in_use, missing
from kumoi.services.ec2.kinds import DHCP, EGRESS_GATEWAY, PEERING
from kumoi.services.ec2.limits import MOST_BLOCKS, MOST_VPCS
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, drop, every, find, find_one, in_vpc, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_IPV6_POOL = ipaddress.IPv6Network("2001:db8::/32")
"""Addresses for documentation, which lead nowhere: AWS's own have owners."""


@operation
async def create_vpc(
    call: Call,
    CidrBlock: str | None = None,
    InstanceTenancy: str = "default",
    AmazonProvidedIpv6CidrBlock: bool = False,
    TagSpecifications: TagSpecifications | None = None,
) -> dict[str, Any]:
    """Make a VPC with its main route table, default security group and default network ACL."""
    if CidrBlock is None:
        raise missing("cidrBlock")
    block, tags = blocks.vpc_block(CidrBlock), tags_of(VPC, TagSpecifications)
    made = await _create(call.state, block, InstanceTenancy, AmazonProvidedIpv6CidrBlock, tags)
    return {"Vpc": {**made, "State": "pending"}}


@transactional
async def _create(tx: Transaction, block: str, tenancy: str, ipv6: bool, tags: dict[str, str]) -> dict[str, Any]:
    vpcs = await _room(tx)
    options = next(one.id for one in await items.list(tx, DHCP) if one.settings.get("default"))
    vpc, table, *others = new_vpc(tx.account, tx.region, block, options, tenancy=tenancy, tags=tags)
    if ipv6:
        association = _provided_ipv6(tx.region, vpcs)
        vpc = vpc.having(Ipv6CidrBlockAssociationSet=[association])
        table = table.having(Routes=[*table["Routes"], local_route(association["Ipv6CidrBlock"])])
    await put(tx, vpc, table, *others)
    return described(vpc)


async def _room(tx: Transaction) -> list[Item]:
    """The VPCs of the region; VpcLimitExceeded where there can be no more."""
    known = await items.list(tx, VPC)
    if len(known) >= MOST_VPCS:
        raise aws_error("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
    return known


def _provided_ipv6(region: str, vpcs: list[Item]) -> dict[str, Any]:
    """An IPv6 block that none of the VPCs has."""
    taken = {one["Ipv6CidrBlock"] for vpc in vpcs for one in vpc.get("Ipv6CidrBlockAssociationSet") or ()}
    block = next(str(one) for one in _IPV6_POOL.subnets(new_prefix=56) if str(one) not in taken)
    return {**ipv6_association("vpc", block), "NetworkBorderGroup": region, "Ipv6Pool": "Amazon"}


@operation
async def create_default_vpc(call: Call) -> dict[str, Any]:
    """Make the default VPC anew, after it was deleted."""
    return {"Vpc": await _create_default(call.state)}


@transactional
async def _create_default(tx: Transaction) -> dict[str, Any]:
    for one in await _room(tx):
        if one["IsDefault"]:
            raise aws_error(
                "DefaultVpcAlreadyExists", f"A Default VPC already exists for this account in this region: {one.id}."
            )
    options = next((one for one in await items.list(tx, DHCP) if one.settings.get("default")), None)
    if options is None:
        options = default_options(tx.account, tx.region)
        await put(tx, options)
    made = default_vpc(tx.account, tx.region, options.id)
    await put(tx, *made)
    return described(made[0])


@operation
async def describe_vpcs(
    call: Call,
    VpcIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """VPCs."""
    found = map(described, await every(call.state, VPC))
    return answer(VPC, "Vpcs", found, VpcIds, Filters, MaxResults, NextToken)


@operation
async def delete_vpc(call: Call, VpcId: str) -> None:
    """Delete a VPC that nothing is left of but what it came with."""
    await _delete(call.state, VpcId)


@transactional
async def _delete(tx: Transaction, vpc_id: str) -> None:
    vpc = await find(tx, VPC, vpc_id)
    mine = {kind: await in_vpc(tx, kind, vpc_id) for kind in (SUBNET, ROUTE_TABLE, GROUP, ACL, ENDPOINT, INTERFACE)}
    attached = [
        one
        for kind in (GATEWAY, EGRESS_GATEWAY)
        for one in await items.list(tx, kind)
        if any(at["VpcId"] == vpc_id for at in one["Attachments"])
    ]
    others = [
        *(*mine[SUBNET], *mine[ENDPOINT], *mine[INTERFACE], *attached),
        *(one for one in mine[ROUTE_TABLE] if not any(at["Main"] for at in one["Associations"])),
        *(one for one in mine[GROUP] if one["GroupName"] != "default"),
        *(one for one in mine[ACL] if not one["IsDefault"]),
        *(one for one in await items.list(tx, PEERING) if _peers(one, vpc_id)),
    ]
    if others:
        raise in_use(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    groups = {one.id for one in mine[GROUP]}
    rules = [one for one in await items.list(tx, RULE) if one["GroupId"] in groups]
    await drop(tx, vpc, *mine[ROUTE_TABLE], *mine[GROUP], *rules, *mine[ACL])


def _peers(peering: Item, vpc_id: str) -> bool:
    sides = (peering["RequesterVpcInfo"]["VpcId"], peering["AccepterVpcInfo"]["VpcId"])
    return vpc_id in sides and peering["Status"]["Code"] in ("active", "pending-acceptance")


@operation
async def modify_vpc_attribute(
    call: Call,
    VpcId: str,
    EnableDnsSupport: dict[str, Any] | None = None,
    EnableDnsHostnames: dict[str, Any] | None = None,
    EnableNetworkAddressUsageMetrics: dict[str, Any] | None = None,
) -> None:
    """Switch one of a VPC's attributes."""
    given = {
        "EnableDnsSupport": EnableDnsSupport,
        "EnableDnsHostnames": EnableDnsHostnames,
        "EnableNetworkAddressUsageMetrics": EnableNetworkAddressUsageMetrics,
    }
    changed = {name: bool(one.get("Value")) for name, one in given.items() if one is not None}
    if len(changed) != 1:
        raise combination("Exactly one attribute can be modified in a request")
    await _set(call.state, VpcId, changed)


@transactional
async def _set(tx: Transaction, vpc_id: str, changed: dict[str, bool]) -> None:
    vpc = await find(tx, VPC, vpc_id)
    await put(tx, msgspec.structs.replace(vpc, settings={**vpc.settings, **changed}))


@operation
async def describe_vpc_attribute(call: Call, VpcId: str, Attribute: str) -> dict[str, Any]:
    """One of a VPC's attributes."""
    vpc = await find_one(call.state, VPC, VpcId)
    member = Attribute[:1].upper() + Attribute[1:]
    return {"VpcId": VpcId, member: {"Value": vpc.settings[member]}}


@operation
async def modify_vpc_tenancy(call: Call, VpcId: str, InstanceTenancy: str) -> dict[str, Any]:
    """Set a VPC's tenancy to the default."""
    await _set_tenancy(call.state, VpcId, InstanceTenancy)
    return {"ReturnValue": True}


@transactional
async def _set_tenancy(tx: Transaction, vpc_id: str, tenancy: str) -> None:
    await put(tx, (await find(tx, VPC, vpc_id)).having(InstanceTenancy=tenancy))


@operation
async def associate_vpc_cidr_block(
    call: Call, VpcId: str, CidrBlock: str | None = None, AmazonProvidedIpv6CidrBlock: bool = False
) -> dict[str, Any]:
    """Give a VPC another IPv4 block, or an IPv6 block."""
    if (CidrBlock is not None) == AmazonProvidedIpv6CidrBlock:
        raise combination("Exactly one of cidrBlock and amazonProvidedIpv6CidrBlock must be given")
    block = None if CidrBlock is None else blocks.vpc_block(CidrBlock)
    made = await _associate(call.state, VpcId, block)
    return {"VpcId": VpcId, "Ipv6CidrBlockAssociation" if block is None else "CidrBlockAssociation": made}


@transactional
async def _associate(tx: Transaction, vpc_id: str, block: str | None) -> dict[str, Any]:
    vpc = await find(tx, VPC, vpc_id)
    if block is None:
        if vpc.get("Ipv6CidrBlockAssociationSet"):
            raise aws_error("CidrLimitExceeded", f"The VPC {vpc_id} has an IPv6 CIDR block already")
        made = _provided_ipv6(tx.region, await items.list(tx, VPC))
        await put(tx, vpc.having(Ipv6CidrBlockAssociationSet=[made]))
        await _route_locally(tx, vpc_id, made["Ipv6CidrBlock"])
        return made
    known = vpc["CidrBlockAssociationSet"]
    if len(known) >= MOST_BLOCKS:
        raise aws_error("CidrLimitExceeded", f"This network '{vpc_id}' has met its maximum number of allowed CIDRs")
    if any(blocks.overlapping(block, one["CidrBlock"]) for one in known):
        raise aws_error("InvalidVpc.Range", f"The CIDR '{block}' conflicts with another CIDR block of the VPC.")
    [fresh] = new_vpc(tx.account, tx.region, block, "")[0]["CidrBlockAssociationSet"]
    await put(tx, vpc.having(CidrBlockAssociationSet=[*known, fresh]))
    await _route_locally(tx, vpc_id, block)
    return dict(fresh)


async def _route_locally(tx: Transaction, vpc_id: str, block: str) -> None:
    for table in await in_vpc(tx, ROUTE_TABLE, vpc_id):
        await put(tx, table.having(Routes=[*table["Routes"], local_route(block)]))


@operation
async def disassociate_vpc_cidr_block(call: Call, AssociationId: str) -> dict[str, Any]:
    """Take a block away from its VPC; the first one stays."""
    return await _disassociate(call.state, AssociationId)


@transactional
async def _disassociate(tx: Transaction, association_id: str) -> dict[str, Any]:
    for vpc in await items.list(tx, VPC):
        for member, told in (
            ("CidrBlockAssociationSet", "CidrBlock"),
            ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock"),
        ):
            known = vpc.get(member) or []
            gone = next((one for one in known if one["AssociationId"] == association_id), None)
            if gone is not None:
                await _check_free(tx, vpc, gone[told])
                await put(tx, vpc.having(**{member: [one for one in known if one is not gone]}))
                for table in await in_vpc(tx, ROUTE_TABLE, vpc.id):
                    left = [one for one in table["Routes"] if gone[told] not in one.values()]
                    await put(tx, table.having(Routes=left))
                state = {**gone, f"{told}State": {"State": "disassociating"}}
                return {"VpcId": vpc.id, f"{told}Association": state}
    raise aws_error(
        "InvalidVpcCidrBlockAssociationID.NotFound",
        f"The vpc CIDR block association ID '{association_id}' does not exist",
    )


async def _check_free(tx: Transaction, vpc: Item, block: str) -> None:
    if block == vpc["CidrBlock"]:
        raise aws_error("OperationNotPermitted", f"The primary CIDR block {block} of {vpc.id} cannot be disassociated.")
    for subnet in await in_vpc(tx, SUBNET, vpc.id):
        held = [subnet["CidrBlock"], *(one["Ipv6CidrBlock"] for one in subnet["Ipv6CidrBlockAssociationSet"])]
        if any(blocks.overlapping(one, block) for one in held):
            raise aws_error("InvalidCidrBlock.InUse", f"The CIDR block {block} is in use by the subnet {subnet.id}.")
