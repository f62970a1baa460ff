"""`AWS::EC2::EIP`."""

from __future__ import annotations

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.ec2.resources.asking import ask, given, retag, tagged
from kumoi.wire.errors import aws_error


async def _create(call: ResourceCall) -> Resource:
    if "InstanceId" in call.properties:
        raise aws_error("NotImplemented", "Kumoi has no instances: an EIP has no InstanceId")
    told = given(call, "Domain", "PublicIpv4Pool", "NetworkBorderGroup")
    made = await ask(call, "AllocateAddress", **told, TagSpecifications=tagged(call, "elastic-ip"))
    attributes = {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}
    return Resource(made["PublicIp"], attributes)


async def _update(call: ResourceCall) -> Resource:
    await retag(call, call.attributes["AllocationId"])
    return Resource(call.physical_id, call.attributes)


async def _delete(call: ResourceCall) -> None:
    await ask(call, "ReleaseAddress", PublicIp=call.physical_id)


TYPES = (
    ResourceType(
        "AWS::EC2::EIP",
        _create,
        _delete,
        _update,
        replaced_by=frozenset(("Domain", "NetworkBorderGroup", "PublicIpv4Pool", "InstanceId")),
    ),
)
