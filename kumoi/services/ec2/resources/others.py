"""`AWS::EC2::VPCPeeringConnection`, `FlowLog`, `DHCPOptions` and `VPCDHCPOptionsAssociation`."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.ec2.resources.asking import ask, deletion, given, only_tags, tagged

_FLOW = (
    *("ResourceType", "TrafficType", "LogDestination", "LogDestinationType", "LogGroupName", "LogFormat"),
    *("DeliverLogsPermissionArn", "MaxAggregationInterval", "DestinationOptions"),
)
_OPTIONS = {
    "DomainName": "domain-name",
    "DomainNameServers": "domain-name-servers",
    "NtpServers": "ntp-servers",
    "NetbiosNameServers": "netbios-name-servers",
    "NetbiosNodeType": "netbios-node-type",
    "Ipv6AddressPreferredLeaseTime": "ipv6-address-preferred-lease-time",
}


async def _create_peering(call: ResourceCall) -> Resource:
    told = given(call, "VpcId", "PeerVpcId", "PeerOwnerId", "PeerRegion")
    tags = tagged(call, "vpc-peering-connection")
    answer = await ask(call, "CreateVpcPeeringConnection", **told, TagSpecifications=tags)
    made = answer["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    call.begin(Resource(made))
    await ask(call, "AcceptVpcPeeringConnection", VpcPeeringConnectionId=made)
    return Resource(made, {"Id": made})


async def _create_flow_log(call: ResourceCall) -> Resource:
    told = given(call, *_FLOW)
    tags = tagged(call, "vpc-flow-log")
    resource = [call.properties["ResourceId"]]
    answer = await ask(call, "CreateFlowLogs", **told, ResourceIds=resource, TagSpecifications=tags)
    made = answer["FlowLogIds"][0]
    return Resource(made, {"Id": made})


async def _delete_flow_log(call: ResourceCall) -> None:
    await ask(call, "DeleteFlowLogs", FlowLogIds=[call.physical_id])


async def _create_options(call: ResourceCall) -> Resource:
    told: list[dict[str, Any]] = []
    for name, key in _OPTIONS.items():
        value = call.properties.get(name)
        if value is not None:
            told.append({"Key": key, "Values": [str(one) for one in (value if isinstance(value, list) else [value])]})
    tags = tagged(call, "dhcp-options")
    answer = await ask(call, "CreateDhcpOptions", DhcpConfigurations=told, TagSpecifications=tags)
    made = answer["DhcpOptions"]["DhcpOptionsId"]
    return Resource(made, {"DhcpOptionsId": made})


async def _associate_options(call: ResourceCall) -> Resource:
    told = given(call, "DhcpOptionsId", "VpcId")
    await ask(call, "AssociateDhcpOptions", **told)
    return Resource(f"{told['DhcpOptionsId']}|{told['VpcId']}")


async def _dissociate_options(call: ResourceCall) -> None:
    await ask(call, "AssociateDhcpOptions", DhcpOptionsId="default", **given(call, "VpcId"))


TYPES = (
    ResourceType(
        "AWS::EC2::VPCPeeringConnection",
        _create_peering,
        deletion("DeleteVpcPeeringConnection", "VpcPeeringConnectionId"),
        only_tags,
        replaced_by=frozenset(("VpcId", "PeerVpcId", "PeerOwnerId", "PeerRegion", "PeerRoleArn")),
    ),
    ResourceType(
        "AWS::EC2::FlowLog",
        _create_flow_log,
        _delete_flow_log,
        only_tags,
        replaced_by=frozenset((*_FLOW, "ResourceId")),
    ),
    ResourceType(
        "AWS::EC2::DHCPOptions",
        _create_options,
        deletion("DeleteDhcpOptions", "DhcpOptionsId"),
        only_tags,
        replaced_by=frozenset(_OPTIONS),
    ),
    ResourceType(
        "AWS::EC2::VPCDHCPOptionsAssociation",
        _associate_options,
        _dissociate_options,
        _associate_options,
        replaced_by=frozenset(("VpcId",)),
    ),
)
