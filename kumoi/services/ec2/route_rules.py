"""Routes: where they lead from, where to, and whether that is still there; pure.

Source: "Route tables" of the Amazon VPC user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kumoi.networks.records import NAT, ROUTE_TABLE, Item
from kumoi.services.ec2 import blocks
from kumoi.services.ec2.errors import combination, missing
from kumoi.services.ec2.kinds import PEERING

DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
TARGETS = (
    *("GatewayId", "NatGatewayId", "VpcPeeringConnectionId", "EgressOnlyInternetGatewayId", "NetworkInterfaceId"),
    "VpcEndpointId",
)
Route = Mapping[str, Any]


def destination(given: Mapping[str, Any]) -> tuple[str, str]:
    """The member that says where a route leads to, and what it says, blocks without host bits."""
    stated = [(name, str(given[name])) for name in DESTINATIONS if given.get(name) is not None]
    if not stated:
        raise missing("destinationCidrBlock")
    if len(stated) > 1:
        raise combination("Exactly one of destinationCidrBlock, destinationIpv6CidrBlock and prefix list must be given")
    [(name, text)] = stated
    return (name, text) if name == "DestinationPrefixListId" else (name, str(blocks.parse(text, _camel(name))))


def target(given: Mapping[str, Any]) -> tuple[str, str]:
    """The member that says through what a route leads, and the id."""
    stated = [(name, str(given[name])) for name in TARGETS if given.get(name) is not None]
    if len(stated) != 1:
        raise combination("The request must contain exactly one of gatewayId, natGatewayId, … as the route's target")
    [(name, text)] = stated
    return ("GatewayId", text) if name == "VpcEndpointId" else (name, text)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def leads_to(route: Route, name: str, text: str) -> bool:
    """Whether a route has that destination."""
    return bool(route.get(name) == text)


def via(route: Route) -> str:
    """What a route leads through."""
    return next((str(route[name]) for name in TARGETS if route.get(name)), "")


def living(known: Iterable[Item]) -> set[str]:
    """The ids of those that can be a route's target."""
    return {
        one.id
        for one in known
        if one.kind != ROUTE_TABLE
        and not (one.kind == NAT and one["State"] == "deleted")
        and not (one.kind == PEERING and one["Status"]["Code"] != "active")
    }


def with_states(table: Item, alive: set[str]) -> Item:
    """A route table whose routes say whether their targets are there."""
    told = [
        {**route, "State": "active" if via(route) == "local" or via(route) in alive else "blackhole"}
        for route in table["Routes"]
    ]
    return table.having(Routes=told)
