"""Elastic IP addresses: made up out of a range for benchmarks (198.18.0.0/15), which leads nowhere."""

from __future__ import annotations

import ipaddress
import secrets
from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import Item, items
from kumoi.services.ec2.describing import Filters, answer, described, page
from kumoi.services.ec2.errors import combination, invalid, missing
from kumoi.services.ec2.kinds import ADDRESS, check_id, not_found
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, drop, every, find, new_item, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_RANGE = ipaddress.IPv4Network("198.18.0.0/15")


@operation
async def allocate_address(
    call: Call,
    Domain: str = "vpc",
    NetworkBorderGroup: str | None = None,
    PublicIpv4Pool: str = "amazon",
    TagSpecifications: TagSpecifications | None = None,
) -> dict[str, Any]:
    """Allocate an address."""
    if NetworkBorderGroup not in (None, call.region):
        raise invalid(f"Value ({NetworkBorderGroup}) for parameter networkBorderGroup is invalid.")
    if PublicIpv4Pool != "amazon":
        raise aws_error("InvalidPublicIpv4PoolID.NotFound", f"The pool ID '{PublicIpv4Pool}' does not exist")
    made = await _allocate(call.state, tags_of(ADDRESS, TagSpecifications))
    told = ("AllocationId", "PublicIp", "PublicIpv4Pool", "NetworkBorderGroup", "Domain")
    return {name: made[name] for name in told}


@transactional
async def _allocate(tx: Transaction, tags: dict[str, str]) -> Item:
    taken = {one["PublicIp"] for one in await items.list(tx, ADDRESS)}
    while (public := str(_RANGE[secrets.randbelow(_RANGE.num_addresses)])) in taken:
        continue
    members = {"Domain": "vpc", "PublicIp": public, "PublicIpv4Pool": "amazon", "NetworkBorderGroup": tx.region}
    made = new_item(ADDRESS, members, tags)
    await put(tx, made)
    return made


@operation
async def describe_addresses(
    call: Call,
    PublicIps: list[str] | None = None,
    AllocationIds: list[str] | None = None,
    Filters: Filters | None = None,
) -> dict[str, Any]:
    """Addresses."""
    known = await every(call.state, ADDRESS)
    for public in PublicIps or ():
        if not any(one["PublicIp"] == public for one in known):
            raise _no_address(public)
    found = [described(one) for one in known if not PublicIps or one["PublicIp"] in PublicIps]
    return answer(ADDRESS, "Addresses", found, AllocationIds, Filters)


def _no_address(public: str) -> AwsError:
    return aws_error("InvalidAddress.NotFound", f"Address '{public}' not found.")


@operation
async def describe_addresses_attribute(
    call: Call,
    AllocationIds: list[str] | None = None,
    Attribute: str | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The domain names that addresses were given: none, as no name was asked for."""
    if Attribute is None:
        raise missing("attribute")
    known = {one.id: one for one in await every(call.state, ADDRESS)}
    for one in AllocationIds or ():
        check_id(ADDRESS, one)
        if one not in known:
            raise not_found(ADDRESS, one)
    return page("Addresses", [], MaxResults, NextToken)


@operation
async def release_address(
    call: Call, AllocationId: str | None = None, PublicIp: str | None = None, NetworkBorderGroup: str | None = None
) -> None:
    """Give an address back that nothing has."""
    if (AllocationId is None) == (PublicIp is None):
        raise combination("You must specify exactly one of PublicIp and AllocationId")
    await _release(call.state, AllocationId, PublicIp or "")


@transactional
async def _release(tx: Transaction, allocation: str | None, public: str) -> None:
    if allocation is not None:
        address = await find(tx, ADDRESS, allocation)
    else:
        found = next((one for one in await items.list(tx, ADDRESS) if one["PublicIp"] == public), None)
        if found is None:
            raise _no_address(public)
        address = found
    if address.get("AssociationId"):
        raise aws_error("InvalidIPAddress.InUse", f"Address {address['PublicIp']} is in use.")
    await drop(tx, address)


@operation
async def disassociate_address(call: Call, AssociationId: str | None = None, PublicIp: str | None = None) -> None:
    """Take an address away from an instance, of which there are none; a NAT gateway keeps its own."""
    if (AssociationId is None) == (PublicIp is None):
        raise combination("You must specify exactly one of PublicIp and AssociationId")
    for one in await every(call.state, ADDRESS):
        if PublicIp is not None and one["PublicIp"] == PublicIp and "AssociationId" not in one.members:
            return
        if one.get("AssociationId", "") == AssociationId or one["PublicIp"] == PublicIp:
            raise aws_error("AuthFailure", "You do not have permission to access the specified resource.", status=403)
    if PublicIp is not None:
        raise _no_address(PublicIp)
    raise aws_error("InvalidAssociationID.NotFound", f"The association ID '{AssociationId}' does not exist")
