"""Groups: create, get, list, update, delete."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.resource_groups import resource_groups
from kumoi.services.resource_groups.pages import page
from kumoi.services.resource_groups.queries import parse
from kumoi.services.resource_groups.records import Group as GroupRecord
from kumoi.services.resource_groups.records import group_arn, groups
from kumoi.services.resource_groups.store import bad, find, named
from kumoi.state import Transaction, transactional

_RESERVED = "aws"


@resource_groups.operation
async def create_group(
    call: Call,
    Name: str,
    Description: str | None = None,
    ResourceQuery: dict[str, str] | None = None,
    Tags: dict[str, str] | None = None,
    Criticality: int | None = None,
    Owner: str | None = None,
    DisplayName: str | None = None,
) -> dict[str, Any]:
    """Create a group of what a query finds."""
    if ResourceQuery is None:
        raise bad("Kumoi's groups are of a query: ResourceQuery must be specified. See docs/resource-groups.md.")
    if Name.lower().startswith(_RESERVED):
        raise bad(f"Group names cannot begin with {_RESERVED}: {Name}")
    parse(ResourceQuery["Type"], ResourceQuery["Query"])
    group = GroupRecord(
        name=Name,
        kind=ResourceQuery["Type"],
        query=ResourceQuery["Query"],
        description=Description,
        criticality=Criticality,
        owner=Owner,
        display_name=DisplayName,
        tags=Tags or {},
    )
    await _create(call.state, group)
    return {"Group": _described(call, group), "ResourceQuery": _query(group), "Tags": group.tags}


@transactional
async def _create(tx: Transaction, group: GroupRecord) -> None:
    if await groups.get(tx, group.name) is not None:
        raise bad(f"A group with the name '{group.name}' already exists.")
    await groups.put(tx, group)


@resource_groups.operation
async def get_group(call: Call, GroupName: str | None = None, Group: str | None = None) -> dict[str, Any]:
    """A group."""
    return {"Group": _described(call, await find(call.state, named(GroupName, Group)))}


@resource_groups.operation
async def get_group_query(call: Call, GroupName: str | None = None, Group: str | None = None) -> dict[str, Any]:
    """The query of a group."""
    group = await find(call.state, named(GroupName, Group))
    return {"GroupQuery": {"GroupName": group.name, "ResourceQuery": _query(group)}}


@resource_groups.operation
async def get_group_configuration(call: Call, Group: str | None = None) -> dict[str, Any]:
    """Refused, as of any group of a query: it has no configuration."""
    group = await find(call.state, named(None, Group))
    raise bad(f"The group {group.name} is of a query: it has no configuration")


@resource_groups.operation
async def list_groups(
    call: Call,
    Filters: list[dict[str, Any]] | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Groups by name."""
    found = [one for one in await _all(call.state) if all(_passes(one, given) for given in Filters or ())]
    shown, more = page(found, lambda one: one.name, NextToken, MaxResults)
    identifiers = [{"GroupName": one.name, "GroupArn": group_arn(call.account, call.region, one.name)} for one in shown]
    described = [_described(call, one) for one in shown]
    return {
        "GroupIdentifiers": [
            {**one, **({"Description": group.description} if group.description else {})}
            for one, group in zip(identifiers, shown, strict=True)
        ],
        "Groups": described,
        **more,
    }


def _passes(group: GroupRecord, given: dict[str, Any]) -> bool:
    """Whether a group passes a filter: by the types that its query asks for, its owner, display name, criticality."""
    values = given.get("Values") or []
    if given.get("Name") == "resource-type":
        return not set(values).isdisjoint(orjson.loads(group.query).get("ResourceTypeFilters") or ())
    if given.get("Name") == "owner":
        return group.owner in values
    if given.get("Name") == "display-name":
        return group.display_name in values
    if given.get("Name") == "criticality":
        return str(group.criticality) in values
    return False


@transactional
async def _all(tx: Transaction) -> list[GroupRecord]:
    return await groups.list(tx)


@resource_groups.operation
async def update_group(
    call: Call,
    GroupName: str | None = None,
    Group: str | None = None,
    Description: str | None = None,
    Criticality: int | None = None,
    Owner: str | None = None,
    DisplayName: str | None = None,
) -> dict[str, Any]:
    """Give a group another description, criticality, owner or display name."""
    stated = {
        "description": Description,
        "criticality": Criticality,
        "owner": Owner,
        "display_name": DisplayName,
    }
    changes = {name: value for name, value in stated.items() if value is not None}
    return {"Group": _described(call, await _change(call.state, named(GroupName, Group), changes))}


@resource_groups.operation
async def update_group_query(
    call: Call, ResourceQuery: dict[str, str], GroupName: str | None = None, Group: str | None = None
) -> dict[str, Any]:
    """Give a group another query."""
    parse(ResourceQuery["Type"], ResourceQuery["Query"])
    changes = {"kind": ResourceQuery["Type"], "query": ResourceQuery["Query"]}
    group = await _change(call.state, named(GroupName, Group), changes)
    return {"GroupQuery": {"GroupName": group.name, "ResourceQuery": _query(group)}}


@transactional
async def _change(tx: Transaction, name: str, changes: dict[str, Any]) -> GroupRecord:
    group = replace(await find(tx, name), **changes)
    await groups.put(tx, group)
    return group


@resource_groups.operation
async def delete_group(call: Call, GroupName: str | None = None, Group: str | None = None) -> dict[str, Any]:
    """Delete a group; what it names stays."""
    return {"Group": _described(call, await _delete(call.state, named(GroupName, Group)))}


@transactional
async def _delete(tx: Transaction, name: str) -> GroupRecord:
    group = await find(tx, name)
    await groups.delete(tx, name)
    return group


def _described(call: Call, group: GroupRecord) -> dict[str, Any]:
    told = {
        "GroupArn": group_arn(call.account, call.region, group.name),
        "Name": group.name,
        "Description": group.description,
        "Criticality": group.criticality,
        "Owner": group.owner,
        "DisplayName": group.display_name,
    }
    return {name: value for name, value in told.items() if value is not None}


def _query(group: GroupRecord) -> dict[str, str]:
    return {"Type": group.kind, "Query": group.query}
