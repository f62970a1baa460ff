"""Security groups: what may reach the interfaces that have them, and be reached from there."""

from __future__ import annotations

import re
from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import ENDPOINT, GROUP, INTERFACE, RULE, VPC, Item, items
from kumoi.services.ec2.defaults import ANYWHERE, new_group, new_rule
from kumoi.services.ec2.describing import Filters, answer, described
from kumoi.services.ec2.errors import in_use, invalid
from kumoi.services.ec2.functions import functions_in
from kumoi.services.ec2.groups import described_group, find_group, rules_of_group
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, drop, every, find, find_one, in_vpc, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_TEXT = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")


@operation
async def create_security_group(
    call: Call,
    GroupName: str,
    Description: str,
    VpcId: str | None = None,
    TagSpecifications: TagSpecifications | None = None,
) -> dict[str, Any]:
    """Make a group, in the default VPC where none is named: it lets everything out and nothing in."""
    for text, member in ((GroupName, "groupName"), (Description, "groupDescription")):
        if _TEXT.fullmatch(text) is None:
            raise invalid(
                f"Value ({text}) for parameter {member} is invalid. Character sets beyond ASCII are not supported."
            )
    if GroupName.startswith("sg-"):
        raise invalid(f"Value ({GroupName}) for parameter groupName is invalid. It may not begin with sg-.")
    tags = tags_of(GROUP, TagSpecifications)
    made = await _create(call.state, GroupName, Description, VpcId, tags)
    told = described(made)
    return {name: told[name] for name in ("GroupId", "SecurityGroupArn", "Tags")}


@transactional
async def _create(tx: Transaction, name: str, description: str, vpc_id: str | None, tags: dict[str, str]) -> Item:
    if vpc_id is None:
        default = next((one.id for one in await items.list(tx, VPC) if one["IsDefault"]), None)
        if default is None:
            raise aws_error("VPCIdNotSpecified", "No default VPC for this user")
        vpc_id = default
    await find(tx, VPC, vpc_id)
    if any(one["GroupName"] == name for one in await in_vpc(tx, GROUP, vpc_id)):
        code = "InvalidParameterValue" if name == "default" else "InvalidGroup.Duplicate"
        raise aws_error(code, f"The security group '{name}' already exists for VPC '{vpc_id}'")
    made = new_group(tx.account, tx.region, vpc_id, name, description, tags)
    await put(tx, made, new_rule(tx.account, tx.region, made.id, egress=True, CidrIpv4=ANYWHERE))
    return made


@operation
async def describe_security_groups(
    call: Call,
    GroupIds: list[str] | None = None,
    GroupNames: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Groups with their rules; names are those of the default VPC."""
    known = await every(call.state, GROUP, RULE)
    rules = [one for one in known if one.kind == RULE]
    groups = [one for one in known if one.kind == GROUP]
    if GroupNames:
        groups = await _named(call.state, tuple(GroupNames))
    found = [described_group(one, rules) for one in groups]
    return answer(GROUP, "SecurityGroups", found, GroupIds, Filters, MaxResults, NextToken)


@transactional
async def _named(tx: Transaction, names: tuple[str, ...]) -> list[Item]:
    return [await find_group(tx, None, name) for name in names]


@operation
async def get_security_groups_for_vpc(
    call: Call,
    VpcId: str,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The groups that can be used in a VPC: its own."""
    await find_one(call.state, VPC, VpcId)
    told = ("Description", "GroupName", "OwnerId", "GroupId", "Tags")
    found = []
    for one in await every(call.state, GROUP):
        if one["VpcId"] == VpcId:
            about = described(one)
            found.append({**{name: about[name] for name in told}, "PrimaryVpcId": VpcId})
    return answer(GROUP, "SecurityGroupForVpcs", found, None, Filters, MaxResults, NextToken)


@operation
async def delete_security_group(call: Call, GroupId: str | None = None, GroupName: str | None = None) -> dict[str, Any]:
    """Delete a group that nothing has and no rule of another group names."""
    inhabited = bool(GroupId) and bool(await functions_in(call, str(GroupId)))
    return {"Return": True, "GroupId": await _delete(call.state, GroupId, GroupName, inhabited)}


@transactional
async def _delete(tx: Transaction, group_id: str | None, name: str | None, inhabited: bool) -> str:
    group = await find_group(tx, group_id, name)
    if group["GroupName"] == "default":
        raise aws_error(
            "CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
        )
    held = [one for kind in (INTERFACE, ENDPOINT) for one in await items.list(tx, kind) if _has(one, group.id)]
    held += [one for one in await items.list(tx, RULE) if _names(one, group.id)]
    if held or inhabited:
        raise in_use(f"resource {group.id} has a dependent object")
    await drop(tx, group, *await rules_of_group(tx, group.id))
    return group.id


def _has(one: Item, group_id: str) -> bool:
    return any(group["GroupId"] == group_id for group in one.get("Groups") or ())


def _names(rule: Item, group_id: str) -> bool:
    """Whether a rule of another group names a group."""
    named = (rule.get("ReferencedGroupInfo") or {}).get("GroupId")
    return bool(rule["GroupId"] != group_id and named == group_id)
