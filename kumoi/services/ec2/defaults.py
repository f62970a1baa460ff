"""What a VPC comes with, what a subnet is made as, and the default network of an account in a region; pure.

Sources: "Default VPCs" and "Default security groups for your VPCs" of the Amazon VPC user guide.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from kumoi.names import arn
from kumoi.networks.records import ACL, GATEWAY, GROUP, ROUTE_TABLE, RULE, SUBNET, VPC, Item
from kumoi.networks.zones import zone_id, zone_names
from kumoi.services.ec2.kinds import DHCP, association_id
from kumoi.services.ec2.store import new_item

DEFAULT_BLOCK = "172.31.0.0/16"
ANYWHERE, ANYWHERE_6 = "0.0.0.0/0", "::/0"
LAST_RULE = 32767
VPC_SETTINGS = {"EnableDnsSupport": True, "EnableDnsHostnames": False, "EnableNetworkAddressUsageMetrics": False}


def default_network(account: str, region: str) -> list[Item]:
    """The default VPC with its subnets and gateway, and the DHCP options of the region."""
    options = default_options(account, region)
    return [options, *default_vpc(account, region, options.id)]


def default_options(account: str, region: str) -> Item:
    """The DHCP options that VPCs have unless they are given others."""
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    configurations = {"domain-name": domain, "domain-name-servers": "AmazonProvidedDNS"}
    told = [{"Key": key, "Values": [{"Value": value}]} for key, value in configurations.items()]
    return new_item(DHCP, {"OwnerId": account, "DhcpConfigurations": told}, settings={"default": True})


def default_vpc(account: str, region: str, options: str) -> list[Item]:
    """The default VPC: a public subnet in each zone, an internet gateway, and the route to it."""
    made = new_vpc(account, region, DEFAULT_BLOCK, options, default=True)
    vpc, table, *others = made
    attached = [{"State": "available", "VpcId": vpc.id}]
    gateway = new_item(GATEWAY, {"OwnerId": account, "Attachments": attached})
    out = {"DestinationCidrBlock": ANYWHERE, "GatewayId": gateway.id, "Origin": "CreateRoute", "State": "active"}
    table = table.having(Routes=[*table["Routes"], out])
    blocks = ipaddress.IPv4Network(DEFAULT_BLOCK).subnets(new_prefix=20)
    subnets = [
        new_subnet(account, region, vpc.id, zone, str(block), default=True)
        for zone, block in zip(zone_names(region), blocks, strict=False)
    ]
    others = [
        one.having(Associations=[acl_association(one.id, subnet.id) for subnet in subnets]) if one.kind == ACL else one
        for one in others
    ]
    return [vpc, table, *others, gateway, *subnets]


def new_vpc(
    account: str,
    region: str,
    block: str,
    options: str,
    *,
    default: bool = False,
    tenancy: str = "default",
    tags: dict[str, str] | None = None,
) -> list[Item]:
    """A VPC with its main route table, its default security group with two rules, and its default network ACL."""
    association = {"AssociationId": association_id("vpc-cidr-assoc"), "CidrBlock": block}
    vpc = new_item(
        VPC,
        {
            "OwnerId": account,
            "CidrBlock": block,
            "CidrBlockAssociationSet": [{**association, "CidrBlockState": {"State": "associated"}}],
            "DhcpOptionsId": options,
            "InstanceTenancy": tenancy,
            "IsDefault": default,
            "State": "available",
        },
        tags,
        settings={**VPC_SETTINGS, "EnableDnsHostnames": default},
    )
    table = new_route_table(account, vpc.id, [block])
    main = route_association(table.id, main=True)
    group = new_group(account, region, vpc.id, "default", "default VPC security group")
    itself = {"GroupId": group.id, "UserId": account}
    rules = [
        new_rule(account, region, group.id, egress=False, ReferencedGroupInfo=itself),
        new_rule(account, region, group.id, egress=True, CidrIpv4=ANYWHERE),
    ]
    return [vpc, table.having(Associations=[main]), group, *rules, new_acl(account, vpc.id, default=True)]


def new_subnet(
    account: str,
    region: str,
    vpc: str,
    zone: str,
    block: str,
    *,
    default: bool = False,
    ipv6_block: str | None = None,
    tags: dict[str, str] | None = None,
) -> Item:
    """A subnet."""
    made = new_item(
        SUBNET,
        {
            "OwnerId": account,
            "VpcId": vpc,
            "CidrBlock": block,
            "AvailabilityZone": zone,
            "AvailabilityZoneId": zone_id(zone),
            "DefaultForAz": default,
            "MapPublicIpOnLaunch": default,
            "MapCustomerOwnedIpOnLaunch": False,
            "AssignIpv6AddressOnCreation": False,
            "EnableDns64": False,
            "Ipv6Native": False,
            "Ipv6CidrBlockAssociationSet": [] if ipv6_block is None else [ipv6_association("subnet", ipv6_block)],
            "PrivateDnsNameOptionsOnLaunch": {
                "HostnameType": "ip-name",
                "EnableResourceNameDnsARecord": False,
                "EnableResourceNameDnsAAAARecord": False,
            },
            "State": "available",
        },
        tags,
    )
    return made.having(SubnetArn=arn("ec2", region, account, f"subnet/{made.id}"))


def ipv6_association(of: str, block: str) -> dict[str, Any]:
    """How a VPC or a subnet has an IPv6 block."""
    made = {"AssociationId": association_id(f"{of}-cidr-assoc"), "Ipv6CidrBlock": block}
    return {**made, "Ipv6CidrBlockState": {"State": "associated"}}


def local_route(block: str) -> dict[str, Any]:
    """The route to addresses of the VPC itself."""
    destination = "DestinationIpv6CidrBlock" if ":" in block else "DestinationCidrBlock"
    return {destination: block, "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"}


def new_route_table(
    account: str, vpc: str, blocks: list[str], tags: dict[str, str] | None = None, token: str | None = None
) -> Item:
    """A route table with the routes that every one has."""
    members = {
        "OwnerId": account,
        "VpcId": vpc,
        "Routes": [local_route(block) for block in blocks],
        "Associations": [],
        "PropagatingVgws": [],
    }
    return new_item(ROUTE_TABLE, members, tags, token=token)


def route_association(table: str, *, main: bool = False, subnet: str | None = None, gateway: str | None = None) -> Any:
    """How a route table is a VPC's main one, or a subnet's or a gateway's own."""
    made = {
        "Main": main,
        "RouteTableAssociationId": association_id("rtbassoc"),
        "RouteTableId": table,
        "SubnetId": subnet,
        "GatewayId": gateway,
        "AssociationState": {"State": "associated"},
    }
    return {name: value for name, value in made.items() if value is not None}


