"""`AWS::ApiGateway::VpcLink`."""

from __future__ import annotations

from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.services.apigateway.properties import members, patches
from kumoi.services.apigateway.resources.asking import ask, resource_type


async def _create(call: ResourceCall) -> Resource:
    given = members(call.properties, "Name", "Description", "TargetArns")
    answer = await ask(call, "CreateVpcLink", tags=call.all_tags(), **given)
    return Resource(answer["id"], {"VpcLinkId": answer["id"]})


async def _update(call: ResourceCall) -> Resource:
    operations = patches(call.before, call.properties, "Name", "Description")
    await ask(call, "UpdateVpcLink", vpcLinkId=call.physical_id, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete(call: ResourceCall) -> None:
    await ask(call, "DeleteVpcLink", vpcLinkId=call.physical_id)


TYPES = (resource_type("VpcLink", _create, _delete, _update, "TargetArns"),)
