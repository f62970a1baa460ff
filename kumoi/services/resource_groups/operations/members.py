"""What groups and queries find: the tagging API is asked, on behalf of whoever asks here."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.resource_groups import resource_groups
from kumoi.services.resource_groups.pages import page
from kumoi.services.resource_groups.queries import TYPES, Asked, parse, type_of
from kumoi.services.resource_groups.store import bad, find, named

_PAGE = 100


@resource_groups.operation
async def list_group_resources(
    call: Call,
    GroupName: str | None = None,
    Group: str | None = None,
    Filters: list[dict[str, Any]] | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The resources of a group, of some types where a filter says so."""
    group = await find(call.state, named(GroupName, Group))
    wanted = [value for one in Filters or () if one.get("Name") == "resource-type" for value in one.get("Values") or ()]
    unknown = [one for one in wanted if one not in TYPES]
    if unknown:
        raise bad(f"The resource type {unknown[0]} is not supported")
    found = await _found(call, parse(group.kind, group.query))
    found = [one for one in found if not wanted or one["ResourceType"] in wanted]
    shown, more = page(found, lambda one: one["ResourceArn"], NextToken, MaxResults)
    return {
        "Resources": [{"Identifier": one} for one in shown],
        "ResourceIdentifiers": shown,
        "QueryErrors": [],
        **more,
    }


@resource_groups.operation
async def search_resources(
    call: Call, ResourceQuery: dict[str, str], MaxResults: int | None = None, NextToken: str | None = None
) -> dict[str, Any]:
    """What a query finds."""
    found = await _found(call, parse(ResourceQuery["Type"], ResourceQuery["Query"]))
    shown, more = page(found, lambda one: one["ResourceArn"], NextToken, MaxResults)
    return {"ResourceIdentifiers": shown, "QueryErrors": [], **more}


async def _found(call: Call, asked: Asked) -> list[dict[str, str]]:
    """The identifiers of the resources whose types queries know."""
    given: dict[str, Any] = {"TagFilters": asked.tags, "ResourcesPerPage": _PAGE}
    if asked.types:
        given["ResourceTypeFilters"] = asked.types
    found: list[dict[str, str]] = []
    token = ""
    while True:
        answer = await call.to("resourcegroupstaggingapi", "GetResources", PaginationToken=token, **given)
        for one in answer["ResourceTagMappingList"]:
            if kind := type_of(one["ResourceARN"]):
                found.append({"ResourceArn": one["ResourceARN"], "ResourceType": kind})
        token = answer["PaginationToken"]
        if not token:
            return found
