"""CloudFormation resource types of Athena. Source: "Amazon Athena resource type reference"."""

from __future__ import annotations

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType


async def _create_group(call: ResourceCall) -> Resource:
    name = call.name("Name", 128)
    given = call.given("Description", "Tags")
    configuration = call.properties.get("WorkGroupConfiguration") or {}
    await call.ask("athena", "CreateWorkGroup", Name=name, Configuration=configuration, **given)
    if call.properties.get("State") == "DISABLED":
        await call.ask("athena", "UpdateWorkGroup", WorkGroup=name, State="DISABLED")
    return Resource(name, {})


async def _update_group(call: ResourceCall) -> Resource:
    given = call.given("Description", "State")
    changes = dict(call.properties.get("WorkGroupConfiguration") or {})
    if "ResultConfiguration" in changes:
        changes["ResultConfigurationUpdates"] = changes.pop("ResultConfiguration")
    await call.ask("athena", "UpdateWorkGroup", WorkGroup=call.physical_id, ConfigurationUpdates=changes, **given)
    return Resource(call.physical_id, {})


async def _delete_group(call: ResourceCall) -> None:
    everything = bool(call.properties.get("RecursiveDeleteOption", False))
    await call.ask("athena", "DeleteWorkGroup", WorkGroup=call.physical_id, RecursiveDeleteOption=everything)


async def _create_query(call: ResourceCall) -> Resource:
    given = call.given("Database", "Description", "QueryString", "WorkGroup")
    answer = await call.ask("athena", "CreateNamedQuery", Name=call.name("Name", 128), **given)
    return Resource(answer["NamedQueryId"], {"NamedQueryId": answer["NamedQueryId"]})


async def _delete_query(call: ResourceCall) -> None:
    await call.ask("athena", "DeleteNamedQuery", NamedQueryId=call.physical_id)


async def _create_statement(call: ResourceCall) -> Resource:
    given = call.given("Description", "QueryStatement", "StatementName", "WorkGroup")
    await call.ask("athena", "CreatePreparedStatement", **given)
    return Resource(given["StatementName"], {})


async def _update_statement(call: ResourceCall) -> Resource:
    given = call.given("Description", "QueryStatement", "StatementName", "WorkGroup")
    await call.ask("athena", "UpdatePreparedStatement", **given)
    return Resource(call.physical_id, {})


async def _delete_statement(call: ResourceCall) -> None:
    group = call.properties["WorkGroup"]
    await call.ask("athena", "DeletePreparedStatement", StatementName=call.physical_id, WorkGroup=group)


RESOURCES = (
    ResourceType(
        "AWS::Athena::WorkGroup", _create_group, _delete_group, _update_group, replaced_by=frozenset(("Name",))
    ),
    ResourceType("AWS::Athena::NamedQuery", _create_query, _delete_query),
    ResourceType(
        "AWS::Athena::PreparedStatement",
        _create_statement,
        _delete_statement,
        _update_statement,
        replaced_by=frozenset(("StatementName", "WorkGroup")),
    ),
)
