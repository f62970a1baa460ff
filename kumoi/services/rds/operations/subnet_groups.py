"""DB subnet groups: the subnets that clusters may be in, with the VPC that EC2 knows them to be of."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call, Principal
from kumoi.services.rds import rds
from kumoi.services.rds.naming import invalid, no_group, subnet_group_arn
from kumoi.services.rds.paging import page, tags_of
from kumoi.services.rds.records import SubnetGroup, clusters, instances, subnet_groups
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_MOST_CHARACTERS = 255


@rds.operation(name="CreateDBSubnetGroup")
async def create_subnet_group(
    call: Call,
    DBSubnetGroupName: str,
    DBSubnetGroupDescription: str,
    SubnetIds: list[str],
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Make a group of subnets of one VPC."""
    name = DBSubnetGroupName.lower()
    if not 0 < len(name) <= _MOST_CHARACTERS or name == "default":
        raise invalid(f"The parameter DBSubnetGroupName is not provided or is not a valid name: {DBSubnetGroupName}")
    vpc, zones = await _placed(call, SubnetIds)
    made = SubnetGroup(
        name=name, description=DBSubnetGroupDescription, vpc=vpc, subnets=zones, tags=tags_of(Tags or ())
    )
    await _create(call.state, made)
    return {"DBSubnetGroup": _described(call, made)}


async def _placed(call: Call, subnets: list[str]) -> tuple[str, dict[str, str]]:
    """The VPC of subnets, and the zone of each; InvalidSubnet, DBSubnetGroupDoesNotCoverEnoughAZs.

    Where the account has no subnets of its own, ids are names that mean nothing here.
    """
    looking = Principal.looking(call.account, "ec2", call.node)
    known = {one["SubnetId"]: one for one in (await call.to_as(looking, "ec2", "DescribeSubnets"))["Subnets"]}
    found = [known[one] for one in subnets if one in known]
    if not found and all(one["DefaultForAz"] for one in known.values()):
        return "", dict.fromkeys(subnets, "")
    if len(found) < len(subnets):
        unknown = ", ".join(one for one in subnets if one not in known)
        raise aws_error("InvalidSubnet", f"Some input subnets in :[{unknown}] are invalid.")
    if len({one["VpcId"] for one in found}) > 1:
        raise aws_error("InvalidSubnet", "The requested subnets are not all in a common VPC.")
    if len({one["AvailabilityZone"] for one in found}) < 2:
        raise aws_error(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
            f"{found[0]['AvailabilityZone'] if found else ''}. Add subnets to cover at least 2 AZs.",
        )
    return str(found[0]["VpcId"]), {str(one["SubnetId"]): str(one["AvailabilityZone"]) for one in found}


@transactional
async def _create(tx: Transaction, made: SubnetGroup) -> None:
    if await subnet_groups.get(tx, made.name) is not None:
        raise aws_error("DBSubnetGroupAlreadyExists", f"The DB subnet group '{made.name}' already exists.")
    await subnet_groups.put(tx, made)


def _described(call: Call, group: SubnetGroup) -> dict[str, Any]:
    return {
        "DBSubnetGroupName": group.name,
        "DBSubnetGroupDescription": group.description,
        "DBSubnetGroupArn": subnet_group_arn(call.account, call.region, group.name),
        "VpcId": group.vpc,
        "SubnetGroupStatus": "Complete",
        "SupportedNetworkTypes": ["IPV4"],
        "Subnets": [
            {
                "SubnetIdentifier": subnet,
                "SubnetAvailabilityZone": {"Name": zone},
                "SubnetOutpost": {},
                "SubnetStatus": "Active",
            }
            for subnet, zone in group.subnets.items()
        ],
    }


@rds.operation(name="ModifyDBSubnetGroup")
async def modify_subnet_group(
    call: Call, DBSubnetGroupName: str, SubnetIds: list[str], DBSubnetGroupDescription: str | None = None
) -> dict[str, Any]:
    """Give a group other subnets, or another description."""
    vpc, zones = await _placed(call, SubnetIds)
    changed = await _modify(call.state, DBSubnetGroupName.lower(), vpc, zones, DBSubnetGroupDescription)
    return {"DBSubnetGroup": _described(call, changed)}


@transactional
async def _modify(tx: Transaction, name: str, vpc: str, zones: dict[str, str], description: str | None) -> SubnetGroup:
    group = await _find(tx, name)
    if group.vpc != vpc:
        raise aws_error("InvalidSubnet", "The new Subnets are not in the same Vpc as the existing subnet group")
    changed = msgspec.structs.replace(group, subnets=zones, description=description or group.description)
    await subnet_groups.put(tx, changed)
    return changed


async def _find(tx: Transaction, name: str) -> SubnetGroup:
    found = await subnet_groups.get(tx, name)
    if found is None:
        raise no_group(name)
    return found


@rds.operation(name="DescribeDBSubnetGroups")
async def describe_subnet_groups(
    call: Call,
    DBSubnetGroupName: str | None = None,
    MaxRecords: int = 100,
    Marker: str | None = None,
    Filters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Groups."""
    if Filters:
        raise invalid("This parameter isn't currently supported: Filters")
    known = await _every(call.state, None if DBSubnetGroupName is None else DBSubnetGroupName.lower())
    found, more = page(known, lambda one: one.name, Marker, MaxRecords)
    return {"DBSubnetGroups": [_described(call, one) for one in found], **more}


@transactional
async def _every(tx: Transaction, name: str | None) -> list[SubnetGroup]:
    return await subnet_groups.list(tx) if name is None else [await _find(tx, name)]


@rds.operation(name="DeleteDBSubnetGroup")
async def delete_subnet_group(call: Call, DBSubnetGroupName: str) -> None:
    """Delete a group that no cluster and no instance names."""
    await _delete(call.state, DBSubnetGroupName.lower())


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await _find(tx, name)
    named = [(one.name, one.settings) for one in await clusters.list(tx)]
    named += [(one.name, one.settings) for one in await instances.list(tx)]
    for database, settings in named:
        if str(settings.get("DBSubnetGroupName", "")).lower() == name:
            raise aws_error(
                "InvalidDBSubnetGroupStateFault",
                f"Cannot delete the subnet group '{name}' because at least one database uses it: {database}.",
            )
    await subnet_groups.delete(tx, name)
