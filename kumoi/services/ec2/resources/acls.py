"""`AWS::EC2::NetworkAcl`, `NetworkAclEntry` and `SubnetNetworkAclAssociation`."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.ec2.resources.asking import ask, deletion, given, one_of, only_tags, tagged, typed


async def _create_acl(call: ResourceCall) -> Resource:
    tags = tagged(call, "network-acl")
    made = (await ask(call, "CreateNetworkAcl", **given(call, "VpcId"), TagSpecifications=tags))["NetworkAcl"]
    return Resource(made["NetworkAclId"], {"Id": made["NetworkAclId"]})


def _entry(call: ResourceCall) -> dict[str, Any]:
    told = given(
        call, "NetworkAclId", "RuleNumber", "Protocol", "RuleAction", "CidrBlock", "Ipv6CidrBlock", "PortRange"
    )
    icmp = call.properties.get("Icmp")
    return {
        **told,
        "Egress": typed("Egress", call.properties.get("Egress", False)),
        "IcmpTypeCode": None if icmp is None else typed("Icmp", icmp),
    }


def _named(call: ResourceCall) -> Resource:
    entry = _entry(call)
    name = f"{entry['NetworkAclId']}|{entry['RuleNumber']}|{str(entry['Egress']).lower()}"
    return Resource(name, {"Id": name})


async def _create_entry(call: ResourceCall) -> Resource:
    await ask(call, "CreateNetworkAclEntry", **_entry(call))
    return _named(call)


async def _update_entry(call: ResourceCall) -> Resource:
    await ask(call, "ReplaceNetworkAclEntry", **_entry(call))
    return _named(call)


async def _delete_entry(call: ResourceCall) -> None:
    told = {name: _entry(call)[name] for name in ("NetworkAclId", "RuleNumber", "Egress")}
    await ask(call, "DeleteNetworkAclEntry", **told)


async def _associate(call: ResourceCall) -> Resource:
    subnet = call.properties["SubnetId"]
    old = await _association(call, subnet)
    told = given(call, "NetworkAclId")
    answer = await ask(call, "ReplaceNetworkAclAssociation", AssociationId=old, **told)
    made = answer["NewAssociationId"]
    return Resource(made, {"AssociationId": made})


async def _association(call: ResourceCall, subnet: str) -> str:
    acl = await one_of(call, "DescribeNetworkAcls", "NetworkAcls", [("association.subnet-id", subnet)])
    return next(str(one["NetworkAclAssociationId"]) for one in acl["Associations"] if one["SubnetId"] == subnet)


async def _dissociate(call: ResourceCall) -> None:
    """The subnet has its VPC's default network ACL again."""
    subnet = (await ask(call, "DescribeSubnets", SubnetIds=[call.properties["SubnetId"]]))["Subnets"][0]
    default = [("vpc-id", subnet["VpcId"]), ("default", "true")]
    acl = await one_of(call, "DescribeNetworkAcls", "NetworkAcls", default)
    told = {"AssociationId": call.physical_id, "NetworkAclId": acl["NetworkAclId"]}
    await ask(call, "ReplaceNetworkAclAssociation", **told)


TYPES = (
    ResourceType(
        "AWS::EC2::NetworkAcl",
        _create_acl,
        deletion("DeleteNetworkAcl", "NetworkAclId"),
        only_tags,
        replaced_by=frozenset(("VpcId",)),
    ),
    ResourceType(
        "AWS::EC2::NetworkAclEntry",
        _create_entry,
        _delete_entry,
        _update_entry,
        replaced_by=frozenset(("NetworkAclId", "RuleNumber", "Egress")),
    ),
    ResourceType("AWS::EC2::SubnetNetworkAclAssociation", _associate, _dissociate),
)