def new_group(
    account: str, region: str, vpc: str, name: str, description: str, tags: dict[str, str] | None = None
) -> Item:
    """A security group without rules."""
    members = {"OwnerId": account, "VpcId": vpc, "GroupName": name, "Description": description}
    made = new_item(GROUP, members, tags)
    return made.having(SecurityGroupArn=arn("ec2", region, account, f"security-group/{made.id}"))


def new_rule(
    account: str,
    region: str,
    group: str,
    *,
    egress: bool,
    protocol: str = "-1",
    ports: tuple[int, int] = (-1, -1),
    tags: dict[str, str] | None = None,
    **peer: Any,
) -> Item:
    """A rule of a security group; `peer` is whom it is about (`PEERS` of permissions.py), and a Description."""
    members = {
        "GroupId": group,
        "GroupOwnerId": account,
        "IsEgress": egress,
        "IpProtocol": protocol,
        "FromPort": ports[0],
        "ToPort": ports[1],
        **peer,
    }
    made = new_item(RULE, members, tags)
    return made.having(SecurityGroupRuleArn=arn("ec2", region, account, f"security-group-rule/{made.id}"))


def new_acl(account: str, vpc: str, *, default: bool, tags: dict[str, str] | None = None) -> Item:
    """A network ACL: the default one lets everything through, any other nothing."""
    entries = []
    for egress in (True, False):
        common = {"CidrBlock": ANYWHERE, "Egress": egress, "Protocol": "-1"}
        if default:
            entries.append({**common, "RuleAction": "allow", "RuleNumber": 100})
        entries.append({**common, "RuleAction": "deny", "RuleNumber": LAST_RULE})
    members = {"OwnerId": account, "VpcId": vpc, "IsDefault": default, "Entries": entries, "Associations": []}
    return new_item(ACL, members, tags)


def acl_association(acl: str, subnet: str) -> dict[str, Any]:
    """How a subnet has a network ACL."""
    return {"NetworkAclAssociationId": association_id("aclassoc"), "NetworkAclId": acl, "SubnetId": subnet}
