"""`AWS::EC2::SecurityGroup`, `SecurityGroupIngress` and `SecurityGroupEgress`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.ec2.resources.asking import ask, difference, retag, tagged, typed

_EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
_PLAIN = ("IpProtocol", "FromPort", "ToPort")


def permission(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A rule of a template as a permission: one peer, whether it lets in from there or out to there."""
    told: dict[str, Any] = {name: typed(name, properties[name]) for name in _PLAIN if name in properties}
    about = {"Description": properties["Description"]} if properties.get("Description") else {}
    if "CidrIp" in properties:
        told["IpRanges"] = [{"CidrIp": properties["CidrIp"], **about}]
    if "CidrIpv6" in properties:
        told["Ipv6Ranges"] = [{"CidrIpv6": properties["CidrIpv6"], **about}]
    for name in ("SourcePrefixListId", "DestinationPrefixListId"):
        if name in properties:
            told["PrefixListIds"] = [{"PrefixListId": properties[name], **about}]
    pairs = {
        "GroupId": properties.get("SourceSecurityGroupId") or properties.get("DestinationSecurityGroupId"),
        "GroupName": properties.get("SourceSecurityGroupName"),
        "UserId": properties.get("SourceSecurityGroupOwnerId"),
    }
    if pairs["GroupId"] or pairs["GroupName"]:
        known = {name: value for name, value in pairs.items() if value is not None}
        told["UserIdGroupPairs"] = [{**known, **about}]
    return told


async def _create_group(call: ResourceCall) -> Resource:
    name = call.name("GroupName", 255)
    answer = await ask(
        call,
        "CreateSecurityGroup",
        GroupName=name,
        Description=call.properties.get("GroupDescription"),
        VpcId=call.properties.get("VpcId"),
        TagSpecifications=tagged(call, "security-group"),
    )
    group_id = answer["GroupId"]
    call.begin(Resource(group_id))
    group = (await ask(call, "DescribeSecurityGroups", GroupIds=[group_id]))["SecurityGroups"][0]
    if call.properties.get("SecurityGroupEgress"):
        await ask(call, "RevokeSecurityGroupEgress", GroupId=group_id, IpPermissions=[_EVERYTHING])
    for direction in ("Ingress", "Egress"):
        await _authorize(call, direction, group_id, call.properties.get(f"SecurityGroup{direction}") or [])
    return Resource(group_id, {"GroupId": group_id, "Id": group_id, "VpcId": group["VpcId"]})


async def _authorize(call: ResourceCall, direction: str, group_id: str, rules: list[dict[str, Any]]) -> None:
    if rules:
        permissions = [permission(one) for one in rules]
        await ask(call, f"AuthorizeSecurityGroup{direction}", GroupId=group_id, IpPermissions=permissions)


async def _revoke(call: ResourceCall, direction: str, group_id: str, rules: list[dict[str, Any]]) -> None:
    if rules:
        permissions = [permission(one) for one in rules]
        await ask(call, f"RevokeSecurityGroup{direction}", GroupId=group_id, IpPermissions=permissions)


async def _update_group(call: ResourceCall) -> Resource:
    group_id = call.physical_id
    for direction in ("Ingress", "Egress"):
        member = f"SecurityGroup{direction}"
        fresh, gone = difference(call, member)
        await _revoke(call, direction, group_id, gone)
        if direction == "Egress" and bool(call.before.get(member)) != bool(call.properties.get(member)):
            operation = "Authorize" if call.before.get(member) else "Revoke"
            await ask(call, f"{operation}SecurityGroupEgress", GroupId=group_id, IpPermissions=[_EVERYTHING])
        await _authorize(call, direction, group_id, fresh)
    await retag(call)
    return Resource(group_id, call.attributes)


async def _delete_group(call: ResourceCall) -> None:
    await ask(call, "DeleteSecurityGroup", GroupId=call.physical_id)


def _direction(call: ResourceCall) -> str:
    return call.kind.removeprefix("AWS::EC2::SecurityGroup")


def _group(call: ResourceCall) -> dict[str, Any]:
    return call.given("GroupId", "GroupName")


async def _create_rule(call: ResourceCall) -> Resource:
    answer = await ask(
        call,
        f"AuthorizeSecurityGroup{_direction(call)}",
        **_group(call),
        IpPermissions=[permission(call.properties)],
    )
    made = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return Resource(made, {"Id": made})


async def _describe_rule(call: ResourceCall) -> Resource:
    """A rule can be given another description."""
    told = [{"SecurityGroupRuleId": call.physical_id, "Description": call.properties.get("Description", "")}]
    operation = f"UpdateSecurityGroupRuleDescriptions{_direction(call)}"
    await ask(call, operation, **_group(call), SecurityGroupRuleDescriptions=told)
    return Resource(call.physical_id, call.attributes)


async def _delete_rule(call: ResourceCall) -> None:
    operation = f"RevokeSecurityGroup{_direction(call)}"
    await ask(call, operation, **_group(call), SecurityGroupRuleIds=[call.physical_id])


_RULE = frozenset(
    (
        *(*_PLAIN, "GroupId", "GroupName", "CidrIp", "CidrIpv6", "SourcePrefixListId", "DestinationPrefixListId"),
        *("SourceSecurityGroupId", "SourceSecurityGroupName", "SourceSecurityGroupOwnerId"),
        "DestinationSecurityGroupId",
    )
)

TYPES = (
    ResourceType(
        "AWS::EC2::SecurityGroup",
        _create_group,
        _delete_group,
        _update_group,
        replaced_by=frozenset(("GroupDescription", "GroupName", "VpcId")),
    ),
    ResourceType("AWS::EC2::SecurityGroupIngress", _create_rule, _delete_rule, _describe_rule, replaced_by=_RULE),
    ResourceType("AWS::EC2::SecurityGroupEgress", _create_rule, _delete_rule, _describe_rule, replaced_by=_RULE),
)
