"""Internet gateways, and those for IPv6 that only let out."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import GATEWAY, NAT, VPC, Item, items
from kumoi.services.ec2.describing import Filters, answer, described
from kumoi.services.ec2.errors import in_use
from kumoi.services.ec2.kinds import EGRESS_GATEWAY
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import (
    TagSpecifications,
    by_token,
    drop,
    every,
    find,
    in_vpc,
    new_item,
    put,
    tags_of,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@operation
async def create_internet_gateway(call: Call, TagSpecifications: TagSpecifications | None = None) -> dict[str, Any]:
    """Make an internet gateway, not attached to a VPC."""
    members = {"OwnerId": call.account, "Attachments": []}
    made = new_item(GATEWAY, members, tags_of(GATEWAY, TagSpecifications))
    await _store(call.state, made)
    return {"InternetGateway": described(made)}


@transactional
async def _store(tx: Transaction, made: Item) -> None:
    await put(tx, made)


@operation
async def attach_internet_gateway(call: Call, InternetGatewayId: str, VpcId: str) -> None:
    """Attach a gateway to a VPC."""
    await _attach(call.state, InternetGatewayId, VpcId)


@transactional
async def _attach(tx: Transaction, gateway_id: str, vpc_id: str) -> None:
    gateway = await find(tx, GATEWAY, gateway_id)
    await find(tx, VPC, vpc_id)
    if gateway["Attachments"]:
        other = gateway["Attachments"][0]["VpcId"]
        raise aws_error("Resource.AlreadyAssociated", f"resource {gateway_id} is already attached to network {other}")
    for one in await items.list(tx, GATEWAY):
        if any(at["VpcId"] == vpc_id for at in one["Attachments"]):
            raise aws_error("InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached")
    await put(tx, gateway.having(Attachments=[{"State": "available", "VpcId": vpc_id}]))


@operation
async def detach_internet_gateway(call: Call, InternetGatewayId: str, VpcId: str) -> None:
    """Detach a gateway from its VPC, where nothing has a public address."""
    await _detach(call.state, InternetGatewayId, VpcId)


@transactional
async def _detach(tx: Transaction, gateway_id: str, vpc_id: str) -> None:
    gateway = await find(tx, GATEWAY, gateway_id)
    await find(tx, VPC, vpc_id)
    if not any(one["VpcId"] == vpc_id for one in gateway["Attachments"]):
        raise aws_error("Gateway.NotAttached", f"resource {gateway_id} is not attached to network {vpc_id}")
    for nat in await in_vpc(tx, NAT, vpc_id):
        if nat["State"] != "deleted" and nat["ConnectivityType"] == "public":
            raise in_use(
                f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before "
                "detaching the gateway."
            )
    await put(tx, gateway.having(Attachments=[]))


@operation
async def describe_internet_gateways(
    call: Call,
    InternetGatewayIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Internet gateways."""
    found = map(described, await every(call.state, GATEWAY))
    return answer(GATEWAY, "InternetGateways", found, InternetGatewayIds, Filters, MaxResults, NextToken)


@operation
async def delete_internet_gateway(call: Call, InternetGatewayId: str) -> None:
    """Delete a gateway that is not attached."""
    await _delete(call.state, InternetGatewayId)


@transactional
async def _delete(tx: Transaction, gateway_id: str) -> None:
    gateway = await find(tx, GATEWAY, gateway_id)
    if gateway["Attachments"]:
        raise in_use(f"The internetGateway '{gateway_id}' has dependencies and cannot be deleted.")
    await drop(tx, gateway)


@operation
async def create_egress_only_internet_gateway(
    call: Call, VpcId: str, ClientToken: str | None = None, TagSpecifications: TagSpecifications | None = None
) -> dict[str, Any]:
    """Make a gateway by which a VPC reaches the internet over IPv6, and is not reached."""
    tags = tags_of(EGRESS_GATEWAY, TagSpecifications)
    made = await _create_egress_only(call.state, VpcId, tags, ClientToken)
    return {"EgressOnlyInternetGateway": described(made), "ClientToken": ClientToken}


@transactional
async def _create_egress_only(tx: Transaction, vpc_id: str, tags: dict[str, str], token: str | None) -> Item:
    if (known := await by_token(tx, EGRESS_GATEWAY, token)) is not None:
        return known
    await find(tx, VPC, vpc_id)
    attached = [{"State": "attached", "VpcId": vpc_id}]
    made = new_item(EGRESS_GATEWAY, {"Attachments": attached}, tags, token=token)
    await put(tx, made)
    return made


@operation
async def describe_egress_only_internet_gateways(
    call: Call,
    EgressOnlyInternetGatewayIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Egress-only internet gateways."""
    found = map(described, await every(call.state, EGRESS_GATEWAY))
    ids = EgressOnlyInternetGatewayIds
    return answer(EGRESS_GATEWAY, "EgressOnlyInternetGateways", found, ids, Filters, MaxResults, NextToken)


@operation
async def delete_egress_only_internet_gateway(call: Call, EgressOnlyInternetGatewayId: str) -> dict[str, Any]:
    """Delete an egress-only internet gateway."""
    await _delete_egress_only(call.state, EgressOnlyInternetGatewayId)
    return {"ReturnCode": True}


@transactional
async def _delete_egress_only(tx: Transaction, gateway_id: str) -> None:
    await drop(tx, await find(tx, EGRESS_GATEWAY, gateway_id))
