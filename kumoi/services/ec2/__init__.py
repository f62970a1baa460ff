"""Amazon EC2's networks: what serverless applications declare around their functions. There are no virtual machines.

`operations/` holds VPCs, subnets, route tables, gateways, addresses, security groups, network ACLs, endpoints and what
else a network is made of; each is an item (`records.py`) that holds its description, which filters (`filters.py`) and
pages (`describing.py`) work on. Every account has a default network in every region (`defaults.py`), made when
somebody first looks. No packet passes through any of it: `reachability.py` works out what would be reached on AWS.

Rules: the Amazon EC2 API reference (2016-11-15), its error codes, and the Amazon VPC user guide.
"""

from __future__ import annotations

from kumoi.doorway import Service

ec2 = Service(
    "ec2",
    __name__,
    modules=(
        "operations.addresses",
        "operations.dhcp_options",
        "operations.endpoints",
        "operations.facts",
        "operations.flow_logs",
        "operations.internet_gateways",
        "operations.nat_gateways",
        "operations.network_acls",
        "operations.network_interfaces",
        "operations.peering",
        "operations.prefix_lists",
        "operations.route_tables",
        "operations.routes",
        "operations.security_group_rules",
        "operations.security_groups",
        "operations.subnets",
        "operations.tags",
        "operations.vpcs",
    ),
    resource=(
        *("VpcEndpointId", "NatGatewayId", "RouteTableId", "SubnetId", "InternetGatewayId", "GroupId", "NetworkAclId"),
        *("AllocationId", "VpcPeeringConnectionId", "DhcpOptionsId", "VpcId"),
    ),
    authorization="authorization",
    tagged="tagged",
    held="held",
)
