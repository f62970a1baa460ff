"""Filters of Describe operations, on descriptions; pure.

A filter's name leads to values of a description: `association.subnet-id` to the SubnetId of each of its Associations.
Several filters must all match, of a filter's values one; `*` and `?` stand for any characters, `\\` takes their meaning
away. Source: the Filter parameter of each Describe operation in the Amazon EC2 API reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from kumoi.services.ec2.errors import invalid

Description = Mapping[str, Any]

_PERMISSION = {
    "cidr": "IpRanges.CidrIp",
    "from-port": "FromPort",
    "group-id": "UserIdGroupPairs.GroupId",
    "group-name": "UserIdGroupPairs.GroupName",
    "ipv6-cidr": "Ipv6Ranges.CidrIpv6",
    "prefix-list-id": "PrefixListIds.PrefixListId",
    "protocol": "IpProtocol",
    "to-port": "ToPort",
    "user-id": "UserIdGroupPairs.UserId",
}
_IPV6 = {
    "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
    "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
    "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
    "ipv6-cidr-block-association.ipv6-pool": "Ipv6CidrBlockAssociationSet.Ipv6Pool",
}
_PLAIN: Mapping[str, Sequence[str]] = {
    "vpc": ("dhcp-options-id", "is-default", "owner-id", "state", "vpc-id"),
    "subnet": (
        *("availability-zone", "availability-zone-id", "available-ip-address-count", "cidr-block", "default-for-az"),
        *("enable-dns64", "ipv6-native", "map-public-ip-on-launch", "owner-id", "state", "subnet-arn", "subnet-id"),
        *("vpc-id", "customer-owned-ipv4-pool", "map-customer-owned-ip-on-launch", "outpost-arn"),
    ),
    "route-table": ("owner-id", "route-table-id", "vpc-id"),
    "internet-gateway": ("internet-gateway-id", "owner-id"),
    "egress-only-internet-gateway": (),
    "natgateway": ("nat-gateway-id", "state", "subnet-id", "vpc-id", "connectivity-type"),
    "elastic-ip": (
        *("allocation-id", "association-id", "domain", "instance-id", "network-border-group", "network-interface-id"),
        *("network-interface-owner-id", "private-ip-address", "public-ip"),
    ),
    "security-group": ("description", "group-id", "group-name", "owner-id", "vpc-id"),
    "security-group-rule": ("group-id", "security-group-rule-id"),
    "network-acl": ("network-acl-id", "owner-id", "vpc-id"),
    "vpc-endpoint": ("ip-address-type", "service-name", "service-region", "vpc-id", "vpc-endpoint-id"),
    "vpc-endpoint-service": ("owner", "service-name", "service-region", "supported-ip-address-types"),
    "prefix-list": ("owner-id", "prefix-list-id", "prefix-list-name"),
    "vpc-peering-connection": ("expiration-time", "vpc-peering-connection-id"),
    "vpc-flow-log": (
        *("deliver-logs-status", "flow-log-id", "log-destination-type", "log-group-name", "resource-id"),
        "traffic-type",
    ),
    "dhcp-options": ("dhcp-options-id", "owner-id"),
    "network-interface": (
        *("availability-zone", "availability-zone-id", "description", "interface-type", "mac-address"),
        *("network-interface-id", "owner-id", "private-dns-name", "private-ip-address", "requester-id"),
        *("requester-managed", "source-dest-check", "status", "subnet-id", "vpc-id"),
    ),
    "availability-zone": (
        *("group-long-name", "group-name", "opt-in-status", "parent-zone-id", "parent-zone-name", "region-name"),
        *("state", "zone-id", "zone-name", "zone-type"),
    ),
    "region": ("endpoint", "opt-in-status", "region-name"),
    "tag": ("key", "resource-id", "resource-type", "value"),
    "vpn-gateway": ("amazon-side-asn", "availability-zone", "state", "type", "vpn-gateway-id"),
}
_PATHS: Mapping[str, Mapping[str, str]] = {
    "vpc": {
        "cidr": "CidrBlock",
        "cidr-block": "CidrBlock",
        "isDefault": "IsDefault",
        "dhcpOptionsId": "DhcpOptionsId",
        "cidr-block-association.cidr-block": "CidrBlockAssociationSet.CidrBlock",
        "cidr-block-association.association-id": "CidrBlockAssociationSet.AssociationId",
        "cidr-block-association.state": "CidrBlockAssociationSet.CidrBlockState.State",
        **_IPV6,
    },
    "subnet": {
        "availabilityZone": "AvailabilityZone",
        "availabilityZoneId": "AvailabilityZoneId",
        "cidr": "CidrBlock",
        "cidrBlock": "CidrBlock",
        "defaultForAz": "DefaultForAz",
        "private-dns-name-options-on-launch.hostname-type": "PrivateDnsNameOptionsOnLaunch.HostnameType",
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record": (
            "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord"
        ),
        "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": (
            "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord"
        ),
        **_IPV6,
    },
    "route-table": {
        "association.gateway-id": "Associations.GatewayId",
        "association.main": "Associations.Main",
        "association.route-table-association-id": "Associations.RouteTableAssociationId",
        "association.route-table-id": "Associations.RouteTableId",
        "association.subnet-id": "Associations.SubnetId",
        "route.destination-cidr-block": "Routes.DestinationCidrBlock",
        "route.destination-ipv6-cidr-block": "Routes.DestinationIpv6CidrBlock",
        "route.destination-prefix-list-id": "Routes.DestinationPrefixListId",
        "route.egress-only-internet-gateway-id": "Routes.EgressOnlyInternetGatewayId",
        "route.gateway-id": "Routes.GatewayId",
        "route.instance-id": "Routes.InstanceId",
        "route.nat-gateway-id": "Routes.NatGatewayId",
        "route.origin": "Routes.Origin",
        "route.state": "Routes.State",
        "route.transit-gateway-id": "Routes.TransitGatewayId",
        "route.vpc-peering-connection-id": "Routes.VpcPeeringConnectionId",
    },
    "internet-gateway": {"attachment.state": "Attachments.State", "attachment.vpc-id": "Attachments.VpcId"},
    "security-group": {f"ip-permission.{name}": f"IpPermissions.{path}" for name, path in _PERMISSION.items()}
    | {f"egress.ip-permission.{name}": f"IpPermissionsEgress.{path}" for name, path in _PERMISSION.items()},
    "network-acl": {
        "association.association-id": "Associations.NetworkAclAssociationId",
        "association.network-acl-id": "Associations.NetworkAclId",
        "association.subnet-id": "Associations.SubnetId",
        "default": "IsDefault",
        "entry.cidr": "Entries.CidrBlock",
        "entry.egress": "Entries.Egress",
        "entry.icmp.code": "Entries.IcmpTypeCode.Code",
        "entry.icmp.type": "Entries.IcmpTypeCode.Type",
        "entry.ipv6-cidr": "Entries.Ipv6CidrBlock",
        "entry.port-range.from": "Entries.PortRange.From",
        "entry.port-range.to": "Entries.PortRange.To",
        "entry.protocol": "Entries.Protocol",
        "entry.rule-action": "Entries.RuleAction",
        "entry.rule-number": "Entries.RuleNumber",
    },
    "vpc-endpoint": {"vpc-endpoint-state": "State", "vpc-endpoint-type": "VpcEndpointType"},
    "vpc-endpoint-service": {"service-type": "ServiceType.ServiceType"},
    "vpc-peering-connection": {
        "accepter-vpc-info.cidr-block": "AccepterVpcInfo.CidrBlock",
        "accepter-vpc-info.owner-id": "AccepterVpcInfo.OwnerId",
        "accepter-vpc-info.vpc-id": "AccepterVpcInfo.VpcId",
        "requester-vpc-info.cidr-block": "RequesterVpcInfo.CidrBlock",
        "requester-vpc-info.owner-id": "RequesterVpcInfo.OwnerId",
        "requester-vpc-info.vpc-id": "RequesterVpcInfo.VpcId",
        "status-code": "Status.Code",
        "status-message": "Status.Message",
    },
    "dhcp-options": {"key": "DhcpConfigurations.Key", "value": "DhcpConfigurations.Values.Value"},
    "network-interface": {
        "addresses.association.owner-id": "PrivateIpAddresses.Association.IpOwnerId",
        "addresses.association.public-ip": "PrivateIpAddresses.Association.PublicIp",
        "addresses.primary": "PrivateIpAddresses.Primary",
        "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
        "association.allocation-id": "Association.AllocationId",
        "association.association-id": "Association.AssociationId",
        "association.ip-owner-id": "Association.IpOwnerId",
        "association.public-ip": "Association.PublicIp",
        "association.public-dns-name": "Association.PublicDnsName",
        "attachment.attach-time": "Attachment.AttachTime",
        "attachment.attachment-id": "Attachment.AttachmentId",
        "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
        "attachment.device-index": "Attachment.DeviceIndex",
        "attachment.instance-id": "Attachment.InstanceId",
        "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
        "attachment.status": "Attachment.Status",
        "group-id": "Groups.GroupId",
        "group-name": "Groups.GroupName",
        "ipv6-addresses.ipv6-address": "Ipv6Addresses.Ipv6Address",
        "operator.managed": "Operator.Managed",
        "operator.principal": "Operator.Principal",
    },
    "availability-zone": {"message": "Messages.Message"},
    "vpn-gateway": {"attachment.state": "VpcAttachments.State", "attachment.vpc-id": "VpcAttachments.VpcId"},
}


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))


FILTERS: Mapping[str, Mapping[str, str]] = {
    kind: {name: _camel(name) for name in plain} | dict(_PATHS.get(kind, {})) for kind, plain in _PLAIN.items()
}
"""The filters of each kind: name to the path of what it looks at."""

_TAGS = {"tag-key": "Tags.Key", "tag-value": "Tags.Value"}


def matching(
    kind: str, descriptions: Iterable[Description], filters: Sequence[Mapping[str, Any]] | None
) -> list[Description]:
    """The descriptions that all filters match; InvalidParameterValue for a filter that the kind has not."""
    checks = [_check(kind, str(one.get("Name", "")), one.get("Values") or ()) for one in filters or ()]
    return [one for one in descriptions if all(check(one) for check in checks)]


def _check(kind: str, name: str, wanted: Sequence[str]) -> Callable[[Description], bool]:
    patterns = [_pattern(value) for value in wanted]
    if name.startswith("tag:"):
        key = name[4:]
        found: Callable[[Description], Iterator[str]] = lambda one: (  # noqa: E731
            str(tag["Value"]) for tag in one.get("Tags") or one.get("TagSet") or () if tag["Key"] == key
        )
    else:
        path = FILTERS[kind].get(name) or _TAGS.get(name)
        if path is None:
            raise invalid(f"The filter '{name}' is invalid")
        steps = path.split(".")
        found = lambda one: values(one, steps)  # noqa: E731
    return lambda one: any(pattern.fullmatch(value) for value in found(one) for pattern in patterns)


def values(value: Any, path: Sequence[str]) -> Iterator[str]:
    """The texts that a path leads to, through every element of the lists on its way."""
    if isinstance(value, list):
        for one in value:
            yield from values(one, path)
    elif path:
        if isinstance(value, Mapping) and value.get(path[0]) is not None:
            yield from values(value[path[0]], path[1:])
    else:
        yield str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(1024)
def _pattern(text: str) -> re.Pattern[str]:
    pieces = re.findall(r"\\.|.", text, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(one) or re.escape(one.removeprefix("\\") or "\\") for one in pieces), re.DOTALL)
