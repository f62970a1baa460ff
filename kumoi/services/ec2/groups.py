"""Security groups in the key space: found by id or name, with their rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.networks.records import GROUP, RULE, VPC, Item, items
from kumoi.services.ec2.describing import described
from kumoi.services.ec2.errors import combination
from kumoi.services.ec2.permissions import as_permissions
from kumoi.services.ec2.store import find, in_vpc
from kumoi.state import Transaction
from kumoi.wire.errors import aws_error


async def find_group(tx: Transaction, group_id: str | None, name: str | None = None) -> Item:
    """A group by its id, or by its name where it is of the default VPC."""
    if group_id:
        return await find(tx, GROUP, group_id)
    if not name:
        raise combination("The request must contain either the security group's id or its name")
    for vpc in await items.list(tx, VPC):
        if vpc["IsDefault"]:
            for one in await in_vpc(tx, GROUP, vpc.id):
                if one["GroupName"] == name:
                    return one
    raise aws_error("InvalidGroup.NotFound", f"The security group '{name}' does not exist")


async def rules_of_group(tx: Transaction, group_id: str) -> list[Item]:
    """The rules of a group."""
    return [one for one in await items.list(tx, RULE) if one["GroupId"] == group_id]


async def identifiers(tx: Transaction, group_ids: Sequence[str], vpc_id: str) -> list[dict[str, str]]:
    """Groups of a VPC as interfaces and endpoints name them: its default one where none is given."""
    if not group_ids:
        found = [one for one in await in_vpc(tx, GROUP, vpc_id) if one["GroupName"] == "default"]
    else:
        found = [await find(tx, GROUP, one) for one in group_ids]
    for one in found:
        if one["VpcId"] != vpc_id:
            raise aws_error("InvalidParameter", f"Security group {one.id} and subnet belong to different networks.")
    return [{"GroupId": one.id, "GroupName": one["GroupName"]} for one in found]


def described_group(group: Item, rules: Sequence[Item]) -> dict[str, Any]:
    """A group's description, with the rules of all groups at hand."""
    mine = [one for one in rules if one["GroupId"] == group.id]
    return {
        **described(group),
        "IpPermissions": as_permissions([one for one in mine if not one["IsEgress"]]),
        "IpPermissionsEgress": as_permissions([one for one in mine if one["IsEgress"]]),
    }
