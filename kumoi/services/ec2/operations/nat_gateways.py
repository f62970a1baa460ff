"""NAT gateways: how subnets without public addresses reach the internet. They are available at once."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import GATEWAY, INTERFACE, NAT, SUBNET, Item, items
from kumoi.services.ec2.describing import answer, described
from kumoi.services.ec2.errors import combination, missing
from kumoi.services.ec2.interfaces import new_interface
from kumoi.services.ec2.kinds import ADDRESS, association_id, not_found
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, by_token, drop, every, find, new_item, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_REMEMBERED_SECONDS = 3600.0
"""How long a gateway that was deleted is still told of."""


@operation
async def create_nat_gateway(
    call: Call,
    SubnetId: str | None = None,
    AllocationId: str | None = None,
    ConnectivityType: str = "public",
    PrivateIpAddress: str | None = None,
    ClientToken: str | None = None,
    TagSpecifications: TagSpecifications | None = None,
) -> dict[str, Any]:
    """Make a NAT gateway in a subnet: a public one has an Elastic IP address, a private one none."""
    if SubnetId is None:
        raise missing("subnetId")
    if ConnectivityType == "public" and AllocationId is None:
        raise missing("allocationId")
    if ConnectivityType == "private" and AllocationId is not None:
        raise combination("AllocationId cannot be used with a private NAT gateway")
    tags = tags_of(NAT, TagSpecifications)
    made = await _create(call.state, SubnetId, AllocationId, PrivateIpAddress, tags, ClientToken)
    return {"NatGateway": {**described(made), "State": "pending"}, "ClientToken": ClientToken}


@transactional
async def _create(
    tx: Transaction,
    subnet_id: str,
    allocation: str | None,
    private: str | None,
    tags: dict[str, str],
    token: str | None,
) -> Item:
    if (known := await by_token(tx, NAT, token)) is not None:
        return known
    subnet = await find(tx, SUBNET, subnet_id)
    address = None if allocation is None else await _free(tx, allocation)
    if address is not None and not await _has_gateway(tx, subnet["VpcId"]):
        raise aws_error("Gateway.NotAttached", f"Network {subnet['VpcId']} has no Internet gateway attached")
    made = new_item(NAT, {}, tags, token=token)
    interface = new_interface(
        subnet,
        await items.list(tx, INTERFACE),
        kind="nat_gateway",
        description=f"Interface for NAT Gateway {made.id}",
        address=private,
        at=tx.now,
    )
    told = {
        "NetworkInterfaceId": interface.id,
        "PrivateIp": interface["PrivateIpAddress"],
        "IsPrimary": True,
        "Status": "succeeded",
    }
    if address is not None:
        association = association_id("eipassoc")
        told |= {"AllocationId": address.id, "PublicIp": address["PublicIp"], "AssociationId": association}
        await put(tx, associated(address, interface, association))
        interface = interface.having(Association=_association(address, association))
    made = made.having(
        VpcId=subnet["VpcId"],
        SubnetId=subnet_id,
        State="available",
        ConnectivityType="private" if address is None else "public",
        CreateTime=tx.now,
        NatGatewayAddresses=[told],
    )
    await _forget_old(tx)
    await put(tx, made, interface)
    return made


def associated(address: Item, interface: Item, association: str) -> Item:
    """An Elastic IP address that an interface has."""
    return address.having(
        AssociationId=association,
        NetworkInterfaceId=interface.id,
        NetworkInterfaceOwnerId=interface["OwnerId"],
        PrivateIpAddress=interface["PrivateIpAddress"],
    )


def _association(address: Item, association: str) -> dict[str, Any]:
    return {
        "AllocationId": address.id,
        "AssociationId": association,
        "IpOwnerId": "amazon-aws",
        "PublicIp": address["PublicIp"],
        "PublicDnsName": "",
    }


async def _free(tx: Transaction, allocation: str) -> Item:
    """An Elastic IP address that nobody has; Resource.AlreadyAssociated."""
    address = await find(tx, ADDRESS, allocation)
    if address.get("AssociationId"):
        raise aws_error("Resource.AlreadyAssociated", f"resource {allocation} is already associated")
    return address


async def _has_gateway(tx: Transaction, vpc_id: str) -> bool:
    gateways = await items.list(tx, GATEWAY)
    return any(at["VpcId"] == vpc_id for one in gateways for at in one["Attachments"])


async def _forget_old(tx: Transaction) -> None:
    for one in await items.list(tx, NAT):
        if one.get("DeleteTime", tx.now) < tx.now - _REMEMBERED_SECONDS:
            await drop(tx, one)


@operation
async def describe_nat_gateways(
    call: Call,
    NatGatewayIds: list[str] | None = None,
    Filter: list[dict[str, Any]] | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """NAT gateways; those that were deleted are there for an hour still."""
    since = call.now - _REMEMBERED_SECONDS
    known = [one for one in await every(call.state, NAT) if one.get("DeleteTime", call.now) >= since]
    return answer(NAT, "NatGateways", map(described, known), NatGatewayIds, Filter, MaxResults, NextToken)


@operation
async def delete_nat_gateway(call: Call, NatGatewayId: str) -> dict[str, Any]:
    """Delete a NAT gateway: its address is free again, routes to it are black holes."""
    await _delete(call.state, NatGatewayId)
    return {"NatGatewayId": NatGatewayId}


@transactional
async def _delete(tx: Transaction, nat_id: str) -> None:
    nat = await find(tx, NAT, nat_id)
    if nat["State"] == "deleted":
        if nat["DeleteTime"] < tx.now - _REMEMBERED_SECONDS:
            raise not_found(NAT, nat_id)
        return
    for one in nat["NatGatewayAddresses"]:
        await items.delete(tx, INTERFACE, one["NetworkInterfaceId"])
        if "AllocationId" in one and (address := await items.get(tx, ADDRESS, one["AllocationId"])) is not None:
            await put(tx, released(address))
    await put(tx, nat.having(State="deleted", DeleteTime=tx.now))


def released(address: Item) -> Item:
    """An Elastic IP address that nobody has any more."""
    return address.having(
        AssociationId=None, NetworkInterfaceId=None, NetworkInterfaceOwnerId=None, PrivateIpAddress=None
    )
