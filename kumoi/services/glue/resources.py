"""CloudFormation resource types of the catalog. Source: "AWS Glue resource type reference"."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType


def _input(call: ResourceCall, member: str) -> dict[str, Any]:
    given = dict(call.properties[member])
    given.setdefault("Name", call.name("Name", 255).lower())
    return given


async def _create_database(call: ResourceCall) -> Resource:
    given = _input(call, "DatabaseInput")
    await call.ask("glue", "CreateDatabase", DatabaseInput=given)
    return Resource(given["Name"], {})


async def _update_database(call: ResourceCall) -> Resource:
    given = {**call.properties["DatabaseInput"], "Name": call.physical_id}
    await call.ask("glue", "UpdateDatabase", Name=call.physical_id, DatabaseInput=given)
    return Resource(call.physical_id, {})


async def _delete_database(call: ResourceCall) -> None:
    await call.ask("glue", "DeleteDatabase", Name=call.physical_id)


async def _create_table(call: ResourceCall) -> Resource:
    given = _input(call, "TableInput")
    await call.ask("glue", "CreateTable", DatabaseName=call.properties["DatabaseName"], TableInput=given)
    return Resource(given["Name"], {})


async def _update_table(call: ResourceCall) -> Resource:
    given = {**call.properties["TableInput"], "Name": call.physical_id}
    await call.ask("glue", "UpdateTable", DatabaseName=call.properties["DatabaseName"], TableInput=given)
    return Resource(call.physical_id, {})


async def _delete_table(call: ResourceCall) -> None:
    await call.ask("glue", "DeleteTable", DatabaseName=call.properties["DatabaseName"], Name=call.physical_id)


def _partition(call: ResourceCall) -> dict[str, Any]:
    return {"DatabaseName": call.properties["DatabaseName"], "TableName": call.properties["TableName"]}


async def _create_partition(call: ResourceCall) -> Resource:
    given = call.properties["PartitionInput"]
    await call.ask("glue", "CreatePartition", PartitionInput=given, **_partition(call))
    return Resource("|".join((*_partition(call).values(), *given["Values"])), {})


async def _update_partition(call: ResourceCall) -> Resource:
    values, given = call.physical_id.split("|")[2:], call.properties["PartitionInput"]
    await call.ask("glue", "UpdatePartition", PartitionValueList=values, PartitionInput=given, **_partition(call))
    return Resource("|".join((*_partition(call).values(), *given["Values"])), {})


async def _delete_partition(call: ResourceCall) -> None:
    database, table, *values = call.physical_id.split("|")
    await call.ask("glue", "DeletePartition", DatabaseName=database, TableName=table, PartitionValues=values)


RESOURCES = (
    ResourceType("AWS::Glue::Database", _create_database, _delete_database, _update_database),
    ResourceType(
        "AWS::Glue::Table",
        _create_table,
        _delete_table,
        _update_table,
        replaced_by=frozenset(("DatabaseName",)),
    ),
    ResourceType(
        "AWS::Glue::Partition",
        _create_partition,
        _delete_partition,
        _update_partition,
        replaced_by=frozenset(("DatabaseName", "TableName")),
    ),
)
