"""The kinds of things in a network: how their ids look, and what EC2 says of one that is not there; pure.

Source: "Error codes for the Amazon EC2 API".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kumoi.names import hex_id
from kumoi.networks.records import ACL, ENDPOINT, GATEWAY, GROUP, INTERFACE, NAT, ROUTE_TABLE, RULE, SUBNET, VPC
from kumoi.wire.errors import AwsError, aws_error


class Kind(NamedTuple):
    """A kind: its ids' prefix, the member that holds the id, the code and the words of its errors.

    `missing` is the whole code where it is not `code` with `.NotFound`.
    """

    prefix: str
    member: str
    code: str
    label: str
    missing: str = ""


EGRESS_GATEWAY, ADDRESS, PEERING = "egress-only-internet-gateway", "elastic-ip", "vpc-peering-connection"
DHCP, FLOW_LOG, PREFIX_LIST, VPN_GATEWAY = "dhcp-options", "vpc-flow-log", "prefix-list", "vpn-gateway"

KINDS: dict[str, Kind] = {
    VPC: Kind("vpc", "VpcId", "InvalidVpcID", "vpc ID"),
    SUBNET: Kind("subnet", "SubnetId", "InvalidSubnetID", "subnet ID"),
    GROUP: Kind("sg", "GroupId", "InvalidGroupId", "security group", "InvalidGroup.NotFound"),
    RULE: Kind("sgr", "SecurityGroupRuleId", "InvalidSecurityGroupRuleId", "security group rule ID"),
    ROUTE_TABLE: Kind("rtb", "RouteTableId", "InvalidRouteTableID", "routeTable ID"),
    GATEWAY: Kind("igw", "InternetGatewayId", "InvalidInternetGatewayID", "internetGateway ID"),
    EGRESS_GATEWAY: Kind("eigw", "EgressOnlyInternetGatewayId", "InvalidGatewayID", "egress-only internet gateway ID"),
    NAT: Kind("nat", "NatGatewayId", "InvalidNatGatewayID", "NAT gateway", "NatGatewayNotFound"),
    ADDRESS: Kind("eipalloc", "AllocationId", "InvalidAllocationID", "allocation ID"),
    ACL: Kind("acl", "NetworkAclId", "InvalidNetworkAclID", "networkAcl ID"),
    ENDPOINT: Kind("vpce", "VpcEndpointId", "InvalidVpcEndpointId", "Vpc Endpoint Id"),
    INTERFACE: Kind("eni", "NetworkInterfaceId", "InvalidNetworkInterfaceID", "networkInterface ID"),
    PEERING: Kind("pcx", "VpcPeeringConnectionId", "InvalidVpcPeeringConnectionID", "vpcPeeringConnection ID"),
    DHCP: Kind("dopt", "DhcpOptionsId", "InvalidDhcpOptionID", "dhcpOption ID", "InvalidDhcpOptionID.NotFound"),
    FLOW_LOG: Kind("fl", "FlowLogId", "InvalidFlowLogId", "flow log ID"),
    PREFIX_LIST: Kind("pl", "PrefixListId", "InvalidPrefixListID", "prefix list ID"),
    VPN_GATEWAY: Kind("vgw", "VpnGatewayId", "InvalidVpnGatewayID", "vpnGateway ID"),
}

_DIGITS = re.compile(r"[0-9a-f]{8}(?:[0-9a-f]{9})?")


def new_id(kind: str) -> str:
    """An id for a new thing of a kind."""
    return f"{KINDS[kind].prefix}-{hex_id(17)}"


def association_id(prefix: str) -> str:
    """An id of an association: `rtbassoc-…`."""
    return f"{prefix}-{hex_id(17)}"


def kind_of(item_id: str) -> str | None:
    """The kind that an id is of, by its prefix."""
    prefix = item_id.rpartition("-")[0]
    return next((name for name, kind in KINDS.items() if kind.prefix == prefix), None)


def check_id(kind: str, item_id: str) -> None:
    """Raise `Invalid….Malformed` for what is no id of the kind."""
    about = KINDS[kind]
    prefix, _, digits = item_id.rpartition("-")
    if prefix != about.prefix or _DIGITS.fullmatch(digits) is None:
        code = "NatGatewayMalformed" if kind == NAT else f"{about.code}.Malformed"
        raise aws_error(code, f'Invalid id: "{item_id}" (expecting "{about.prefix}-...")')


def not_found(kind: str, item_id: str) -> AwsError:
    """The error for a thing that is not there."""
    about = KINDS[kind]
    if kind == NAT:
        return aws_error(about.missing, f"The Nat Gateway {item_id} was not found")
    return aws_error(about.missing or f"{about.code}.NotFound", f"The {about.label} '{item_id}' does not exist")
