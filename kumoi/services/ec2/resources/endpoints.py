"""`AWS::EC2::VPCEndpoint`."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.ec2.resources.asking import ask, changed, difference, given, retag, tagged, typed

_PLACES = {
    "RouteTableIds": ("AddRouteTableIds", "RemoveRouteTableIds"),
    "SubnetIds": ("AddSubnetIds", "RemoveSubnetIds"),
    "SecurityGroupIds": ("AddSecurityGroupIds", "RemoveSecurityGroupIds"),
}


def _policy(call: ResourceCall) -> str | None:
    document = call.properties.get("PolicyDocument")
    return document if document is None or isinstance(document, str) else orjson.dumps(document).decode()


async def _create(call: ResourceCall) -> Resource:
    told = given(call, "VpcId", "ServiceName", "VpcEndpointType", *_PLACES, "DnsOptions", "IpAddressType")
    if told.get("VpcEndpointType", "Gateway") == "Interface":
        told["PrivateDnsEnabled"] = typed("PrivateDnsEnabled", call.properties.get("PrivateDnsEnabled", False))
    answer = await ask(
        call,
        "CreateVpcEndpoint",
        **told,
        PolicyDocument=_policy(call),
        TagSpecifications=tagged(call, "vpc-endpoint"),
        ClientToken=f"{call.stack_id}/{call.logical_id}/{call.token}",
    )
    return Resource(answer["VpcEndpoint"]["VpcEndpointId"], _attributes(call, answer["VpcEndpoint"]))


def _attributes(call: ResourceCall, made: dict[str, Any]) -> dict[str, Any]:
    return {
        "Id": made["VpcEndpointId"],
        "CreationTimestamp": str(made["CreationTimestamp"]),
        "DnsEntries": [f"{one['HostedZoneId']}:{one['DnsName']}" for one in made["DnsEntries"]],
        "NetworkInterfaceIds": made["NetworkInterfaceIds"],
    }


async def _update(call: ResourceCall) -> Resource:
    told: dict[str, Any] = {}
    for member, (add, remove) in _PLACES.items():
        fresh, gone = difference(call, member)
        told |= {add: fresh or None, remove: gone or None}
    if changed(call, "PrivateDnsEnabled"):
        told["PrivateDnsEnabled"] = typed("PrivateDnsEnabled", call.properties.get("PrivateDnsEnabled", False))
    if changed(call, "PolicyDocument"):
        policy = _policy(call)
        told |= {"PolicyDocument": policy, "ResetPolicy": None if policy else True}
    if any(value is not None for value in told.values()):
        await ask(call, "ModifyVpcEndpoint", VpcEndpointId=call.physical_id, **told)
    await retag(call)
    answer = await ask(call, "DescribeVpcEndpoints", VpcEndpointIds=[call.physical_id])
    return Resource(call.physical_id, _attributes(call, answer["VpcEndpoints"][0]))


async def _delete(call: ResourceCall) -> None:
    await ask(call, "DeleteVpcEndpoints", VpcEndpointIds=[call.physical_id])


TYPES = (
    ResourceType(
        "AWS::EC2::VPCEndpoint",
        _create,
        _delete,
        _update,
        replaced_by=frozenset(("ServiceName", "VpcId", "VpcEndpointType")),
    ),
)
