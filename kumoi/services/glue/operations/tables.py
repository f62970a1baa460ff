"""Tables and views: create, get, list, update, delete, and how they were."""

from __future__ import annotations

import asyncio
from typing import Any

from kumoi.doorway import Call
from kumoi.java_patterns import BadPattern, matches
from kumoi.services.glue import glue
from kumoi.services.glue.catalog import add_table, change_table, drop_table, every_table, table_of, tables_in
from kumoi.services.glue.errors import invalid, no_entity
from kumoi.services.glue.operations.partition_indexes import add_index
from kumoi.services.glue.paging import page
from kumoi.services.glue.records import Table, TableVersion, versions
from kumoi.services.glue.searching import finds, in_order
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

_PAGE = 100


@glue.operation
async def create_table(
    call: Call,
    DatabaseName: str,
    TableInput: dict[str, Any] | None = None,
    Name: str | None = None,
    CatalogId: str | None = None,
    PartitionIndexes: list[dict[str, Any]] | None = None,
    TransactionId: str | None = None,
    OpenTableFormatInput: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Create a table; open table formats (Iceberg) are refused."""
    if OpenTableFormatInput:
        raise invalid("Kumoi's catalog has no tables in open table formats: see docs/athena.md.")
    if TableInput is None:
        raise invalid("TableInput is required.")
    made = Table(
        database=DatabaseName.lower(),
        name=TableInput["Name"].lower(),
        created=call.now,
        updated=call.now,
        given=TableInput,
        creator=call.caller.arn,
    )
    await _create(call.state, made, PartitionIndexes or [])
    return {}


@glue.operation
async def get_table(
    call: Call,
    DatabaseName: str,
    Name: str,
    CatalogId: str | None = None,
    TransactionId: str | None = None,
    QueryAsOfTime: float | None = None,
    AuditContext: dict[str, Any] | None = None,
    IncludeStatusDetails: bool = False,
    AttributesToGet: list[str] | None = None,
) -> dict[str, Any]:
    """A table."""
    return {"Table": _shown(call, await table_of(call.state, DatabaseName, Name))}


@glue.operation
async def get_tables(
    call: Call,
    DatabaseName: str,
    Expression: str | None = None,
    NextToken: str | None = None,
    MaxResults: int | None = None,
    CatalogId: str | None = None,
    TransactionId: str | None = None,
    QueryAsOfTime: float | None = None,
    AuditContext: dict[str, Any] | None = None,
    IncludeStatusDetails: bool = False,
    AttributesToGet: list[str] | None = None,
    ResourceShareType: str | None = None,
) -> dict[str, Any]:
    """The tables of a database, those whose names fit a regular expression where one is given."""
    found = await tables_in(call.state, DatabaseName)
    if Expression:
        found = await asyncio.to_thread(_fitting, found, Expression)
    shown, more = page(found, lambda one: one.name, NextToken, MaxResults, _PAGE)
    return {"TableList": [_shown(call, one) for one in shown], **more}


@glue.operation
async def search_tables(
    call: Call,
    SearchText: str | None = None,
    Filters: list[dict[str, str]] | None = None,
    SortCriteria: list[dict[str, str]] | None = None,
    NextToken: str | None = None,
    MaxResults: int | None = None,
    CatalogId: str | None = None,
    ResourceShareType: str | None = None,
    IncludeStatusDetails: bool = False,
) -> dict[str, Any]:
    """The tables of all databases that a text and filters find."""
    shown = [_shown(call, one) for one in await every_table(call.state)]
    found = [one for one in shown if finds(one, SearchText, Filters or ())]
    ordered = list(enumerate(in_order(found, SortCriteria or ())))
    tables, more = page(ordered, lambda one: f"{one[0]:09}", NextToken, MaxResults, _PAGE)
    return {"TableList": [one for _, one in tables], **more}


@glue.operation
async def update_table(
    call: Call,
    DatabaseName: str,
    TableInput: dict[str, Any] | None = None,
    Name: str | None = None,
    CatalogId: str | None = None,
    SkipArchive: bool = False,
    TransactionId: str | None = None,
    VersionId: str | None = None,
    ViewUpdateAction: str | None = None,
    Force: bool = False,
    UpdateOpenTableFormatInput: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Give a table another definition."""
    if TableInput is None:
        raise invalid("TableInput is required.")
    await change_table(call.state, DatabaseName, TableInput["Name"], TableInput, archive=not SkipArchive)
    return {}


@glue.operation
async def delete_table(
    call: Call, DatabaseName: str, Name: str, CatalogId: str | None = None, TransactionId: str | None = None
) -> dict[str, Any]:
    """Delete a table; its data stay where they are."""
    await drop_table(call.state, DatabaseName, Name)
    return {}


@glue.operation
async def batch_delete_table(
    call: Call,
    DatabaseName: str,
    TablesToDelete: list[str],
    CatalogId: str | None = None,
    TransactionId: str | None = None,
) -> dict[str, Any]:
    """Delete tables; what could not be is told."""
    errors = []
    for name in TablesToDelete:
        try:
            await drop_table(call.state, DatabaseName, name)
        except AwsError as error:
            errors.append({"TableName": name, "ErrorDetail": {"ErrorCode": error.code, "ErrorMessage": error.message}})
    return {"Errors": errors} if errors else {}


@glue.operation
async def get_table_versions(
    call: Call,
    DatabaseName: str,
    TableName: str,
    CatalogId: str | None = None,
    NextToken: str | None = None,
    MaxResults: int | None = None,
    AuditContext: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A table as it is and was, the newest first."""
    found = await _versions(call.state, DatabaseName, TableName)
    shown, more = page(found, lambda one: f"{10**12 - one.version}", NextToken, MaxResults, _PAGE)
    told = [{"Table": _shown(call, one), "VersionId": str(one.version)} for one in shown]
    return {"TableVersions": told, **more}


@glue.operation
async def get_table_version(
    call: Call,
    DatabaseName: str,
    TableName: str,
    VersionId: str | None = None,
    CatalogId: str | None = None,
    AuditContext: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A table as it was in a version; as it is, without one."""
    for one in await _versions(call.state, DatabaseName, TableName):
        if VersionId in (None, str(one.version)):
            return {"TableVersion": {"Table": _shown(call, one), "VersionId": str(one.version)}}
    raise no_entity("Version not found.")


def _shown(call: Call, one: Table) -> dict[str, Any]:
    return {
        **one.given,
        "Name": one.name,
        "DatabaseName": one.database,
        "CreateTime": one.created,
        "UpdateTime": one.updated,
        "CreatedBy": one.creator,
        "CatalogId": call.account,
        "VersionId": str(one.version),
        "IsRegisteredWithLakeFormation": False,
    }


def _fitting(found: list[Table], text: str) -> list[Table]:
    try:
        return [one for one in found if matches(text, one.name)]
    except BadPattern:
        raise invalid(f"The expression {text} cannot be used.") from None


@transactional
async def _create(tx: Transaction, table: Table, indexes: list[dict[str, Any]]) -> None:
    await add_table(tx, table)
    for index in indexes:
        await add_index(tx, table, index)


@transactional
async def _versions(tx: Transaction, database: str, name: str) -> list[Table]:
    table = await table_of(tx, database, name)
    old: list[TableVersion] = await versions.list(tx, table.database, table.name, reverse=True)
    return [table, *(one.record for one in old)]
