"""`AWS::EC2::RouteTable`, `Route` and `SubnetRouteTableAssociation`."""

from __future__ import annotations

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.ec2.resources.asking import ask, deletion, given, only_tags, tagged
from kumoi.services.ec2.route_rules import DESTINATIONS, TARGETS, destination


async def _create_table(call: ResourceCall) -> Resource:
    token = f"{call.stack_id}/{call.logical_id}/{call.token}"
    tags = tagged(call, "route-table")
    answer = await ask(call, "CreateRouteTable", **given(call, "VpcId"), TagSpecifications=tags, ClientToken=token)
    made = answer["RouteTable"]["RouteTableId"]
    return Resource(made, {"RouteTableId": made})


async def _create_route(call: ResourceCall) -> Resource:
    told = given(call, "RouteTableId", *DESTINATIONS, *TARGETS)
    await ask(call, "CreateRoute", **told)
    return _route(call)


def _route(call: ResourceCall) -> Resource:
    _, block = destination(call.properties)
    return Resource(f"{call.properties['RouteTableId']}|{block}", {"CidrBlock": block})


async def _update_route(call: ResourceCall) -> Resource:
    await ask(call, "ReplaceRoute", **given(call, "RouteTableId", *DESTINATIONS, *TARGETS))
    return _route(call)


async def _delete_route(call: ResourceCall) -> None:
    await ask(call, "DeleteRoute", **given(call, "RouteTableId", *DESTINATIONS))


async def _associate(call: ResourceCall) -> Resource:
    made = (await ask(call, "AssociateRouteTable", **given(call, "RouteTableId", "SubnetId")))["AssociationId"]
    return Resource(made, {"Id": made})


async def _associate_other(call: ResourceCall) -> Resource:
    told = given(call, "RouteTableId")
    answer = await ask(call, "ReplaceRouteTableAssociation", AssociationId=call.physical_id, **told)
    return Resource(answer["NewAssociationId"], {"Id": answer["NewAssociationId"]})


TYPES = (
    ResourceType(
        "AWS::EC2::RouteTable",
        _create_table,
        deletion("DeleteRouteTable", "RouteTableId"),
        only_tags,
        replaced_by=frozenset(("VpcId",)),
    ),
    ResourceType(
        "AWS::EC2::Route",
        _create_route,
        _delete_route,
        _update_route,
        replaced_by=frozenset(("RouteTableId", *DESTINATIONS)),
    ),
    ResourceType(
        "AWS::EC2::SubnetRouteTableAssociation",
        _associate,
        deletion("DisassociateRouteTable", "AssociationId"),
        _associate_other,
        replaced_by=frozenset(("SubnetId",)),
    ),
)
