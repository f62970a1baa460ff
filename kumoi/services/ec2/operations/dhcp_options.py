"""DHCP options: kept with VPCs, and without effect here."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import VPC, Item, items
from kumoi.services.ec2.describing import Filters, answer, described
from kumoi.services.ec2.errors import in_use, invalid
from kumoi.services.ec2.kinds import DHCP
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, drop, every, find, new_item, put, tags_of
from kumoi.state import Transaction, transactional

_KEYS = (
    *("domain-name", "domain-name-servers", "ntp-servers", "netbios-name-servers", "netbios-node-type"),
    "ipv6-address-preferred-lease-time",
)


@operation
async def create_dhcp_options(
    call: Call, DhcpConfigurations: list[dict[str, Any]], TagSpecifications: TagSpecifications | None = None
) -> dict[str, Any]:
    """Make a set of options."""
    told = []
    for one in DhcpConfigurations:
        if one.get("Key") not in _KEYS:
            raise invalid(f"Value ({one.get('Key')}) for parameter dhcpConfiguration is invalid. Unknown DHCP option")
        told.append({"Key": one["Key"], "Values": [{"Value": value} for value in one.get("Values") or ()]})
    members = {"OwnerId": call.account, "DhcpConfigurations": told}
    made = new_item(DHCP, members, tags_of(DHCP, TagSpecifications))
    await _store(call.state, made)
    return {"DhcpOptions": described(made)}


@transactional
async def _store(tx: Transaction, made: Item) -> None:
    await put(tx, made)


@operation
async def describe_dhcp_options(
    call: Call,
    DhcpOptionsIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Sets of options."""
    found = map(described, await every(call.state, DHCP))
    return answer(DHCP, "DhcpOptions", found, DhcpOptionsIds, Filters, MaxResults, NextToken)


@operation
async def associate_dhcp_options(call: Call, DhcpOptionsId: str, VpcId: str) -> None:
    """Give a VPC a set of options; `default` takes it away."""
    await _associate(call.state, DhcpOptionsId, VpcId)


@transactional
async def _associate(tx: Transaction, options_id: str, vpc_id: str) -> None:
    vpc = await find(tx, VPC, vpc_id)
    if options_id != "default":
        await find(tx, DHCP, options_id)
    await put(tx, vpc.having(DhcpOptionsId=options_id))


@operation
async def delete_dhcp_options(call: Call, DhcpOptionsId: str) -> None:
    """Delete a set of options that no VPC has."""
    await _delete(call.state, DhcpOptionsId)


@transactional
async def _delete(tx: Transaction, options_id: str) -> None:
    options = await find(tx, DHCP, options_id)
    if options.settings.get("default") or any(one["DhcpOptionsId"] == options_id for one in await items.list(tx, VPC)):
        raise in_use(f"The dhcpOptions '{options_id}' has dependencies and cannot be deleted.")
    await drop(tx, options)
