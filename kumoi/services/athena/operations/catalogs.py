"""The data catalog as Athena tells it: AwsDataCatalog, which is Glue's."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.athena import athena
from kumoi.services.athena.errors import invalid
from kumoi.services.athena.places import Asker
from kumoi.wire.errors import AwsError, aws_error

NAME = "AwsDataCatalog"


@athena.operation
async def get_data_catalog(call: Call, Name: str, WorkGroup: str | None = None) -> dict[str, Any]:
    """The catalog."""
    _check(Name)
    return {"DataCatalog": {"Name": NAME, "Type": "GLUE", "Parameters": {"catalog-id": call.account}}}


@athena.operation
async def list_data_catalogs(
    call: Call, NextToken: str | None = None, MaxResults: int | None = None, WorkGroup: str | None = None
) -> dict[str, Any]:
    """The catalogs: one."""
    return {"DataCatalogsSummary": [{"CatalogName": NAME, "Type": "GLUE"}]}


@athena.operation
async def list_databases(
    call: Call,
    CatalogName: str,
    NextToken: str | None = None,
    MaxResults: int | None = None,
    WorkGroup: str | None = None,
    AttributesToGet: list[str] | None = None,
) -> dict[str, Any]:
    """The databases of the catalog."""
    _check(CatalogName)
    answer = await _glue(call, "GetDatabases", **_page(NextToken, MaxResults))
    return {"DatabaseList": [_database(one) for one in answer["DatabaseList"]], **_more(answer)}


@athena.operation
async def get_database(call: Call, CatalogName: str, DatabaseName: str, WorkGroup: str | None = None) -> dict[str, Any]:
    """A database."""
    _check(CatalogName)
    return {"Database": _database((await _glue(call, "GetDatabase", Name=DatabaseName))["Database"])}


@athena.operation
async def list_table_metadata(
    call: Call,
    CatalogName: str,
    DatabaseName: str,
    Expression: str | None = None,
    NextToken: str | None = None,
    MaxResults: int | None = None,
    WorkGroup: str | None = None,
    AttributesToGet: list[str] | None = None,
) -> dict[str, Any]:
    """The tables of a database, those whose names fit a regular expression where one is given."""
    _check(CatalogName)
    wanted = {"Expression": Expression} if Expression else {}
    answer = await _glue(call, "GetTables", DatabaseName=DatabaseName, **wanted, **_page(NextToken, MaxResults))
    return {"TableMetadataList": [_table(one) for one in answer["TableList"]], **_more(answer)}


@athena.operation
async def get_table_metadata(
    call: Call, CatalogName: str, DatabaseName: str, TableName: str, WorkGroup: str | None = None
) -> dict[str, Any]:
    """A table."""
    _check(CatalogName)
    answer = await _glue(call, "GetTable", DatabaseName=DatabaseName, Name=TableName)
    return {"TableMetadata": _table(answer["Table"])}


def _check(name: str) -> None:
    if name.lower() != NAME.lower():
        raise invalid(f"Data catalog {name} is not found: Kumoi has {NAME}.")


def _page(token: str | None, most: int | None) -> dict[str, Any]:
    given = {"NextToken": token, "MaxResults": most}
    return {name: value for name, value in given.items() if value is not None}


def _more(answer: dict[str, Any]) -> dict[str, Any]:
    return {"NextToken": answer["NextToken"]} if "NextToken" in answer else {}


def _database(one: dict[str, Any]) -> dict[str, Any]:
    shown = {"Name": one["Name"], "Parameters": one.get("Parameters") or {}}
    return {**shown, "Description": one["Description"]} if "Description" in one else shown


def _table(one: dict[str, Any]) -> dict[str, Any]:
    descriptor = one.get("StorageDescriptor") or {}
    serde = descriptor.get("SerdeInfo") or {}
    parameters = {
        **(one.get("Parameters") or {}),
        "inputformat": descriptor.get("InputFormat", ""),
        "location": descriptor.get("Location", ""),
        "outputformat": descriptor.get("OutputFormat", ""),
        "serde.serialization.lib": serde.get("SerializationLibrary", ""),
        **{f"serde.param.{name}": value for name, value in (serde.get("Parameters") or {}).items()},
    }
    return {
        "Name": one["Name"],
        "CreateTime": one["CreateTime"],
        "TableType": one.get("TableType", "EXTERNAL_TABLE"),
        "Columns": [_column(column) for column in descriptor.get("Columns") or ()],
        "PartitionKeys": [_column(column) for column in one.get("PartitionKeys") or ()],
        "Parameters": parameters,
    }


def _column(one: dict[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in ("Name", "Type", "Comment") if name in one}


async def _glue(call: Call, operation: str, **params: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = await Asker.of(call).ask("glue", operation, **params)
    except AwsError as error:
        if error.code in ("EntityNotFoundException", "InvalidInputException"):
            told = (
                f"Service: AmazonDataCatalog; Status Code: 400; Error Code: {error.code}; Request ID: {call.request_id}"
            )
            raise aws_error("MetadataException", f"{error.message} ({told}; Proxy: null)") from None
        raise
    return answer
