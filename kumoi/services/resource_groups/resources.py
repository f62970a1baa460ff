"""Resource Groups' CloudFormation type. Source: "AWS Resource Groups resource type reference"."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType
from kumoi.services.resource_groups.records import group_arn
from kumoi.wire.errors import aws_error

_BY_STACK = "CLOUDFORMATION_STACK_1_0"


def _query(call: ResourceCall) -> dict[str, str]:
    """The query that a template states; that of its own stack where it states none."""
    for unbuilt in ("Configuration", "Resources"):
        if call.properties.get(unbuilt):
            raise aws_error(
                "ValidationError", f"Kumoi's {call.kind} does not take {unbuilt}: its groups are of a query."
            )
    stated = call.properties.get("ResourceQuery") or {}
    kind = str(stated.get("Type", _BY_STACK))
    query: dict[str, Any] = dict(stated.get("Query") or {})
    query.setdefault("ResourceTypeFilters", ["AWS::AllSupported"])
    if kind == _BY_STACK:
        query.setdefault("StackIdentifier", call.stack_id)
    return {"Type": kind, "Query": orjson.dumps(query).decode()}


def _made(call: ResourceCall, name: str) -> Resource:
    return Resource(name, {"Arn": group_arn(call.account, call.region, name)})


async def _create(call: ResourceCall) -> Resource:
    name = call.name("Name", 128)
    tags = {key: value for key, value in call.all_tags().items() if not key.startswith("aws:")}
    await call.ask(
        "resource-groups",
        "CreateGroup",
        Name=name,
        ResourceQuery=_query(call),
        Tags=tags or None,
        **call.given("Description"),
    )
    return _made(call, name)


async def _update(call: ResourceCall) -> Resource:
    name = call.physical_id
    arn = group_arn(call.account, call.region, name)
    await call.ask("resource-groups", "UpdateGroupQuery", Group=name, ResourceQuery=_query(call))
    description = str(call.properties.get("Description", ""))
    await call.ask("resource-groups", "UpdateGroup", Group=name, Description=description)
    wanted = {key: value for key, value in call.all_tags().items() if not key.startswith("aws:")}
    known = (await call.ask("resource-groups", "GetTags", Arn=arn))["Tags"]
    gone = [key for key in known if key not in wanted]
    if gone:
        await call.ask("resource-groups", "Untag", Arn=arn, Keys=gone)
    if wanted:
        await call.ask("resource-groups", "Tag", Arn=arn, Tags=wanted)
    return _made(call, name)


async def _delete(call: ResourceCall) -> None:
    await call.ask("resource-groups", "DeleteGroup", Group=call.physical_id)


async def _read(call: ResourceCall) -> Reading:
    name = call.physical_id
    group = (await call.ask("resource-groups", "GetGroup", Group=name))["Group"]
    query = (await call.ask("resource-groups", "GetGroupQuery", Group=name))["GroupQuery"]["ResourceQuery"]
    tags = (await call.ask("resource-groups", "GetTags", Arn=group["GroupArn"]))["Tags"]
    properties = {
        "Name": name,
        "Description": group.get("Description") or None,
        "ResourceQuery": {"Type": query["Type"], "Query": orjson.loads(query["Query"])},
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    return Reading(_made(call, name), properties)


RESOURCES = (
    ResourceType(
        "AWS::ResourceGroups::Group",
        _create,
        _delete,
        _update,
        replaced_by=frozenset(("Name",)),
        expected=lambda call: call.name("Name", 128),
        read=_read,
        identifier="Name",
        listing=Listing("resource-groups", "ListGroups", "Groups", ("NextToken", "NextToken"), "Name"),
    ),
)
