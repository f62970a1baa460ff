"""Route tables, and what they are the tables of: a VPC that has no other, subnets, gateways."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import ENDPOINT, GATEWAY, INTERFACE, NAT, ROUTE_TABLE, SUBNET, VPC, Item, items
from kumoi.services.ec2.defaults import new_route_table, route_association
from kumoi.services.ec2.describing import Filters, answer, described
from kumoi.services.ec2.errors import combination, in_use
from kumoi.services.ec2.kinds import EGRESS_GATEWAY, PEERING
from kumoi.services.ec2.route_rules import living, with_states
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, by_token, drop, every, find, in_vpc, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


@operation
async def create_route_table(
    call: Call, VpcId: str, TagSpecifications: TagSpecifications | None = None, ClientToken: str | None = None
) -> dict[str, Any]:
    """Make a route table that routes within its VPC."""
    tags = tags_of(ROUTE_TABLE, TagSpecifications)
    made = described(await _create(call.state, VpcId, tags, ClientToken))
    return {"RouteTable": made, "ClientToken": ClientToken}


@transactional
async def _create(tx: Transaction, vpc_id: str, tags: dict[str, str], token: str | None) -> Item:
    if (known := await by_token(tx, ROUTE_TABLE, token)) is not None:
        return known
    vpc = await find(tx, VPC, vpc_id)
    block = [one["CidrBlock"] for one in vpc["CidrBlockAssociationSet"]]
    block6 = [one["Ipv6CidrBlock"] for one in vpc.get("Ipv6CidrBlockAssociationSet") or ()]
    made = new_route_table(tx.account, vpc_id, block + block6, tags, token)
    await put(tx, made)
    return made


@operation
async def describe_route_tables(
    call: Call,
    RouteTableIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Route tables; a route is a black hole once its target is gone."""
    known = await every(call.state, ROUTE_TABLE, GATEWAY, EGRESS_GATEWAY, NAT, PEERING, ENDPOINT, INTERFACE)
    alive = living(known)
    found = [described(with_states(one, alive)) for one in known if one.kind == ROUTE_TABLE]
    return answer(ROUTE_TABLE, "RouteTables", found, RouteTableIds, Filters, MaxResults, NextToken)


@operation
async def delete_route_table(call: Call, RouteTableId: str) -> None:
    """Delete a route table that no subnet has and no VPC has as its main one."""
    await _delete(call.state, RouteTableId)


@transactional
async def _delete(tx: Transaction, table_id: str) -> None:
    table = await find(tx, ROUTE_TABLE, table_id)
    if table["Associations"]:
        raise in_use(f"The routeTable '{table_id}' has dependencies and cannot be deleted.")
    for endpoint in await in_vpc(tx, ENDPOINT, table["VpcId"]):
        if table_id in endpoint.get("RouteTableIds", ()):
            left = [one for one in endpoint["RouteTableIds"] if one != table_id]
            await put(tx, endpoint.having(RouteTableIds=left))
    await drop(tx, table)


@operation
async def associate_route_table(
    call: Call, RouteTableId: str, SubnetId: str | None = None, GatewayId: str | None = None
) -> dict[str, Any]:
    """Make a route table a subnet's, or a gateway's."""
    if (SubnetId is None) == (GatewayId is None):
        raise combination("Exactly one of subnetId and gatewayId must be given")
    made = await _associate(call.state, RouteTableId, SubnetId, GatewayId)
    return {"AssociationId": made, "AssociationState": {"State": "associated"}}


@transactional
async def _associate(tx: Transaction, table_id: str, subnet_id: str | None, gateway_id: str | None) -> str:
    table = await find(tx, ROUTE_TABLE, table_id)
    if subnet_id is not None:
        vpc = (await find(tx, SUBNET, subnet_id))["VpcId"]
    else:
        attached = (await find(tx, GATEWAY, str(gateway_id)))["Attachments"]
        vpc = attached[0]["VpcId"] if attached else ""
    if vpc != table["VpcId"]:
        raise aws_error(
            "InvalidParameterValue",
            f"route table {table_id} and {subnet_id or gateway_id} belong to different networks",
        )
    for other in await in_vpc(tx, ROUTE_TABLE, vpc):
        for one in other["Associations"]:
            if (subnet_id and one.get("SubnetId") == subnet_id) or (gateway_id and one.get("GatewayId") == gateway_id):
                if other.id == table_id:
                    return str(one["RouteTableAssociationId"])
                raise aws_error(
                    "Resource.AlreadyAssociated",
                    f"the specified association for route table {other.id} conflicts with an existing association",
                )
    made = route_association(table_id, subnet=subnet_id, gateway=gateway_id)
    await put(tx, table.having(Associations=[*table["Associations"], made]))
    return str(made["RouteTableAssociationId"])


@operation
async def disassociate_route_table(call: Call, AssociationId: str) -> None:
    """Take a route table away from a subnet, which has its VPC's main one then."""
    await _disassociate(call.state, AssociationId)


@transactional
async def _disassociate(tx: Transaction, association_id: str) -> None:
    table, association = await _associated(tx, association_id)
    if association["Main"]:
        raise combination(f"cannot disassociate the main route table association {association_id}")
    await put(tx, table.having(Associations=[one for one in table["Associations"] if one is not association]))


async def _associated(tx: Transaction, association_id: str) -> tuple[Item, dict[str, Any]]:
    for table in await items.list(tx, ROUTE_TABLE):
        for one in table["Associations"]:
            if one["RouteTableAssociationId"] == association_id:
                return table, one
    raise _no_association(association_id)


def _no_association(association_id: str) -> AwsError:
    return aws_error("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")


@operation
async def replace_route_table_association(call: Call, AssociationId: str, RouteTableId: str) -> dict[str, Any]:
    """Give a subnet another route table, or a VPC another main one."""
    made = await _replace(call.state, AssociationId, RouteTableId)
    return {"NewAssociationId": made, "AssociationState": {"State": "associated"}}


@transactional
async def _replace(tx: Transaction, association_id: str, table_id: str) -> str:
    before, old = await _associated(tx, association_id)
    table = await find(tx, ROUTE_TABLE, table_id)
    if before["VpcId"] != table["VpcId"]:
        raise aws_error(
            "InvalidParameterValue", f"route tables {before.id} and {table_id} belong to different networks"
        )
    made = route_association(table_id, main=old["Main"], subnet=old.get("SubnetId"), gateway=old.get("GatewayId"))
    await put(tx, before.having(Associations=[one for one in before["Associations"] if one is not old]))
    table = await find(tx, ROUTE_TABLE, table_id)
    await put(tx, table.having(Associations=[*table["Associations"], made]))
    return str(made["RouteTableAssociationId"])
