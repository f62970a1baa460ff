"""`AWS::EC2::VPC`, `Subnet`, and the blocks that they are given later."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.ec2.resources.asking import ask, changed, deletion, given, one_of, retag, tagged, typed

_VPC_FLAGS = ("EnableDnsSupport", "EnableDnsHostnames")
_SUBNET_FLAGS = ("MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation", "EnableDns64")


async def _create_vpc(call: ResourceCall) -> Resource:
    told = given(call, "CidrBlock", "InstanceTenancy")
    made = (await ask(call, "CreateVpc", **told, TagSpecifications=tagged(call, "vpc")))["Vpc"]
    resource = call.begin(Resource(made["VpcId"]))
    for flag, value in given(call, *_VPC_FLAGS).items():
        await ask(call, "ModifyVpcAttribute", VpcId=made["VpcId"], **{flag: {"Value": value}})
    return Resource(resource.physical_id, await _vpc_attributes(call, made["VpcId"]))


async def _vpc_attributes(call: ResourceCall, vpc_id: str) -> dict[str, Any]:
    vpc = (await ask(call, "DescribeVpcs", VpcIds=[vpc_id]))["Vpcs"][0]
    within = ("vpc-id", vpc_id)
    group = await one_of(call, "DescribeSecurityGroups", "SecurityGroups", [within, ("group-name", "default")])
    acl = await one_of(call, "DescribeNetworkAcls", "NetworkAcls", [within, ("default", "true")])
    return {
        "VpcId": vpc_id,
        "CidrBlock": vpc["CidrBlock"],
        "CidrBlockAssociations": [one["AssociationId"] for one in vpc["CidrBlockAssociationSet"]],
        "DefaultNetworkAcl": acl["NetworkAclId"],
        "DefaultSecurityGroup": group["GroupId"],
        "Ipv6CidrBlocks": [one["Ipv6CidrBlock"] for one in vpc.get("Ipv6CidrBlockAssociationSet") or ()],
    }


async def _update_vpc(call: ResourceCall) -> Resource:
    vpc_id = call.physical_id
    if changed(call, "InstanceTenancy"):
        tenancy = call.properties.get("InstanceTenancy", "default")
        await ask(call, "ModifyVpcTenancy", VpcId=vpc_id, InstanceTenancy=tenancy)
    for flag, default in zip(_VPC_FLAGS, (True, False), strict=True):
        if changed(call, flag):
            value = typed(flag, call.properties.get(flag, default))
            await ask(call, "ModifyVpcAttribute", VpcId=vpc_id, **{flag: {"Value": value}})
    await retag(call)
    return Resource(vpc_id, call.attributes)


async def _create_subnet(call: ResourceCall) -> Resource:
    told = given(call, "VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "Ipv6CidrBlock")
    made = (await ask(call, "CreateSubnet", **told, TagSpecifications=tagged(call, "subnet")))["Subnet"]
    subnet_id = made["SubnetId"]
    call.begin(Resource(subnet_id))
    await _set_flags(call, subnet_id, given(call, *_SUBNET_FLAGS))
    await _set_naming(call, subnet_id)
    acl = await one_of(call, "DescribeNetworkAcls", "NetworkAcls", [("association.subnet-id", subnet_id)])
    association = next(one for one in acl["Associations"] if one["SubnetId"] == subnet_id)
    attributes = {
        "SubnetId": subnet_id,
        "AvailabilityZone": made["AvailabilityZone"],
        "AvailabilityZoneId": made["AvailabilityZoneId"],
        "CidrBlock": made["CidrBlock"],
        "Ipv6CidrBlocks": [one["Ipv6CidrBlock"] for one in made["Ipv6CidrBlockAssociationSet"]],
        "NetworkAclAssociationId": association["NetworkAclAssociationId"],
        "OutpostArn": "",
        "VpcId": made["VpcId"],
    }
    return Resource(subnet_id, attributes)


async def _set_flags(call: ResourceCall, subnet_id: str, flags: dict[str, Any]) -> None:
    for flag, value in flags.items():
        await ask(call, "ModifySubnetAttribute", SubnetId=subnet_id, **{flag: {"Value": value}})


async def _set_naming(call: ResourceCall, subnet_id: str) -> None:
    options = given(call, "PrivateDnsNameOptionsOnLaunch").get("PrivateDnsNameOptionsOnLaunch") or {}
    if "HostnameType" in options:
        told = {"PrivateDnsHostnameTypeOnLaunch": options["HostnameType"]}
        await ask(call, "ModifySubnetAttribute", SubnetId=subnet_id, **told)
    for flag in ("EnableResourceNameDnsARecord", "EnableResourceNameDnsAAAARecord"):
        if flag in options:
            told = {f"{flag}OnLaunch": {"Value": options[flag]}}
            await ask(call, "ModifySubnetAttribute", SubnetId=subnet_id, **told)


async def _update_subnet(call: ResourceCall) -> Resource:
    flags = {flag: typed(flag, call.properties.get(flag, False)) for flag in _SUBNET_FLAGS if changed(call, flag)}
    block = call.properties.get("Ipv6CidrBlock")
    if block and changed(call, "Ipv6CidrBlock"):
        await ask(call, "AssociateSubnetCidrBlock", SubnetId=call.physical_id, Ipv6CidrBlock=block)
    await _set_flags(call, call.physical_id, flags)
    if changed(call, "PrivateDnsNameOptionsOnLaunch"):
        await _set_naming(call, call.physical_id)
    await retag(call)
    return Resource(call.physical_id, call.attributes)


async def _create_vpc_block(call: ResourceCall) -> Resource:
    told = given(call, "VpcId", "CidrBlock", "AmazonProvidedIpv6CidrBlock")
    answer = await ask(call, "AssociateVpcCidrBlock", **told)
    made = answer.get("CidrBlockAssociation") or answer["Ipv6CidrBlockAssociation"]
    attributes = {name: made[name] for name in ("CidrBlock", "Ipv6CidrBlock") if name in made}
    return Resource(made["AssociationId"], {"Id": made["AssociationId"], **attributes})


async def _create_subnet_block(call: ResourceCall) -> Resource:
    answer = await ask(call, "AssociateSubnetCidrBlock", **given(call, "SubnetId", "Ipv6CidrBlock"))
    made = answer["Ipv6CidrBlockAssociation"]["AssociationId"]
    return Resource(made, {"Id": made})


TYPES = (
    ResourceType(
        "AWS::EC2::VPC",
        _create_vpc,
        deletion("DeleteVpc", "VpcId"),
        _update_vpc,
        replaced_by=frozenset(("CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength")),
    ),
    ResourceType(
        "AWS::EC2::Subnet",
        _create_subnet,
        deletion("DeleteSubnet", "SubnetId"),
        _update_subnet,
        replaced_by=frozenset(("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "OutpostArn")),
    ),
    ResourceType("AWS::EC2::VPCCidrBlock", _create_vpc_block, deletion("DisassociateVpcCidrBlock", "AssociationId")),
    ResourceType(
        "AWS::EC2::SubnetCidrBlock", _create_subnet_block, deletion("DisassociateSubnetCidrBlock", "AssociationId")
    ),
)
