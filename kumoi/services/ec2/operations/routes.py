"""Routes: one for each destination of a route table."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.prefixes import is_prefix_list
from kumoi.networks.records import ENDPOINT, GATEWAY, INTERFACE, NAT, ROUTE_TABLE, Item
from kumoi.services.ec2.errors import invalid
from kumoi.services.ec2.kinds import EGRESS_GATEWAY, PEERING, kind_of
from kumoi.services.ec2.limits import MOST_ROUTES
from kumoi.services.ec2.route_rules import destination, leads_to, target, via
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import find, put
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_WORDS = {
    "DestinationCidrBlock": "destination-cidr-block",
    "DestinationIpv6CidrBlock": "destination-ipv6-cidr-block",
    "DestinationPrefixListId": "destination-prefix-list-id",
}
_KINDS = {
    "NatGatewayId": NAT,
    "VpcPeeringConnectionId": PEERING,
    "EgressOnlyInternetGatewayId": EGRESS_GATEWAY,
    "NetworkInterfaceId": INTERFACE,
}


@operation
async def create_route(
    call: Call,
    RouteTableId: str,
    DestinationCidrBlock: str | None = None,
    DestinationIpv6CidrBlock: str | None = None,
    DestinationPrefixListId: str | None = None,
    GatewayId: str | None = None,
    NatGatewayId: str | None = None,
    VpcPeeringConnectionId: str | None = None,
    EgressOnlyInternetGatewayId: str | None = None,
    NetworkInterfaceId: str | None = None,
    VpcEndpointId: str | None = None,
) -> dict[str, Any]:
    """Route what goes to a destination through a gateway."""
    given = dict(locals())
    await _put(call.state, RouteTableId, destination(given), target(given), replacing=False)
    return {"Return": True}


@operation
async def replace_route(
    call: Call,
    RouteTableId: str,
    DestinationCidrBlock: str | None = None,
    DestinationIpv6CidrBlock: str | None = None,
    DestinationPrefixListId: str | None = None,
    GatewayId: str | None = None,
    NatGatewayId: str | None = None,
    VpcPeeringConnectionId: str | None = None,
    EgressOnlyInternetGatewayId: str | None = None,
    NetworkInterfaceId: str | None = None,
    VpcEndpointId: str | None = None,
    LocalTarget: bool | None = None,
) -> None:
    """Route what goes to a destination through another gateway than before."""
    given = dict(locals())
    through = ("GatewayId", "local") if LocalTarget else target(given)
    await _put(call.state, RouteTableId, destination(given), through, replacing=True)


@transactional
async def _put(
    tx: Transaction, table_id: str, to: tuple[str, str], through: tuple[str, str], *, replacing: bool
) -> None:
    table = await find(tx, ROUTE_TABLE, table_id)
    if to[0] == "DestinationPrefixListId" and not is_prefix_list(tx.region, to[1]):
        raise aws_error("InvalidPrefixListID.NotFound", f"The prefix list ID '{to[1]}' does not exist")
    await _check_target(tx, table, through)
    known = next((one for one in table["Routes"] if leads_to(one, *to)), None)
    if replacing and known is None:
        raise _no_route(table_id, to)
    if not replacing and known is not None:
        raise aws_error("RouteAlreadyExists", f"The route identified by {to[1]} already exists.")
    if not replacing and len(table["Routes"]) >= MOST_ROUTES:
        raise aws_error("RouteLimitExceeded", f"The maximum number of routes of {table_id} has been reached.")
    origin = "CreateRouteTable" if known is not None and known["Origin"] == "CreateRouteTable" else "CreateRoute"
    made = {to[0]: to[1], through[0]: through[1], "Origin": origin, "State": "active"}
    others = [made if one is known else one for one in table["Routes"]]
    await put(tx, table.having(Routes=others if known is not None else [*others, made]))


async def _check_target(tx: Transaction, table: Item, through: tuple[str, str]) -> None:
    """Raise for a target that is not there, or in another VPC."""
    member, target_id = through
    kind = _KINDS.get(member)
    if member == "GatewayId":
        if target_id == "local":
            return
        kind = kind_of(target_id)
        if kind == ENDPOINT:
            endpoint = await find(tx, ENDPOINT, target_id)
            raise invalid(f"{endpoint.id} is no Gateway Load Balancer endpoint: routes to others are not made by hand")
        if kind != GATEWAY:
            raise aws_error("InvalidGatewayID.NotFound", f"The gateway ID '{target_id}' does not exist")
    found = await find(tx, str(kind), target_id)
    if kind == PEERING:
        networks = {found["RequesterVpcInfo"]["VpcId"], found["AccepterVpcInfo"]["VpcId"]}
    elif kind in (GATEWAY, EGRESS_GATEWAY):
        networks = {one["VpcId"] for one in found["Attachments"]}
    else:
        networks = {found["VpcId"]}
    if kind == NAT and found["State"] == "deleted":
        raise aws_error("InvalidNatGatewayID.NotFound", f"The natGateway ID '{target_id}' does not exist")
    if table["VpcId"] not in networks:
        what = "network gateway" if kind in (GATEWAY, EGRESS_GATEWAY) else "target"
        raise invalid(f"route table {table.id} and {what} {target_id} belong to different networks")


def _no_route(table_id: str, to: tuple[str, str]) -> AwsError:
    return aws_error("InvalidRoute.NotFound", f"no route with {_WORDS[to[0]]} {to[1]} in route table {table_id}")


@operation
async def delete_route(
    call: Call,
    RouteTableId: str,
    DestinationCidrBlock: str | None = None,
    DestinationIpv6CidrBlock: str | None = None,
    DestinationPrefixListId: str | None = None,
) -> None:
    """Take a route away."""
    await _delete(call.state, RouteTableId, destination(dict(locals())))


@transactional
async def _delete(tx: Transaction, table_id: str, to: tuple[str, str]) -> None:
    table = await find(tx, ROUTE_TABLE, table_id)
    gone = next((one for one in table["Routes"] if leads_to(one, *to)), None)
    if gone is None:
        raise _no_route(table_id, to)
    if via(gone) == "local":
        raise invalid(f"cannot remove local route {to[1]} in route table {table_id}")
    if via(gone).startswith("vpce-"):
        raise invalid(f"cannot remove VPC endpoint route {to[1]} in route table {table_id}")
    await put(tx, table.having(Routes=[one for one in table["Routes"] if one is not gone]))
