"""Network interfaces: those of NAT gateways and endpoints, and those that functions in subnets have."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import GROUP, INTERFACE, SUBNET
from kumoi.services.ec2.describing import Filters, answer, described
from kumoi.services.ec2.errors import missing
from kumoi.services.ec2.functions import functions_in
from kumoi.services.ec2.interfaces import of_function
from kumoi.services.ec2.kinds import check_id, not_found
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import every


@operation
async def describe_network_interfaces(
    call: Call,
    NetworkInterfaceIds: list[str] | None = None,
    IncludeManagedResources: bool = False,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Interfaces."""
    found = await _all(call)
    return answer(INTERFACE, "NetworkInterfaces", found, NetworkInterfaceIds, Filters, MaxResults, NextToken)


async def _all(call: Call) -> list[dict[str, Any]]:
    stored = []
    for one in await every(call.state, INTERFACE):
        told = described(one)
        stored.append({**told, "TagSet": told.pop("Tags")})
    known = {one.id: one for one in await every(call.state, SUBNET, GROUP)}
    shared: dict[str, dict[str, Any]] = {}
    for network in await functions_in(call):
        groups = [
            {"GroupId": one, "GroupName": known[one]["GroupName"]}
            for one in network["SecurityGroupIds"]
            if one in known
        ]
        for subnet in network["SubnetIds"]:
            if subnet in known:
                told = of_function(known[subnet], groups)
                shared[told["NetworkInterfaceId"]] = {**told, "TagSet": []}
    return [*stored, *shared.values()]


@operation
async def describe_network_interface_attribute(
    call: Call, NetworkInterfaceId: str, Attribute: str | None = None
) -> dict[str, Any]:
    """One attribute of an interface."""
    if Attribute is None:
        raise missing("attribute")
    check_id(INTERFACE, NetworkInterfaceId)
    found = next((one for one in await _all(call) if one["NetworkInterfaceId"] == NetworkInterfaceId), None)
    if found is None:
        raise not_found(INTERFACE, NetworkInterfaceId)
    told = {
        "description": {"Description": {"Value": found["Description"]}},
        "groupSet": {"Groups": found["Groups"]},
        "sourceDestCheck": {"SourceDestCheck": {"Value": found["SourceDestCheck"]}},
        "attachment": {"Attachment": found["Attachment"]},
        "associatePublicIpAddress": {"AssociatePublicIpAddress": False},
    }
    return {"NetworkInterfaceId": NetworkInterfaceId, **told[Attribute]}
