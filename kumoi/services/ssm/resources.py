"""Parameter Store's CloudFormation resource type. Source: "AWS::SSM::Parameter" of the template reference."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType
from kumoi.wire.errors import aws_error

_MEMBERS = ("AllowedPattern", "DataType", "Description", "Policies", "Tier", "Type", "Value")
_LOGICAL_CHARACTERS = 24
"""How much of a logical id goes into a name that is made."""


def _parameter(call: ResourceCall) -> dict[str, Any]:
    call.required("Type", "Value")
    if call.properties["Type"] == "SecureString":
        raise aws_error("ValidationError", "AWS::SSM::Parameter does not make parameters of the type SecureString.")
    given = call.given(*_MEMBERS)
    if "Policies" in given and not isinstance(given["Policies"], str):
        given["Policies"] = orjson.dumps(given["Policies"]).decode()
    return {**given, "Value": str(given["Value"])}


def _name(call: ResourceCall) -> str:
    """The name stated, or one made without the stack's: that may begin with `aws` or `ssm`, as no name may."""
    return str(call.properties.get("Name") or f"CFN-{call.logical_id[:_LOGICAL_CHARACTERS]}-{call.token}")


def _made(call: ResourceCall, name: str) -> Resource:
    return Resource(name, {"Type": call.properties["Type"], "Value": str(call.properties["Value"])})


async def _create(call: ResourceCall) -> Resource:
    name = _name(call)
    await call.ask("ssm", "PutParameter", Name=name, Tags=call.tag_list(), **_parameter(call))
    return _made(call, name)


async def _update(call: ResourceCall) -> Resource:
    name = call.physical_id
    await call.ask("ssm", "PutParameter", Name=name, Overwrite=True, **_emptied(call), **_parameter(call))
    before = await call.ask("ssm", "ListTagsForResource", ResourceType="Parameter", ResourceId=name)
    wanted = call.all_tags()
    gone = [tag["Key"] for tag in before["TagList"] if tag["Key"] not in wanted]
    if gone:
        await call.ask("ssm", "RemoveTagsFromResource", ResourceType="Parameter", ResourceId=name, TagKeys=gone)
    await call.ask("ssm", "AddTagsToResource", ResourceType="Parameter", ResourceId=name, Tags=call.tag_list())
    return _made(call, name)


def _emptied(call: ResourceCall) -> dict[str, str]:
    """What the template states no more, as what takes it away."""
    empty = {"AllowedPattern": "", "Description": "", "Policies": "[]"}
    return {name: value for name, value in empty.items() if name in call.before and name not in call.properties}


async def _delete(call: ResourceCall) -> None:
    await call.ask("ssm", "DeleteParameter", Name=call.physical_id)


async def _read(call: ResourceCall) -> Reading:
    name = call.physical_id
    value = (await call.ask("ssm", "GetParameter", Name=name))["Parameter"]
    only = [{"Key": "Name", "Values": [name]}]
    (described,) = (await call.ask("ssm", "DescribeParameters", ParameterFilters=only))["Parameters"]
    told = {member: described.get(member) for member in ("AllowedPattern", "DataType", "Description", "Tier")}
    told |= {"Name": name, "Type": value["Type"], "Value": value["Value"]}
    return Reading(Resource(name, {"Type": value["Type"], "Value": value["Value"]}), told)


RESOURCES = (
    ResourceType(
        "AWS::SSM::Parameter",
        _create,
        _delete,
        _update,
        replaced_by=frozenset(("Name", "Type")),
        expected=_name,
        read=_read,
        identifier="Name",
        listing=Listing("ssm", "DescribeParameters", "Parameters", ("NextToken", "NextToken"), "Name"),
    ),
)
