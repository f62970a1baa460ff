"""`AWS::EC2::InternetGateway`, `VPCGatewayAttachment`, `EgressOnlyInternetGateway` and `NatGateway`."""

from __future__ import annotations

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.ec2.resources.asking import ask, deletion, given, only_tags, tagged
from kumoi.wire.errors import aws_error


async def _create_gateway(call: ResourceCall) -> Resource:
    answer = await ask(call, "CreateInternetGateway", TagSpecifications=tagged(call, "internet-gateway"))
    made = answer["InternetGateway"]["InternetGatewayId"]
    return Resource(made, {"InternetGatewayId": made})


async def _attach(call: ResourceCall) -> Resource:
    told = given(call, "InternetGatewayId", "VpcId")
    if "InternetGatewayId" not in told:
        raise aws_error("NotImplemented", "Kumoi has no VPN gateways: a VPCGatewayAttachment has an InternetGatewayId")
    await ask(call, "AttachInternetGateway", **told)
    return Resource(f"IGW|{told['VpcId']}", {"AttachmentType": "IGW"})


async def _detach(call: ResourceCall) -> None:
    await ask(call, "DetachInternetGateway", **given(call, "InternetGatewayId", "VpcId"))


async def _move(call: ResourceCall) -> Resource:
    before = {name: call.before[name] for name in ("InternetGatewayId", "VpcId")}
    await ask(call, "DetachInternetGateway", **before)
    return await _attach(call)


async def _create_egress_only(call: ResourceCall) -> Resource:
    tags = tagged(call, "egress-only-internet-gateway")
    told = given(call, "VpcId")
    answer = await ask(call, "CreateEgressOnlyInternetGateway", **told, TagSpecifications=tags, ClientToken=call.token)
    made = answer["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    return Resource(made, {"Id": made})


async def _create_nat(call: ResourceCall) -> Resource:
    told = given(call, "SubnetId", "AllocationId", "ConnectivityType", "PrivateIpAddress")
    token = f"{call.stack_id}/{call.logical_id}/{call.token}"
    answer = await ask(
        call, "CreateNatGateway", **told, TagSpecifications=tagged(call, "natgateway"), ClientToken=token
    )
    made = answer["NatGateway"]
    attributes = {
        "NatGatewayId": made["NatGatewayId"],
        "EniId": made["NatGatewayAddresses"][0]["NetworkInterfaceId"],
        "RouteTableId": "",
    }
    return Resource(made["NatGatewayId"], attributes)


TYPES = (
    ResourceType(
        "AWS::EC2::InternetGateway",
        _create_gateway,
        deletion("DeleteInternetGateway", "InternetGatewayId"),
        only_tags,
    ),
    ResourceType("AWS::EC2::VPCGatewayAttachment", _attach, _detach, _move, replaced_by=frozenset(("VpcId",))),
    ResourceType(
        "AWS::EC2::EgressOnlyInternetGateway",
        _create_egress_only,
        deletion("DeleteEgressOnlyInternetGateway", "EgressOnlyInternetGatewayId"),
        only_tags,
        replaced_by=frozenset(("VpcId",)),
    ),
    ResourceType(
        "AWS::EC2::NatGateway",
        _create_nat,
        deletion("DeleteNatGateway", "NatGatewayId"),
        only_tags,
        replaced_by=frozenset(("SubnetId", "AllocationId", "ConnectivityType", "PrivateIpAddress")),
    ),
)
